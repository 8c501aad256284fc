/** What moves weights along their gradients. */
import type * as tf from '@tensorflow/tfjs';
import { numbered } from '../../core/ops/op.js';
import type { NamedTensors } from '../../core/ops/weights.js';
import type { TrainConfig } from '../config.js';

/** What an optimiser remembers, by name: numbers of all weights one after the other, in the order of the weights. */
export type Moments = { [moment: string]: tf.Tensor1D };

export type Optimiser = {
  /** Their names, as in checkpoints. */
  readonly moments: readonly string[];
  /** Before the first step. Caller disposes. */
  start(weights: NamedTensors): Moments;
  /**
   * One step. Consumes the weights, gradients and moments it is given: they are disposed, or live on as the result.
   *
   * @param pace the step, counted from 1, and the learning rate
   */
  step(
    given: { weights: NamedTensors; gradients: NamedTensors },
    moments: Moments,
    pace: { step: number; rate: number },
    settings: TrainConfig,
  ): { weights: NamedTensors; moments: Moments };
};

/** Weights and their gradients as an op takes them: param0, grad0, param1, grad1, ... */
export function opInputs({ weights, gradients }: { weights: NamedTensors; gradients: NamedTensors }): NamedTensors {
  const grads = Object.keys(weights).map((name) => gradients[name]);
  return { ...numbered('param', Object.values(weights)), ...numbered('grad', grads) };
}

/** How many numbers all weights together have. */
export function sizeOf(weights: NamedTensors): number {
  return Object.values(weights).reduce((sum, { size }) => sum + size, 0);
}
