/** One pass along the all-present path: guide and model take turns, object by object; and back again. */
import * as tf from '@tensorflow/tfjs';
import type { ModelConfig } from './config.js';
import {
  type GuideLook,
  type GuideState,
  type GuideStep,
  guideLook,
  guideStep,
  guideStepGrad,
  initialState,
  initialStateGrad,
  initialStateRows,
  type StateGradients,
  type StepNoise,
  stateAfter,
} from './guide.js';
import { backThroughView, type GuideView, guideInputs } from './guide-input.js';
import { likelihoods } from './likelihood.js';
import { type DrawnObject, drawObject, drawObjectGrad, type Model } from './model.js';
import { LinearTape } from './ops/linear.js';
import { type Lstm, openLstm } from './ops/lstm.js';
import type { KlKind } from './ops/normal.js';
import type { NamedTensors } from './ops/weights.js';
import type { OutcomeGradients, PassOutcome } from './outcome.js';
import type { Draws } from './rng.js';
import { wheres } from './where.js';

/** How a pass is made. */
export type PassOptions = {
  /** What the outcome says of KLs; see normal.ts. */
  klKind?: KlKind;
  /**
   * [B, N], in [0, 1): z_pres of step t is drawn, 1 where the t-th is below p_t and none before was 0. Steps after that see
   * that it is 0, and place nothing. None: every object is there.
   */
  uniforms?: tf.Tensor2D | undefined;
};

/** One object: what the guide said of it, whether it is there, and how the model drew it. Its `canvas` has it and all before it. */
export type UnrolledStep = GuideStep & DrawnObject & { zPres: tf.Tensor2D };

export type Unrolled = { images: tf.Tensor3D; steps: UnrolledStep[]; view: GuideView; outcome: PassOutcome };

/** All that a pass does before its first draw, which is the same in every pass over the same images. */
export type Opening = {
  images: tf.Tensor3D;
  view: GuideView;
  lstm: Lstm;
  /** [B, H, W], without an object, and the log-likelihood of that, [B, 1]. */
  canvas: tf.Tensor3D;
  logLik: tf.Tensor2D;
  state: GuideState;
  seen: tf.Tensor2D | undefined;
  look: GuideLook;
};

/** Opens a pass, or several, of which then none can be taken back: what the view sees in them is one list. */
export function openPass(model: Model, images: tf.Tensor3D): Opening {
  const { config } = model;
  const view = guideInputs[config.guideInput].view(model, images, '');
  const lstm = openGuideLstm(model, view);
  const canvas: tf.Tensor3D = tf.zeros(images.shape);
  const state = initialState(model, images.shape[0]);
  const logLik = likelihoods[config.likelihood].logProb({ images, canvas }, config);
  const seen = observe(canvas, { lstm, view });
  return { images, view, lstm, canvas, logLik, state, seen, look: guideLook(model, { seen, lstm }, state) };
}

/** What the guide sees of a canvas, unless its LSTM has it already. */
function observe(canvas: tf.Tensor3D, { lstm, view }: Pick<Opening, 'lstm' | 'view'>): tf.Tensor2D | undefined {
  return lstm.constant === undefined ? view.observe(canvas) : undefined;
}

/**
 * Explain each image as if it held N objects; how many it holds is read off z_pres afterwards. Or, given uniform numbers, draw
 * z_pres on the way: then what the outcome says of steps after the first 0 is of that path, not of another count.
 *
 *   images [B, H, W] in 0..1; noise: one entry per step
 */
export function unroll(
  model: Model,
  images: tf.Tensor3D,
  noise: readonly StepNoise[],
  options: PassOptions = {},
): Unrolled {
  return unrollFrom(model, openPass(model, images), noise, options);
}

/** The same from where it was opened. */
export function unrollFrom(
  model: Model,
  opening: Opening,
  noise: readonly StepNoise[],
  { klKind = 'analytic', uniforms }: PassOptions = {},
): Unrolled {
  const { config } = model;
  const { images, view, lstm } = opening;
  const likelihood = likelihoods[config.likelihood];
  let { canvas, state } = opening;
  const logLik = [opening.logLik];
  const steps: UnrolledStep[] = [];

  for (const [t, stepNoise] of noise.entries()) {
    const { seen, look } = t === 0 ? opening : { seen: observe(canvas, opening), look: undefined };
    const step = guideStep(model, { seen, lstm, images, noise: stepNoise, klKind }, state, look);
    const zPres = uniforms === undefined ? state.zPres : drawPresence(step, state, tf.slice(uniforms, [0, t], [-1, 1]));
    const object = { affine: step.affine, zWhat: step.what.sample, gate: uniforms && zPres };
    const drawn = drawObject(model, object, canvas);
    canvas = drawn.canvas;
    logLik.push(likelihood.logProb({ images, canvas }, config));
    steps.push({ ...step, ...drawn, zPres });
    state = stateAfter(step, { zPres });
  }
  const byStep = (columns: tf.Tensor2D[]) => tf.concat(columns, 1) as tf.Tensor2D;
  const outcome = {
    zPresLogits: byStep(steps.map((step) => step.zPresLogits)),
    logLik: byStep(logLik),
    whereKl: byStep(steps.map((step) => step.where.kl)),
    whatKl: byStep(steps.map((step) => step.what.kl)),
  };
  return { images, steps, view, outcome };
}

/** The guide's LSTM: what the guide sees at every step goes in once, if anything else goes in beside it. */
function openGuideLstm({ config, params }: Model, view: GuideView): Lstm {
  return openLstm(params, 'rnn', config.guideFeedback ? view.constant : undefined);
}

/** z_pres of a step [B, 1]: once it is 0 it stays 0. */
function drawPresence({ zPresLogits }: GuideStep, { zPres }: GuideState, uniforms: tf.Tensor2D): tf.Tensor2D {
  return tf.where(tf.less(uniforms, tf.sigmoid(zPresLogits)), zPres, tf.zerosLike(zPres));
}

/** The gradients of the model's weights, by name, summed over images, given those by what a pass says of each image. */
export function unrollGrad(model: Model, pass: Unrolled, d: OutcomeGradients): NamedTensors {
  const { tape, initial } = goBack(model, pass, d);
  return { ...tape.gradients(), ...initialStateGrad(model.params, initial) };
}

/** By weight: the sum over images of the squared norm of each one's own gradient, a scalar. */
export function unrollGradSquares(model: Model, pass: Unrolled, d: OutcomeGradients): NamedTensors {
  const { tape, initial } = goBack(model, pass, d);
  const rows = Object.entries(initialStateRows(model.params, initial));
  const squares = rows.map(([name, ofImages]) => [name, tf.sum(tf.square(ofImages))]);
  return { ...tape.squares(), ...Object.fromEntries(squares) };
}

/** What going back through a pass leaves: what linear layers did, and gradients by the state before the first object. */
type BackPass = { tape: LinearTape; initial: StateGradients };

/** Back through a pass, object by object from the last to the first (backpropagation through time). */
function goBack(model: Model, { images, steps, view }: Unrolled, d: OutcomeGradients): BackPass {
  const { config } = model;
  const likelihood = likelihoods[config.likelihood];
  const tape = new LinearTape();
  const columns = (all: tf.Tensor2D) => tf.split(all, all.shape[1], 1) as tf.Tensor2D[];
  const [dLogits, dLogLik, dKl] = [columns(d.zPresLogits), columns(d.logLik), columns(d.kl)];
  const [dSeen, dPres]: tf.Tensor2D[][] = [[], []];
  let dCanvas: tf.Tensor3D | undefined;
  let later: StateGradients | undefined;

  for (let t = steps.length - 1; t >= 0; t--) {
    const step = steps[t];
    dCanvas = likelihood.grad(dLogLik[t + 1], { images, canvas: step.canvas }, dCanvas, config);
    const { dAffine, dZWhat } = drawObjectGrad(model, step, dCanvas, tape);
    const dStep = { zPresLogits: dLogits[t], kl: dKl[t], affine: dAffine, zWhat: dZWhat, later };
    const back = guideStepGrad(model, step, dStep, tape);
    later = back.before;
    if (back.dSeen !== undefined) dSeen.unshift(back.dSeen);
    dPres.unshift(back.dPre);
  }
  const [{ lstm }] = steps;
  backThroughView(view, lstm, { dSeen, dPres }, tape);
  return { tape, initial: later as StateGradients };
}

/**
 * Standard normal draws for a batch, one random sequence per image, so that an image's noise does not depend on its
 * neighbours. A number of images without draws gives zeros: the mean of the posterior. Caller disposes.
 */
export function makeNoise(
  { modelSteps, zWhere, zWhatSize }: ModelConfig,
  rows: readonly Draws[] | number,
): StepNoise[] {
  const batch = typeof rows === 'number' ? rows : rows.length;
  const { size } = wheres[zWhere];
  const where = Array.from({ length: modelSteps }, () => new Float32Array(batch * size));
  const what = Array.from({ length: modelSteps }, () => new Float32Array(batch * zWhatSize));
  if (typeof rows !== 'number') {
    rows.forEach((draws, b) => {
      for (let t = 0; t < modelSteps; t++) {
        draws.fillNormal(where[t].subarray(b * size, (b + 1) * size));
        draws.fillNormal(what[t].subarray(b * zWhatSize, (b + 1) * zWhatSize));
      }
    });
  }
  return where.map((values, t) => ({
    where: tf.tensor2d(values, [batch, size]),
    what: tf.tensor2d(what[t], [batch, zWhatSize]),
  }));
}
