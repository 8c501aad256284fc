/** What moves weights along their gradients. */
import type * as tf from '@tensorflow/tfjs';
import type { NamedTensors } from '../../core/ops/weights.js';
import type { TrainConfig } from '../config.js';

/** First and second moments of the gradients, those of all weights one after the other, in the order of the weights. */
export type Moments = { m: tf.Tensor1D; v: tf.Tensor1D };

export type Optimiser = {
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
