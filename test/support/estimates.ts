/** A pass and its gradients under the default estimator, and what the ELBO of each image is. */
import type * as tf from '@tensorflow/tfjs';
import { elboTerms } from '#air/core/elbo.js';
import { enumerate } from '#air/core/estimators/enumerate.js';
import { type Estimate, estimate } from '#air/core/estimators/estimator.js';
import type { StepNoise } from '#air/core/guide.js';
import type { Model } from '#air/core/model.js';
import type { PassOutcome } from '#air/core/outcome.js';
import { takeRows } from '#air/core/rows.js';

/** Gradients of sum over images of -ELBO / `divisor`, which draws no counts. Caller disposes. */
export function elboGradients(
  model: Model,
  images: tf.Tensor3D,
  noise: readonly StepNoise[],
  logPrior: readonly number[],
  divisor: number,
  countWeights?: tf.Tensor2D,
): Estimate {
  const uniforms = () => {
    throw new Error('the count is summed over, not drawn');
  };
  const given = { logPrior, scale: -1 / divisor, uniforms, ...(countWeights ? { countWeights } : {}) };
  return estimate(enumerate, model, { images, noise }, given);
}

/** The ELBO of each image, as reports give it. Disposes the outcome. */
export async function elbosOf(outcome: PassOutcome, logPrior: readonly number[]): Promise<number[]> {
  return (await takeRows(outcome)).map((ofImage) => elboTerms(ofImage, logPrior).elbo);
}
