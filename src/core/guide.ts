/** The inference side, q(z | x): an LSTM that explains an image one object at a time. */
import * as tf from '@tensorflow/tfjs';
import { windowSizeOf } from './config.js';
import type { Model } from './model.js';
import { type LinearTape, type MlpPass, mlp, mlpGrad } from './ops/linear.js';
import { type LstmState, type LstmStep, lstmCell, lstmCellGrad } from './ops/lstm.js';
import { type KlKind, type NormalDraw, normalFromHead, normalFromHeadGrad } from './ops/normal.js';
import { readWindows, readWindowsGrad } from './ops/read-windows.js';
import type { NamedTensors, Params } from './ops/weights.js';

/** What the guide carries from step to step. */
export type GuideState = {
  memory: LstmState;
  /** [B, 3], [B, Z], [B, 1]: the object before */
  zWhere: tf.Tensor2D;
  zWhat: tf.Tensor2D;
  zPres: tf.Tensor2D;
};

/** Standard normal draws for one step: zeros give the mean of the posterior. */
export type StepNoise = { where: tf.Tensor2D; what: tf.Tensor2D };

/** What a step is given. */
export type StepInputs = {
  /** [B, size], what the guide sees (see guide-input.ts) */
  seen: tf.Tensor2D;
  /** [B, H, W], what it reads its window from */
  images: tf.Tensor3D;
  noise: StepNoise;
  klKind: KlKind;
};

/** What a step says, and what it comes from: the LSTM, the perceptron behind z_pres and z_where, and that behind z_what. */
export type GuideStep = StepInputs & {
  /** [B, 1], logit of the probability that there is one more object */
  zPresLogits: tf.Tensor2D;
  /** z_where = (s, x, y) */
  where: NormalDraw;
  what: NormalDraw;
  memory: LstmStep;
  head: MlpPass;
  /** Its `x` are the windows [B, h w], what the guide attended to. */
  code: MlpPass;
};

/** The trainable state before the first object, weight by weight. */
const INITIAL = { h: 'h_init', c: 'c_init', zWhere: 'z_where_init', zWhat: 'z_what_init' } as const;

/** A row of weights [1, D] for each image of a batch. */
export function forEachImage(row: tf.Tensor, batch: number): tf.Tensor2D {
  // a product broadcasts to the bit, as tf.tile would
  return tf.mul(tf.ones<tf.Rank.R2>([batch, 1]), row);
}

/** The state before the first object, the same for each image of a batch. */
export function initialState(params: Params, batch: number): GuideState {
  return {
    memory: { h: forEachImage(params[INITIAL.h], batch), c: forEachImage(params[INITIAL.c], batch) },
    zWhere: forEachImage(params[INITIAL.zWhere], batch),
    zWhat: forEachImage(params[INITIAL.zWhat], batch),
    zPres: tf.ones([batch, 1]),
  };
}

/** One step: look, decide whether there is one more object, where it is, and what it is. */
export function guideStep(
  { config, params, priors, whereBase }: Model,
  inputs: StepInputs,
  before: GuideState,
): GuideStep {
  const { seen, images, noise, klKind } = inputs;
  const memory = lstmCell(params, 'rnn', [seen, before.zWhere, before.zWhat, before.zPres], before.memory);
  const hidden = config.activation;
  const head = mlp(params, 'predict.mlp', memory.h, { hidden }); // [B, 7] = z_pres logit, z_where loc, z_where raw scale
  const where = normalFromHead({ head: head.y, noise: noise.where, prior: priors.where, base: whereBase, klKind }, 1);
  const code = mlp(params, 'encode.mlp', readWindows(images, where.sample, windowSizeOf(config)), { hidden }); // [B, 2Z]
  const what = normalFromHead({ head: code.y, noise: noise.what, prior: priors.what, klKind });
  return { ...inputs, zPresLogits: tf.slice(head.y, [0, 0], [-1, 1]), where, what, memory, head, code };
}

/** The state after a step, its object taken as present (z_pres = 1): the count is the objective's business. */
export function stateAfter({ memory, where, what }: GuideStep, { zPres }: GuideState): GuideState {
  return { memory, zWhere: where.sample, zWhat: what.sample, zPres };
}

/** Gradients by the state between two steps: [B, H], [B, H], [B, 3], [B, Z]. */
export type StateGradients = { h: tf.Tensor2D; c: tf.Tensor2D; zWhere: tf.Tensor2D; zWhat: tf.Tensor2D };

/** Gradients by what a step said, [B, 1] each, by the object it drew, and by the state after it. */
export type StepGradients = {
  zPresLogits: tf.Tensor2D;
  /** By either KL. */
  kl: tf.Tensor2D;
  zWhere: tf.Tensor2D;
  zWhat: tf.Tensor2D;
  /** None after the last step. */
  later: StateGradients | undefined;
};

/**
 * Back through one step; the tape records what the weights' gradients are made of.
 *
 * @returns gradients by the state before, and by what was seen [B, size]
 */
export function guideStepGrad(
  { config, params, priors, whereBase }: Model,
  { images, noise, klKind, where, memory, head, code }: GuideStep,
  { zPresLogits, kl: dKl, zWhere, zWhat, later }: StepGradients,
  tape: LinearTape,
): { before: StateGradients; dSeen: tf.Tensor2D } {
  const dCode = normalFromHeadGrad(
    { head: code.y, noise: noise.what, prior: priors.what, klKind },
    { dSamples: later ? [zWhat, later.zWhat] : [zWhat], dKl },
  );
  const dWindows = mlpGrad(params, code, dCode, tape);
  const dRead = readWindowsGrad(dWindows, images, where.sample, windowSizeOf(config));
  const dHead = normalFromHeadGrad(
    { head: head.y, noise: noise.where, prior: priors.where, base: whereBase, klKind },
    { dSamples: later ? [zWhere, dRead, later.zWhere] : [zWhere, dRead], dKl, dBefore: zPresLogits },
  );
  const dh = mlpGrad(params, head, dHead, tape);
  // the parts of the LSTM's input, in its order; z_pres, the last, is a constant
  const sizes = [memory.x.shape[1] - 3 - config.zWhatSize - 1, 3, config.zWhatSize];
  const dMemory = { dhs: later ? [dh, later.h] : [dh], dc: later?.c, sizes };
  const { dh: dhBefore, dc, dParts } = lstmCellGrad(params, memory, dMemory, tape);
  const [dSeen, dZWhere, dZWhat] = dParts;
  return { before: { h: dhBefore, c: dc, zWhere: dZWhere, zWhat: dZWhat }, dSeen };
}

/** Gradients of the trainable initial state, by weight name. */
export function initialStateGrad(d: StateGradients): NamedTensors {
  const states = Object.entries(INITIAL) as [keyof StateGradients, string][];
  return Object.fromEntries(states.map(([state, name]) => [name, tf.sum(d[state], 0, true)]));
}
