/** What the weights of a model are called, and what they are before training. */
import type * as tf from '@tensorflow/tfjs';

/** Weights by their state_dict name. */
export type Params = { readonly [name: string]: tf.Tensor };

/** What a weight is before training. */
export type ParamSpec = {
  name: string;
  shape: number[];
  /** Initial values are uniform in +-bound; 0 gives zeros. */
  bound: number;
};

export type NamedTensors = { [name: string]: tf.Tensor };

/** Tensors under names, in the order of both. */
export function named(names: readonly string[], tensors: readonly tf.Tensor[]): NamedTensors {
  return Object.fromEntries(names.map((name, i) => [name, tensors[i]]));
}
