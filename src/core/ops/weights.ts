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

/** Weights and moments on the host, by name: what a checkpoint holds, and what travels between threads. */
export type HostTensors = Map<string, { shape: number[]; values: Float32Array }>;

/** Tensors under names, in the order of both. */
export function named(names: readonly string[], tensors: readonly tf.Tensor[]): NamedTensors {
  return Object.fromEntries(names.map((name, i) => [name, tensors[i]]));
}
