/**
 * The seam between a pass and its gradients. A pass along the all-present path says of each image how likely every count
 * makes it (outcome.ts); an estimator turns that into gradients of the objective by what was said, from which `unrollGrad`
 * goes back to the weights, and into gradients of weights of its own, a baseline's say. All sums over images, so that the
 * gradients of parts of a batch add up, whoever computes them.
 */
import * as tf from '@tensorflow/tfjs';
import { AirError } from '../../errors.js';
import type { ModelConfig } from '../config.js';
import type { StepNoise } from '../guide.js';
import type { Model } from '../model.js';
import type { Varying } from '../ops/compiled.js';
import type { KlKind } from '../ops/normal.js';
import type { NamedTensors, ParamSpec } from '../ops/weights.js';
import type { OutcomeGradients, PassOutcome } from '../outcome.js';
import { type Unrolled, unroll, unrollGrad } from '../unroll.js';

/** What a gradient depends on besides weights, images and the noise of a pass. */
export type Given = {
  /** log p(n), n = 0..N */
  logPrior: Varying<readonly number[]>;
  /** What the objective of each image is multiplied with: -1 / batch for the gradient of the mean of -ELBO. */
  scale: Varying<number>;
  /** [B, N], in [0, 1): there is one more object after t - 1 where the t-th is below p_t. For estimators that draw the count. */
  uniforms(): tf.Tensor2D;
  /** [B, N+1], nats: what it is worth that an image is given a count, beside the ELBO; none: nothing */
  countWeights?: tf.Tensor2D;
};

/**
 * [B, N] each: the return of every step of a drawn count (what it brought the ELBO, and all after it), what the baseline
 * expected, and 1 for the steps that were taken, 0 for others.
 */
export type BaselineFit = { returns: tf.Tensor2D; baseline: tf.Tensor2D; active: tf.Tensor2D };

/** The same of one image, on the host: `takeRows` of the tensors. */
export type ImageFit = { readonly [name in keyof BaselineFit]: ArrayLike<number> };

export type EstimatorGradients = {
  outcome: OutcomeGradients;
  /** By the estimator's own weights, by name. */
  own: NamedTensors;
  fit?: BaselineFit;
};

export type Estimator = {
  /** What a pass says of KLs: the analytic KL of each normal, or log q - log p of the draw. */
  klKind: KlKind;
  /** K, how many passes it needs of each image, each with noise of its own. */
  draws: number;
  /** Whether it draws the count of each image, with the uniform numbers that it is given. */
  drawsCount: boolean;
  /** Whether objects after the stop cost nothing, so that the pass is along the all-present path; else it follows the drawn count. */
  masking: boolean;
  /** Weights of its own, beside the model's. */
  specs(config: ModelConfig): ParamSpec[];
  /**
   * The pass is over B K rows, those of an image one after the other. The model's parameters hold the estimator's own weights
   * too. Runs inside `tidy`.
   */
  gradients(model: Model, pass: Unrolled, given: Given): EstimatorGradients;
};

/** By every weight, in the order of the model's parameters, and what led there: of K passes an image, what the first said. */
export type Estimate = { gradients: NamedTensors; outcome: PassOutcome; fit?: BaselineFit };

/**
 * Gradients of an estimate of the objective, summed over images. Caller disposes all of it.
 *
 *   images [B, H, W]; noise: one entry per step, of B K rows, those of an image one after the other
 */
export function estimate(
  estimator: Estimator,
  model: Model,
  { images, noise }: { images: tf.Tensor3D; noise: readonly StepNoise[] },
  given: Given,
): Estimate {
  return tf.tidy(() => {
    const { klKind, draws, masking } = estimator;
    const uniforms = masking ? undefined : given.uniforms();
    const pass = unroll(model, repeated(images, draws), noise, { klKind, uniforms });
    const { outcome, own, fit } = estimator.gradients(model, pass, given);
    const byName: NamedTensors = { ...unrollGrad(model, pass, outcome), ...own };
    const gradients = Object.fromEntries(Object.keys(model.params).map((name) => [name, of(byName, name)]));
    // what every count would cost is said along the all-present path alone
    const said = masking ? pass : unroll(model, images, noise, { klKind });
    return { gradients, outcome: ofFirstDraw(said.outcome, draws), ...(fit ? { fit } : {}) };
  });
}

/** [B, H, W] -> [B times, H, W], the copies of an image one after the other. */
export function repeated(images: tf.Tensor3D, times: number): tf.Tensor3D {
  const [batch, height, width] = images.shape;
  if (times === 1) return images;
  return tf.reshape(tf.tile(tf.reshape(images, [batch, -1]), [1, times]), [batch * times, height, width]);
}

/** [B draws, any] -> [B, any]. */
function ofFirstDraw({ zPresLogits, logLik, whereKl, whatKl }: PassOutcome, draws: number): PassOutcome {
  const first = (rows: tf.Tensor2D): tf.Tensor2D => {
    if (draws === 1) return rows;
    const [size, width] = rows.shape;
    return tf.slice(tf.reshape(rows, [size / draws, draws * width]) as tf.Tensor2D, [0, 0], [-1, width]);
  };
  return { zPresLogits: first(zPresLogits), logLik: first(logLik), whereKl: first(whereKl), whatKl: first(whatKl) };
}

/** @throws AirError 'bug' if an estimator forgets a weight that it has */
function of(gradients: NamedTensors, name: string): tf.Tensor {
  if (gradients[name] === undefined) throw new AirError('bug', `no gradient by the weight ${name}`);
  return gradients[name];
}
