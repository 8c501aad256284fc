/**
 * How the operations of AIR become tfjs kernels.
 *
 * An op has a name and a composite made of plain tensor ops: what it means, and how it runs where nothing better is known. A
 * backend may register a faster kernel under the same name (see `backends/`), for all calls or for those it knows how to
 * handle. Gradients are ops like any other: the pass is differentiated by hand (see `unrollGrad`), not by tfjs's tape.
 */
import * as tf from '@tensorflow/tfjs';
import { AirError } from '../../errors.js';
import type { Varying } from './compiled.js';
import { type TensorOps, tensorOps } from './tensor-ops.js';

/** Tensors by name; one that may be left out is undefined. */
type Tensors = { [name: string]: tf.Tensor | undefined };
/** Numbers vary only for backends that compile (see compiled.ts); the kernels of others are given them as they are. */
type Attrs = { [name: string]: string | boolean | Varying<number> | Varying<readonly number[]> };

/** As many tensors; what their ranks are, the op says. */
type OfAnyRank<O extends readonly tf.Tensor[]> = { readonly [i in keyof O]: tf.Tensor };

type OpSpec<I extends Tensors, A extends Attrs, O extends readonly tf.Tensor[]> = {
  /** Global kernel name; `Air...` so that it never meets one of tfjs's own. */
  name: string;
  /**
   * The op in plain tensor ops: `ops` are those of the running backend. Ops of tfjs run there as well, at a higher price.
   * Runs inside `tidy`; outputs are new tensors, no inputs.
   */
  composite: (ops: TensorOps, inputs: I, attrs: A) => OfAnyRank<O>;
};

/** By the names of their ops, as kernels. */
const composites = new Map<string, tf.KernelFunc>();

/** Makes an op of its spec: a function from inputs and attributes to its outputs, in order; the caller disposes them. */
export function defineOp<I extends Tensors, A extends Attrs, O extends readonly tf.Tensor[]>({
  name,
  composite,
}: OpSpec<I, A, O>): (inputs: I, attrs: A) => O {
  const kernelFunc: tf.KernelFunc = ({ inputs, attrs }) =>
    tf.tidy(() => [...composite(tensorOps(), inputs as I, attrs as unknown as A)]);
  composites.set(name, kernelFunc);
  return (inputs, attrs) => {
    const backendName = tf.getBackend();
    if (!tf.getKernel(name, backendName)) tf.registerKernel({ kernelName: name, backendName, kernelFunc });
    const given = Object.fromEntries(Object.entries(inputs).filter(([, tensor]) => tensor !== undefined));
    const out: tf.Tensor | tf.Tensor[] = tf
      .engine()
      .runKernel(name, given as tf.NamedTensorMap, attrs as tf.NamedAttrMap);
    return (Array.isArray(out) ? out : [out]) as unknown as O;
  };
}

/** A backend's own kernel. */
export type OwnKernel = {
  kernelFunc: tf.KernelFunc;
  /** Which calls of an op it is for, by their attributes; without this, for all. The composite runs the others. */
  handles?: ((attrs: tf.NamedAttrMap) => boolean) | undefined;
};

/** Gives a backend a kernel of its own for an op of AIR, or of tfjs, in place of the one before. */
export function registerOwnKernel(name: string, backendName: string, { kernelFunc, handles }: OwnKernel): void {
  if (tf.getKernel(name, backendName)) tf.unregisterKernel(name, backendName);
  const choosing: tf.KernelFunc = (call) =>
    (handles?.(call.attrs ?? {}) === false ? compositeOf(name) : kernelFunc)(call);
  tf.registerKernel({ kernelName: name, backendName, kernelFunc: handles === undefined ? kernelFunc : choosing });
}

function compositeOf(name: string): tf.KernelFunc {
  const composite = composites.get(name);
  if (composite === undefined) throw new AirError('bug', `a kernel declined ${name}, which has no composite`);
  return composite;
}

/** A list of tensors as inputs of an op: NAME0, NAME1, ... */
export function numbered(name: string, tensors: readonly tf.Tensor[]): { [name: string]: tf.Tensor } {
  return Object.fromEntries(tensors.map((tensor, i) => [`${name}${i}`, tensor]));
}

/** The list again. */
export function listed<T extends tf.TensorInfo>(inputs: { readonly [name: string]: unknown }, name: string): T[] {
  const tensors: T[] = [];
  for (let i = 0; inputs[`${name}${i}`] !== undefined; i++) tensors.push(inputs[`${name}${i}`] as T);
  return tensors;
}
