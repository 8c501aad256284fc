/** How often the kernels of a backend turn to the library below, and for how much. */

export type LibraryCount = { ops: number; calls: number };

/** How many ops of the library a call of each method runs, by its first argument. */
type CountedMethods = { readonly [method: string]: (what: never) => number };

const counters = new WeakMap<object, () => LibraryCount>();

/** Counts calls of these methods from now on; an object that is counted already goes on as it is. */
export function countCalls(target: object, methods: CountedMethods): () => LibraryCount {
  const known = counters.get(target);
  if (known) return known;
  const counted = target as { [method: string]: (...args: unknown[]) => unknown };
  const so = { ops: 0, calls: 0 };
  for (const [method, opsOf] of Object.entries(methods)) {
    const original = counted[method];
    counted[method] = (...args) => {
      so.calls++;
      so.ops += opsOf(args[0] as never);
      return original.apply(target, args);
    };
  }
  const counter = () => ({ ...so });
  counters.set(target, counter);
  return counter;
}
