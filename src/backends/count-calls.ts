/** How often the kernels of a backend turn to the library below. */

const counters = new WeakMap<object, () => number>();

/** Counts calls of these methods from now on; an object that is counted already goes on as it is. */
export function countCalls(target: object, methods: readonly string[]): () => number {
  const known = counters.get(target);
  if (known) return known;
  const counted = target as { [method: string]: (...args: unknown[]) => unknown };
  let count = 0;
  for (const method of methods) {
    const original = counted[method];
    counted[method] = (...args) => {
      count++;
      return original.apply(target, args);
    };
  }
  const counter = () => count;
  counters.set(target, counter);
  return counter;
}
