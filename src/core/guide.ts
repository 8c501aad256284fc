/** The inference side, q(z | x): an LSTM that explains an image one object at a time. */
import * as tf from '@tensorflow/tfjs';
import { type ModelConfig, windowSizeOf } from './config.js';
import { type LinearTape, type MlpPass, mlp, mlpGrad } from './ops/linear.js';
import { type LstmState, type LstmStep, lstmCell, lstmCellGrad } from './ops/lstm.js';
import { type NormalDraw, type NormalPrior, normalFromHead, normalFromHeadGrad } from './ops/normal.js';
import { readWindows, readWindowsGrad } from './ops/read-windows.js';
import type { Params } from './ops/weights.js';

/** What the guide carries from step to step. */
export type GuideState = {
  memory: LstmState;
  /** [B, 3], [B, Z], [B, 1]: the object before */
  zWhere: tf.Tensor2D;
  zWhat: tf.Tensor2D;
  zPres: tf.Tensor2D;
};

export type Priors = { where: NormalPrior; what: NormalPrior };

/** Standard normal draws for one step: zeros give the mean of the posterior. */
export type StepNoise = { where: tf.Tensor2D; what: tf.Tensor2D };

export type GuideStep = {
  /** [B, 1], logit of the probability that there is one more object */
  zPresLogits: tf.Tensor2D;
  /** z_where = (s, x, y) */
  where: NormalDraw;
  what: NormalDraw;
  /** What all of it comes from: the LSTM, the perceptron behind z_pres and z_where, and that behind z_what. */
  memory: LstmStep;
  head: MlpPass;
  /** Its `x` are the windows [B, h w], what the guide attended to. */
  code: MlpPass;
};

/** z_where ~ N([scale, pos, pos], ...), z_what ~ N(0, I). Caller disposes. */
export function makePriors(config: ModelConfig): Priors {
  const { scalePriorMean, scalePriorSd, posPriorMean, posPriorSd, zWhatSize } = config;
  return {
    where: {
      loc: tf.tensor1d([scalePriorMean, posPriorMean, posPriorMean]),
      scale: tf.tensor1d([scalePriorSd, posPriorSd, posPriorSd]),
    },
    what: { loc: tf.zeros([zWhatSize]), scale: tf.ones([zWhatSize]) },
  };
}

/** The trainable state before the first object, weight by weight. */
const INITIAL = { h: 'h_init', c: 'c_init', zWhere: 'z_where_init', zWhat: 'z_what_init' } as const;

/** The state before the first object, the same for each image of a batch. */
export function initialState(params: Params, batch: number): GuideState {
  const ones = tf.ones<tf.Rank.R2>([batch, 1]);
  // a product broadcasts to the bit, as tf.tile would
  const forEach = (name: string) => tf.mul(ones, params[name]) as tf.Tensor2D;
  return {
    memory: { h: forEach(INITIAL.h), c: forEach(INITIAL.c) },
    zWhere: forEach(INITIAL.zWhere),
    zWhat: forEach(INITIAL.zWhat),
    zPres: ones,
  };
}

/**
 * One step: look, decide whether there is one more object, where it is, and what it is.
 *
 *   seen   [B, size]   what the guide sees (see guide-input.ts)
 *   images [B, H, W]   what it reads its window from
 */
export function guideStep(
  params: Params,
  config: ModelConfig,
  priors: Priors,
  seen: tf.Tensor2D,
  images: tf.Tensor3D,
  before: GuideState,
  noise: StepNoise,
): GuideStep {
  const memory = lstmCell(params, 'rnn', [seen, before.zWhere, before.zWhat, before.zPres], before.memory);
  const head = mlp(params, 'predict.mlp', memory.h); // [B, 7] = z_pres logit, z_where loc, z_where raw scale
  const where = normalFromHead(head.y, noise.where, priors.where, 1);
  const code = mlp(params, 'encode.mlp', readWindows(images, where.sample, windowSizeOf(config))); // [B, 2Z]
  const what = normalFromHead(code.y, noise.what, priors.what);
  return { zPresLogits: tf.slice(head.y, [0, 0], [-1, 1]), where, what, memory, head, code };
}

/** The state after a step, its object taken as present (z_pres = 1): the count is the objective's business. */
export function stateAfter({ memory, where, what }: GuideStep, { zPres }: GuideState): GuideState {
  return { memory, zWhere: where.sample, zWhat: what.sample, zPres };
}

/** Gradients by what a step said, [B, 1] each, and by the object it drew. */
export type StepGradients = {
  zPresLogits: tf.Tensor2D;
  /** By either KL. */
  kl: tf.Tensor2D;
  zWhere: tf.Tensor2D;
  zWhat: tf.Tensor2D;
};

/** Gradients by the state between two steps: [B, H], [B, H], [B, 3], [B, Z]. */
export type StateGradients = { h: tf.Tensor2D; c: tf.Tensor2D; zWhere: tf.Tensor2D; zWhat: tf.Tensor2D };

/**
 * Back through one step; notes what the weights' gradients come of.
 *
 *   images   [B, H, W], noise: those of the step
 *   later    gradients by the state after the step; none after the last
 *   returns  gradients by the state before, and by what was seen [B, size]
 */
export function guideStepGrad(
  params: Params,
  config: ModelConfig,
  priors: Priors,
  images: tf.Tensor3D,
  { where, memory, head, code }: GuideStep,
  noise: StepNoise,
  d: StepGradients,
  later: StateGradients | undefined,
  tape: LinearTape,
): { before: StateGradients; dSeen: tf.Tensor2D } {
  const dCode = normalFromHeadGrad(code.y, noise.what, priors.what, {
    dSamples: later ? [d.zWhat, later.zWhat] : [d.zWhat],
    dKl: d.kl,
  });
  const dWindows = mlpGrad(params, code, dCode, tape, true) as tf.Tensor2D;
  const dRead = readWindowsGrad(dWindows, images, where.sample, windowSizeOf(config));
  const dHead = normalFromHeadGrad(head.y, noise.where, priors.where, {
    dSamples: later ? [d.zWhere, dRead, later.zWhere] : [d.zWhere, dRead],
    dKl: d.kl,
    dBefore: d.zPresLogits,
  });
  const dh = mlpGrad(params, head, dHead, tape, true) as tf.Tensor2D;
  // of the LSTM's input, in its order; z_pres, the last, is a constant
  const sizes = [memory.x.shape[1] - 3 - config.zWhatSize - 1, 3, config.zWhatSize];
  const dMemory = { dhs: later ? [dh, later.h] : [dh], dc: later?.c };
  const before = lstmCellGrad(params, memory, dMemory, sizes, tape);
  const [dSeen, zWhere, zWhat] = before.dParts;
  return { before: { h: before.dh, c: before.dc, zWhere, zWhat }, dSeen };
}

/** Gradients of the trainable initial state, by weight name. */
export function initialStateGrad(d: StateGradients): { [name: string]: tf.Tensor } {
  const states = Object.entries(INITIAL) as [keyof StateGradients, string][];
  return Object.fromEntries(states.map(([state, name]) => [name, tf.sum(d[state], 0, true)]));
}
