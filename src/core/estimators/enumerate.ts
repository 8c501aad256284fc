/** The default estimator: the ELBO summed exactly over the count n, its gradient by backpropagation alone. */
import * as tf from '@tensorflow/tfjs';
import { countLogProbs, enumeratedElbo } from '../elbo.js';
import type { StepNoise } from '../guide.js';
import type { Params } from '../nn.js';
import { type Model, unroll } from '../unroll.js';

/** What a pass tells of each image: all small, all that the terms of the ELBO are made of. Caller disposes. */
export type PassOutcome = {
  /** [B], nats */
  elbo: tf.Tensor1D;
  /** [B, N] */
  zPresLogits: tf.Tensor2D;
  /** [B, N+1] */
  logLik: tf.Tensor2D;
  /** [B, N] each */
  whereKl: tf.Tensor2D;
  whatKl: tf.Tensor2D;
};

/** Counts that are known without looking: -1 where not. */
export type KnownCounts = { counts: readonly number[]; weight: number };

/** weight * log q(count) for each image whose count is known, 0 for the others. [B, N+1] */
function knownLogProbs(zPresLogits: tf.Tensor2D, { counts, weight }: KnownCounts): tf.Tensor2D {
  const columns = Array.from({ length: zPresLogits.shape[1] + 1 }, (_, n) => n);
  const picks = tf.tensor2d(counts.map((count) => columns.map((n) => (n === count ? weight : 0))));
  return tf.mul(picks, countLogProbs(zPresLogits));
}

/**
 * Gradients of sum over images of -ELBO / `divisor`, and -weight * log q(count) / `divisor` where a count is known, by parameter name, and the outcome of the pass. Caller disposes both.
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
): { gradients: { [name: string]: tf.Tensor }; outcome: PassOutcome } {
  const names = Object.keys(model.params);
  let outcome: PassOutcome | undefined;
  const loss = (...values: tf.Tensor[]): tf.Scalar => {
    const params: Params = Object.fromEntries(values.map((value, i) => [names[i], value]));
    const { zPresLogits, logLik, whereKl, whatKl } = unroll({ ...model, params }, images, noise);
    const elbo = enumeratedElbo({ zPresLogits, logLik, kl: tf.add(whereKl, whatKl) }, logPrior);
    outcome = { elbo, zPresLogits, logLik, whereKl, whatKl };
    for (const tensor of Object.values(outcome)) tf.keep(tensor);
    const total = known ? tf.add(tf.sum(elbo), tf.sum(knownLogProbs(zPresLogits, known))) : tf.sum(elbo);
    return tf.mul(total, -1 / divisor);
  };
  const { value, grads } = tf.valueAndGrads(loss)(names.map((name) => model.params[name]));
  value.dispose();
  return {
    gradients: Object.fromEntries(grads.map((gradient, i) => [names[i], gradient])),
    outcome: outcome as PassOutcome,
  };
}
