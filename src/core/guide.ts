/** The inference side, q(z | x): an LSTM that explains an image one object at a time. */
import * as tf from '@tensorflow/tfjs';
import { windowSizeOf } from './config.js';
import type { Model } from './model.js';
import { type LinearTape, type MlpPass, mlp, mlpGrad } from './ops/linear.js';
import { type Lstm, type LstmState, type LstmStep, lstmCell, lstmCellGrad } from './ops/lstm.js';
import { type KlKind, type NormalDraw, normalFromHead, normalFromHeadGrad } from './ops/normal.js';
import { readWindows, readWindowsGrad } from './ops/read-windows.js';
import type { NamedTensors, Params } from './ops/weights.js';
import { wheres } from './where.js';

/** What the guide carries from step to step. */
export type GuideState = {
  memory: LstmState;
  /** [B, D], [B, Z], [B, 1]: the object before; D numbers are z_where (see where.ts) */
  zWhere: tf.Tensor2D;
  zWhat: tf.Tensor2D;
  zPres: tf.Tensor2D;
};

/** Standard normal draws for one step: zeros give the mean of the posterior. */
export type StepNoise = { where: tf.Tensor2D; what: tf.Tensor2D };

/** What a step is given. */
export type StepInputs = {
  /** [B, size], what the guide sees (see guide-input.ts); undefined if it is the same at each step, so that the LSTM has it. */
  seen: tf.Tensor2D | undefined;
  lstm: Lstm;
  /** [B, H, W], what it reads its window from */
  images: tf.Tensor3D;
  noise: StepNoise;
  klKind: KlKind;
};

/** What a step says, and what it comes from: the LSTM, the perceptron behind z_pres and z_where, and that behind z_what. */
export type GuideStep = StepInputs & {
  /** [B, 1], logit of the probability that there is one more object */
  zPresLogits: tf.Tensor2D;
  where: NormalDraw;
  /** The canvas -> window map that z_where stands for. */
  affine: tf.Tensor2D;
  what: NormalDraw;
  memory: LstmStep;
  head: MlpPass;
  /** What the two perceptrons said, shifts included, as z_where and z_what are read off it: [B, 1 + 2D] and [B, 2Z]. */
  said: { predict: tf.Tensor2D; encode: tf.Tensor2D };
  /** Its `x` are the windows [B, h w], what the guide attended to. */
  code: MlpPass;
};

/** The state before the first object, weight by weight; what is no weight of a model is 0. */
const INITIAL = { h: 'h_init', c: 'c_init', zWhere: 'z_where_init', zWhat: 'z_what_init' } as const;

/** A row of weights [1, D] for each image of a batch. */
export function forEachImage(row: tf.Tensor, batch: number): tf.Tensor2D {
  // a product broadcasts to the bit, as tf.tile would
  return tf.mul(tf.ones<tf.Rank.R2>([batch, 1]), row);
}

/** A row of weights for each image, or zeros [batch, size] if there is no such weight. */
export function startOf(params: Params, name: string, [batch, size]: readonly [number, number]): tf.Tensor2D {
  return name in params ? forEachImage(params[name], batch) : tf.zeros([batch, size]);
}

/** The state before the first object, the same for each image of a batch. */
export function initialState({ config, params }: Pick<Model, 'config' | 'params'>, batch: number): GuideState {
  const { rnnHiddenSize: hidden, zWhatSize } = config;
  return {
    memory: { h: startOf(params, INITIAL.h, [batch, hidden]), c: startOf(params, INITIAL.c, [batch, hidden]) },
    zWhere: startOf(params, INITIAL.zWhere, [batch, wheres[config.zWhere].size]),
    zWhat: startOf(params, INITIAL.zWhat, [batch, zWhatSize]),
    zPres: tf.ones([batch, 1]),
  };
}

/** What a perceptron said, and a row on top. */
function shifted(said: tf.Tensor2D, shift: tf.Tensor1D | undefined): tf.Tensor2D {
  return shift === undefined ? said : tf.add(said, shift);
}

/** What a step says of z_pres and of where the next object is before it draws: it depends on no noise but that of steps before. */
export type GuideLook = Pick<GuideStep, 'memory' | 'head'> & {
  /** [B, 1 + 2D] = z_pres logit, z_where loc, z_where raw scale */
  predict: tf.Tensor2D;
};

/** The first half of a step: look, given the object before. */
export function guideLook(
  { config, params, headShifts }: Model,
  { seen, lstm }: Pick<StepInputs, 'seen' | 'lstm'>,
  before: GuideState,
): GuideLook {
  const objectBefore = config.guideFeedback ? [before.zWhere, before.zWhat, before.zPres] : [];
  const memory = lstmCell(lstm, those([seen, ...objectBefore]), before.memory);
  const head = mlp(params, 'predict.mlp', memory.h, { hidden: config.activation });
  return { memory, head, predict: wheres[config.zWhere].head(shifted(head.y, headShifts.predict)) };
}

/**
 * One step: look, decide whether there is one more object, where it is, and what it is.
 *
 * @param looked  the first half, if it is done already
 */
export function guideStep(
  model: Model,
  inputs: StepInputs,
  before: GuideState,
  looked: GuideLook = guideLook(model, inputs, before),
): GuideStep {
  const { config, params, priors, whereBase, headShifts } = model;
  const { images, noise, klKind } = inputs;
  const { memory, head, predict } = looked;
  const { affine: toAffine } = wheres[config.zWhere];
  const where = normalFromHead({ head: predict, noise: noise.where, prior: priors.where, base: whereBase, klKind }, 1);
  const affine = toAffine(where.sample);
  const code = mlp(params, 'encode.mlp', readWindows(images, affine, windowSizeOf(config)), {
    hidden: config.activation,
  });
  const encode = shifted(code.y, headShifts.encode); // [B, 2Z]
  const what = normalFromHead({ head: encode, noise: noise.what, prior: priors.what, klKind });
  const said = { predict, encode };
  const zPresLogits: tf.Tensor2D = tf.slice(predict, [0, 0], [-1, 1]);
  return { ...inputs, zPresLogits, where, affine, what, memory, head, code, said };
}

/** The state after a step, given its z_pres: 1 where the count is the objective's business, drawn where a pass follows it. */
export function stateAfter({ memory, where, what }: GuideStep, { zPres }: Pick<GuideState, 'zPres'>): GuideState {
  return { memory, zWhere: where.sample, zWhat: what.sample, zPres };
}

/** Gradients by the state between two steps: [B, H], [B, H], [B, D], [B, Z]; of objects only if they are fed back. */
export type StateGradients = {
  h: tf.Tensor2D;
  c: tf.Tensor2D;
  zWhere: tf.Tensor2D | undefined;
  zWhat: tf.Tensor2D | undefined;
};

/** Gradients that add up, of which some may not be there. */
function those(gradients: readonly (tf.Tensor2D | undefined)[]): tf.Tensor2D[] {
  return gradients.filter((one) => one !== undefined);
}

/** Gradients by what a step said, [B, 1] each, by the object as it was drawn, and by the state after it. */
export type StepGradients = {
  zPresLogits: tf.Tensor2D;
  /** By either KL. */
  kl: tf.Tensor2D;
  affine: tf.Tensor2D;
  zWhat: tf.Tensor2D;
  /** None after the last step. */
  later: StateGradients | undefined;
};

/**
 * Back through one step; the tape records what the weights' gradients are made of.
 *
 * @returns gradients by the state before, by what was seen [B, size], and by the LSTM's gates [B, 4H]
 */
export function guideStepGrad(
  { config, params, priors, whereBase }: Model,
  { seen, images, noise, klKind, where, affine, memory, head, code, said }: GuideStep,
  { zPresLogits, kl: dKl, affine: dPlaced, zWhat, later }: StepGradients,
  tape: LinearTape,
): { before: StateGradients; dSeen: tf.Tensor2D | undefined; dPre: tf.Tensor2D } {
  const dCode = normalFromHeadGrad(
    { head: said.encode, noise: noise.what, prior: priors.what, klKind },
    { dSamples: those([zWhat, later?.zWhat]), dKl },
  );
  const dWindows = mlpGrad(params, code, dCode, tape);
  const variant = wheres[config.zWhere];
  const dRead = readWindowsGrad(dWindows, images, affine, windowSizeOf(config));
  const dWhere = variant.affineGrad([dPlaced, dRead], where.sample);
  const dHead = normalFromHeadGrad(
    { head: said.predict, noise: noise.where, prior: priors.where, base: whereBase, klKind },
    { dSamples: those([...dWhere, later?.zWhere]), dKl, dBefore: zPresLogits },
  );
  const dh = mlpGrad(params, head, variant.headGrad(dHead, said.predict), tape);
  // the parts of the LSTM's input, in its order; z_pres, the last, is a constant
  const sizes = [...(seen ? [seen.shape[1]] : []), ...(config.guideFeedback ? [variant.size, config.zWhatSize] : [])];
  const dMemory = { dhs: later ? [dh, later.h] : [dh], dc: later?.c, sizes };
  const { dh: dhBefore, dc, dParts, dPre } = lstmCellGrad(memory, dMemory, tape);
  const [dSeen, dZWhere, dZWhat]: (tf.Tensor2D | undefined)[] = seen ? dParts : [undefined, ...dParts];
  return { before: { h: dhBefore, c: dc, zWhere: dZWhere, zWhat: dZWhat }, dSeen, dPre };
}

/** Gradients of the initial state where it is trained, by weight name, image by image: [B, size]. */
export function initialStateRows(params: Params, d: StateGradients): { [name: string]: tf.Tensor2D } {
  const states = Object.entries(INITIAL) as [keyof StateGradients, string][];
  const weights = states.filter(([, name]) => name in params);
  return Object.fromEntries(weights.map(([state, name]) => [name, d[state] as tf.Tensor2D]));
}

/** The same summed over images, [1, size]. */
export function initialStateGrad(params: Params, d: StateGradients): NamedTensors {
  const rows = Object.entries(initialStateRows(params, d));
  return Object.fromEntries(rows.map(([name, ofImages]) => [name, tf.sum(ofImages, 0, true)]));
}
