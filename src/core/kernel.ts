/**
 * How the heavy operations of AIR become tfjs kernels.
 *
 * An op has a name, a composite made of plain tfjs ops (what it means, and how it runs where nothing better is known)
 * and a gradient. A backend may register a faster kernel under the same name (see `backends/`); the gradient is shared.
 */
import * as tf from '@tensorflow/tfjs';

type Tensors = { [name: string]: tf.Tensor };
type Attrs = { [name: string]: number | string | boolean | readonly number[] };

/** Gradients by input name, made only for the inputs that something depends on. */
export type InputGradients<I extends Tensors> = { [name in keyof I]?: () => tf.Tensor };

export type OpSpec<I extends Tensors, A extends Attrs, O extends readonly tf.Tensor[]> = {
  /** Global kernel name; `Air...` so that it never meets one of tfjs's own. */
  name: string;
  /** The op in plain tfjs ops. Runs inside `tidy`. */
  composite: (inputs: I, attrs: A) => O;
  /** What the gradient needs: inputs by name, outputs by position. */
  saves?: { inputs?: readonly (keyof I & string)[]; outputs?: readonly number[] };
  /** From the gradients of the outputs to those of the inputs. An op without one takes part in no gradient. */
  gradient?: (dys: O, saved: tf.Tensor[], attrs: A) => InputGradients<I>;
};

/** Makes an op of its spec: a function from inputs and attributes to its outputs, in order; the caller disposes them. */
export function defineOp<I extends Tensors, A extends Attrs, O extends readonly tf.Tensor[]>(
  spec: OpSpec<I, A, O>,
): (inputs: I, attrs: A) => O {
  const { name, composite, saves = {}, gradient } = spec;
  const savedOutputs = saves.outputs ?? [];
  if (gradient) {
    tf.registerGradient({
      kernelName: name,
      inputsToSave: [...(saves.inputs ?? [])],
      outputsToSave: savedOutputs.length > 0 ? [0, 1, 2, 3, 4].map((i) => savedOutputs.includes(i)) : [],
      gradFunc: (dy, saved, attrs) =>
        gradient((Array.isArray(dy) ? dy : [dy]) as unknown as O, saved, attrs as A) as {
          [name: string]: () => tf.Tensor;
        },
    });
  }
  return (inputs, attrs) => {
    const backendName = tf.getBackend();
    if (!tf.getKernel(name, backendName)) {
      tf.registerKernel({
        kernelName: name,
        backendName,
        kernelFunc: (call) => tf.tidy(() => [...composite(call.inputs as I, call.attrs as unknown as A)]),
      });
    }
    const out: tf.Tensor | tf.Tensor[] = tf.engine().runKernel(name, inputs, attrs as tf.NamedAttrMap);
    return (Array.isArray(out) ? out : [out]) as unknown as O;
  };
}

/**
 * The same values as a tensor that no gradient flows through. Shares memory with `tensor`; the caller disposes it.
 * (tfjs has no stop-gradient op; a new tensor on the same data is one, because the tape follows tensors, not data.)
 */
export function detach<T extends tf.Tensor>(tensor: T): T {
  const engine = tf.engine();
  const backend = tf.backend();
  const twin = engine.makeTensorFromDataId(tensor.dataId, tensor.shape, tensor.dtype, backend) as T;
  backend.incRef(tensor.dataId);
  return twin;
}
