/** The default estimator: the ELBO summed exactly over the count n, its gradient by backpropagation alone. */
import * as tf from '@tensorflow/tfjs';
import { enumeratedElboGrad } from '../elbo.js';
import type { StepNoise } from '../guide.js';
import type { ElboInputs } from '../ops/elbo.js';
import { type Model, unroll, unrollGrad } from '../unroll.js';

/** Counts that are known without looking: -1 where not. */
export type KnownCounts = { counts: readonly number[]; weight: number };

/** `weight` at the known count of each image, 0 elsewhere: [B, N+1]. */
function countWeightsOf({ counts, weight }: KnownCounts, modelSteps: number): tf.Tensor2D {
  const columns = Array.from({ length: modelSteps + 1 }, (_, n) => n);
  return tf.tensor2d(counts.map((count) => columns.map((n) => (n === count ? weight : 0))));
}

/**
 * Gradients of sum over images of -ELBO / `divisor`, and -weight * log q(count) / `divisor` where a count is known, by
 * parameter name; and the outcome of the pass, all that the terms of the ELBO are made of. Caller disposes both.
 *
 *   images [B, H, W]; divisor: the size of the whole batch that this is a part of
 */
export function elboGradients(
  model: Model,
  images: tf.Tensor3D,
  noise: readonly StepNoise[],
  logPrior: readonly number[],
  divisor: number,
  known?: KnownCounts,
): { gradients: { [name: string]: tf.Tensor }; outcome: ElboInputs } {
  return tf.tidy(() => {
    const pass = unroll(model, images, noise);
    const { zPresLogits, logLik, whereKl, whatKl } = pass;
    const outcome = { zPresLogits, logLik, whereKl, whatKl };
    const countWeights = known && countWeightsOf(known, model.config.modelSteps);
    const dPass = enumeratedElboGrad(outcome, logPrior, -1 / divisor, countWeights);
    return { gradients: unrollGrad(model, images, noise, pass, dPass), outcome };
  });
}
