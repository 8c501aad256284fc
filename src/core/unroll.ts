/** One pass along the all-present path: guide and model take turns, object by object; and back again. */
import * as tf from '@tensorflow/tfjs';
import type { ModelConfig } from './config.js';
import {
  type GuideState,
  type GuideStep,
  guideStep,
  guideStepGrad,
  initialState,
  initialStateGrad,
  makePriors,
  type Priors,
  type StateGradients,
  type StepNoise,
  stateAfter,
} from './guide.js';
import { type GuideView, guideInputs } from './guide-input.js';
import { type DrawnObject, drawObject, drawObjectGrad } from './model.js';
import { imageLogLik, imageLogLikGrad } from './ops/image.js';
import { LinearTape } from './ops/linear.js';
import type { Params } from './ops/weights.js';
import type { Draws } from './rng.js';

/** A model in use. */
export type Model = { config: ModelConfig; params: Params; priors: Priors };

export function makeModel(config: ModelConfig, params: Params): Model {
  return { config, params, priors: makePriors(config) };
}

/** One object: what the guide said of it, and how the model drew it. Its `canvas` has it and all before it. */
export type UnrolledStep = GuideStep & DrawnObject;

export type Unrolled = {
  steps: UnrolledStep[];
  view: GuideView;
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
  const view = guideInputs[config.guideInput].view(params, config, images);
  let canvas: tf.Tensor3D = tf.zeros(images.shape);
  let state: GuideState = initialState(params, images.shape[0]);
  const logLik = [imageLogLik(images, canvas, config.likelihoodSd)];
  const steps: UnrolledStep[] = [];

  for (const stepNoise of noise) {
    const step = guideStep(params, config, priors, view.observe(canvas), images, state, stepNoise);
    const drawn = drawObject(params, config, step.where.sample, step.what.sample, canvas);
    canvas = drawn.canvas;
    logLik.push(imageLogLik(images, canvas, config.likelihoodSd));
    steps.push({ ...step, ...drawn });
    state = stateAfter(step, state);
  }
  const byStep = (columns: tf.Tensor2D[]) => tf.concat(columns, 1) as tf.Tensor2D;
  return {
    steps,
    view,
    zPresLogits: byStep(steps.map((step) => step.zPresLogits)),
    logLik: byStep(logLik),
    whereKl: byStep(steps.map((step) => step.where.kl)),
    whatKl: byStep(steps.map((step) => step.what.kl)),
  };
}

/** Gradients by what a pass says of each image: [B, N], [B, N+1], [B, N], which both KLs share. */
export type UnrolledGradients = { zPresLogits: tf.Tensor2D; logLik: tf.Tensor2D; kl: tf.Tensor2D };

/**
 * Back through a pass, object by object from the last to the first (backpropagation through time): the gradients of all
 * weights, by name, in the order of the weights.
 *
 *   images, noise  those of the pass
 */
export function unrollGrad(
  { config, params, priors }: Model,
  images: tf.Tensor3D,
  noise: readonly StepNoise[],
  { steps, view }: Unrolled,
  d: UnrolledGradients,
): { [name: string]: tf.Tensor } {
  const tape = new LinearTape();
  const columns = (all: tf.Tensor2D) => tf.split(all, all.shape[1], 1) as tf.Tensor2D[];
  const [dLogits, dLogLik, dKl] = [columns(d.zPresLogits), columns(d.logLik), columns(d.kl)];
  const dSeen: tf.Tensor2D[] = [];
  let dCanvas: tf.Tensor3D | undefined;
  let later: StateGradients | undefined;

  for (let t = steps.length - 1; t >= 0; t--) {
    const step = steps[t];
    dCanvas = imageLogLikGrad(dLogLik[t + 1], images, step.canvas, config.likelihoodSd, dCanvas);
    const { dZWhere, dZWhat } = drawObjectGrad(params, config, step.where.sample, step, dCanvas, tape);
    const ofStep = { zPresLogits: dLogits[t], kl: dKl[t], zWhere: dZWhere, zWhat: dZWhat };
    const back = guideStepGrad(params, config, priors, images, step, noise[t], ofStep, later, tape);
    later = back.before;
    dSeen.unshift(back.dSeen);
  }
  view.backward(dSeen, tape);
  const gradients = { ...tape.gradients(), ...initialStateGrad(later as StateGradients) };
  return Object.fromEntries(Object.keys(params).map((name) => [name, gradients[name]]));
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
