/** One pass along the all-present path: guide and model take turns, object by object. */
import * as tf from '@tensorflow/tfjs';
import type { ModelConfig } from './config.js';
import { type GuideStep, guideStep, initialState, makePriors, type Priors, type StepNoise } from './guide.js';
import { guideInputs } from './guide-input.js';
import { drawObject, imageLogLik } from './model.js';
import type { Params } from './nn.js';
import type { Draws } from './rng.js';

/** A model in use. */
export type Model = { config: ModelConfig; params: Params; priors: Priors };

export function makeModel(config: ModelConfig, params: Params): Model {
  return { config, params, priors: makePriors(config) };
}

export type UnrolledStep = GuideStep & {
  /** [B, h, w], what the object looks like */
  decoded: tf.Tensor3D;
  /** [B, H, W], the object on an empty canvas */
  placed: tf.Tensor3D;
  /** [B, H, W], this object and all before it */
  canvas: tf.Tensor3D;
};

export type Unrolled = {
  steps: UnrolledStep[];
  /** [B, N] */
  zPresLogits: tf.Tensor2D;
  /** [B, N+1], log p(x | z_1..n) */
  logLik: tf.Tensor2D;
  /** [B, N] each */
  whereKl: tf.Tensor2D;
  whatKl: tf.Tensor2D;
};

/**
 * Explain each image as if it held N objects; how many it holds is read off z_pres afterwards.
 *
 *   images [B, H, W] in 0..1; noise: one entry per step
 */
export function unroll({ config, params, priors }: Model, images: tf.Tensor3D, noise: readonly StepNoise[]): Unrolled {
  const look = guideInputs[config.guideInput].look(params, config, images);
  let canvas: tf.Tensor3D = tf.zerosLike(images);
  let state = initialState(params, images.shape[0]);
  const logLik = [imageLogLik(images, canvas, config.likelihoodSd)];
  const steps: UnrolledStep[] = [];

  for (const stepNoise of noise) {
    const step = guideStep(params, config, priors, look(canvas), images, state, stepNoise);
    const { decoded, placed } = drawObject(params, config, step.where.sample, step.what.sample);
    canvas = tf.add(canvas, placed);
    logLik.push(imageLogLik(images, canvas, config.likelihoodSd));
    steps.push({ ...step, decoded, placed, canvas });
    state = step.state;
  }
  return {
    steps,
    zPresLogits: tf.concat(
      steps.map((step) => step.zPresLogits),
      1,
    ),
    logLik: tf.stack(logLik, 1) as tf.Tensor2D,
    whereKl: tf.stack(
      steps.map((step) => step.where.kl),
      1,
    ) as tf.Tensor2D,
    whatKl: tf.stack(
      steps.map((step) => step.what.kl),
      1,
    ) as tf.Tensor2D,
  };
}

/**
 * Standard normal draws for a batch, one random sequence per image, so that an image's noise does not depend on its
 * neighbours. `rows: B` without draws gives zeros: the mean of the posterior. Caller disposes.
 */
export function makeNoise({ modelSteps, zWhatSize }: ModelConfig, rows: readonly Draws[] | number): StepNoise[] {
  const batch = typeof rows === 'number' ? rows : rows.length;
  const where = Array.from({ length: modelSteps }, () => new Float32Array(batch * 3));
  const what = Array.from({ length: modelSteps }, () => new Float32Array(batch * zWhatSize));
  if (typeof rows !== 'number') {
    rows.forEach((draws, b) => {
      for (let t = 0; t < modelSteps; t++) {
        draws.fillNormal(where[t].subarray(b * 3, (b + 1) * 3));
        draws.fillNormal(what[t].subarray(b * zWhatSize, (b + 1) * zWhatSize));
      }
    });
  }
  return where.map((values, t) => ({
    where: tf.tensor2d(values, [batch, 3]),
    what: tf.tensor2d(what[t], [batch, zWhatSize]),
  }));
}
