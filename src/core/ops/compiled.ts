/**
 * Functions of tensors that a backend may compile: those that it sees again and again, with tensors of the same shapes, it may
 * run in another way than op by op. Where no backend offers to, they are plain functions.
 *
 * What is compiled is what a function does with its tensors. Numbers of the host that it uses become part of that, so those that
 * are others at each call come as `Varying`, and become tensors by `ops.varying`, which asks for them each time.
 */
import * as tf from '@tensorflow/tfjs';

/** Tensors in a structure. */
export type TensorTree = tf.Tensor | undefined | readonly TensorTree[] | { readonly [name: string]: TensorTree };

/** A number of the host, or several; a function that tells it where it may be another at each call of what is compiled. */
export type Varying<T> = T | (() => T);

/** What it is now. */
export function now<T extends number | readonly number[]>(value: Varying<T>): T {
  return typeof value === 'function' ? value() : value;
}

/** Numbers of the host by name, and the same as a function to be compiled is given them. */
export type HostNumbers = { readonly [name: string]: number | readonly number[] };
export type VaryingNumbers<N> = { readonly [name in keyof N]: Varying<N[name]> };

/**
 * A function that may be compiled: all that it computes with are its settings, the same object again and again, and what it is
 * given of tensors and numbers. It reads no tensor, and returns new ones.
 */
export type Compilable<S extends object, I extends TensorTree, N extends HostNumbers, O extends TensorTree> = (
  settings: S,
  tensors: I,
  numbers: VaryingNumbers<N>,
) => O;

/** What a backend offers that compiles; calls are as of the function itself. The caller disposes what is returned. */
export type Compiler = {
  call<S extends object, I extends TensorTree, N extends HostNumbers, O extends TensorTree>(
    run: Compilable<S, I, N, O>,
    settings: S,
    tensors: I,
    numbers: N,
  ): O;
};

const compilers = new Map<string, Compiler>();
let isPlain = false;

/** From now on what can be compiled is compiled by this on the backend of this name. */
export function useCompiler(backendName: string, compiler: Compiler): void {
  compilers.set(backendName, compiler);
}

/** The same function, compiled where the running backend does so. The caller disposes what it returns. */
export function compiled<S extends object, I extends TensorTree, N extends HostNumbers, O extends TensorTree>(
  run: Compilable<S, I, N, O>,
): (settings: S, tensors: I, numbers: N) => O {
  return (settings, tensors, numbers) => {
    const compiler = isPlain ? undefined : compilers.get(tf.getBackend());
    if (compiler !== undefined) return compiler.call(run, settings, tensors, numbers);
    return tf.tidy(() => run(settings, tensors, numbers) as tf.TensorContainer) as O;
  };
}

/** Meanwhile nothing is compiled, nor what is compiled used: for who wants to see every op. */
export async function opByOp<T>(run: () => Promise<T>): Promise<T> {
  isPlain = true;
  try {
    return await run();
  } finally {
    isPlain = false;
  }
}

/** The tensors of a structure in their order, with their places in it. */
export function leavesOf(tree: TensorTree, path = ''): { path: string; tensor: tf.Tensor }[] {
  if (tree === undefined) return [];
  if (tree instanceof tf.Tensor) return [{ path, tensor: tree }];
  return Object.entries(tree).flatMap(([name, branch]) => leavesOf(branch, `${path}/${name}`));
}

/** The same structure with other tensors, given in the order of its own. */
export function withLeaves<T extends TensorTree>(tree: T, tensors: readonly tf.Tensor[]): T {
  const rest = [...tensors];
  const grow = (branch: TensorTree): TensorTree => {
    if (branch === undefined) return undefined;
    if (branch instanceof tf.Tensor) return rest.shift();
    if (Array.isArray(branch)) return branch.map(grow);
    return Object.fromEntries(Object.entries(branch).map(([name, one]) => [name, grow(one)]));
  };
  return grow(tree) as T;
}
