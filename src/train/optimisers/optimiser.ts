/** What moves weights along their gradients. */
import type { Moments } from '../../core/ops/adam.js';
import type { NamedTensors } from '../../core/ops/weights.js';
import type { TrainConfig } from '../config.js';

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
