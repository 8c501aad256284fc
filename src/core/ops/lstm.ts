/** A step of an LSTM, with its gradient. Weights are named as in PyTorch's state_dict. */
import type * as tf from '@tensorflow/tfjs';
import { AirError } from '../../errors.js';
import type { LinearTape } from './linear.js';
import { defineOp, listed, numbered } from './op.js';
import { type TensorOps, tensorOps } from './tensor-ops.js';
import type { ParamSpec, Params } from './weights.js';

/** The weights of `openLstm(params, NAME, ...)`: all uniform in +-1/sqrt(hidden). */
export function lstmSpecs(name: string, inputs: number, hidden: number): ParamSpec[] {
  const bound = 1 / Math.sqrt(hidden);
  return [
    { name: `${name}.weight_ih`, shape: [4 * hidden, inputs], bound },
    { name: `${name}.weight_hh`, shape: [4 * hidden, hidden], bound },
    { name: `${name}.bias_ih`, shape: [4 * hidden], bound },
    { name: `${name}.bias_hh`, shape: [4 * hidden], bound },
  ];
}

/** What an LSTM carries from step to step, [B, H] each. */
export type LstmState = { h: tf.Tensor2D; c: tf.Tensor2D };

/**
 * x0, x1, ... [B, any]: the parts of the input, side by side. `start` [B, 4H]: what the gates have of an input that is no part,
 * biases included.
 */
type LstmInputs = {
  start: tf.Tensor2D | undefined;
  h: tf.Tensor2D;
  c: tf.Tensor2D;
  weightIh: tf.Tensor2D;
  weightHh: tf.Tensor2D;
  biasIh: tf.Tensor1D;
  biasHh: tf.Tensor1D;
  [part: string]: tf.Tensor | undefined;
};

/** [B, 4H] -> i, f, g, o of [B, H] */
function gatesOf(ops: TensorOps, all: tf.Tensor, hidden: number): tf.Tensor[] {
  return ops.split(all, [hidden, hidden, hidden, hidden], 1);
}

const lstmCellOp = defineOp<
  LstmInputs,
  Record<string, never>,
  [h: tf.Tensor2D, c: tf.Tensor2D, gates: tf.Tensor2D, x: tf.Tensor2D]
>({
  name: 'AirLstmCell',
  composite: (ops, { h, c, start, weightIh, weightHh, biasIh, biasHh, ...parts }) => {
    const x = ops.concat(listed<tf.Tensor2D>(parts, 'x'), 1);
    const products = ops.add(ops.matMul(x, weightIh, false, true), ops.matMul(h, weightHh, false, true));
    const pre = start === undefined ? ops.addBias(products, ops.add(biasIh, biasHh)) : ops.add(start, products);
    const [preI, preF, preG, preO] = gatesOf(ops, pre, h.shape[1]);
    const [i, f, g, o] = [ops.sigmoid(preI), ops.sigmoid(preF), ops.tanh(preG), ops.sigmoid(preO)];
    const cNext = ops.add(ops.mul(f, c), ops.mul(i, g));
    return [ops.mul(o, ops.tanh(cNext)), cNext, ops.concat([i, f, g, o], 1), x];
  },
});

/** dh0, dh1, ...: gradients by h, which add up. -> dPre, dh and dc before, dx0, dx1, ... of the given sizes. */
const lstmCellGradOp = defineOp<
  {
    dc: tf.Tensor2D | undefined;
    gates: tf.Tensor2D;
    c: tf.Tensor2D;
    cNext: tf.Tensor2D;
    weightIh: tf.Tensor2D;
    weightHh: tf.Tensor2D;
    [use: string]: tf.Tensor | undefined;
  },
  { sizes: readonly number[] },
  tf.Tensor2D[]
>({
  name: 'AirLstmCellGrad',
  composite: (ops, { dc, gates, c, cNext, weightIh, weightHh, ...uses }, { sizes }) => {
    const dh = ops.addAll(listed<tf.Tensor2D>(uses, 'dh'));
    const [i, f, g, o] = gatesOf(ops, gates, c.shape[1]);
    const tanhC = ops.tanh(cNext);
    const through = ops.tanhGrad(ops.mul(dh, o), tanhC);
    const dcTotal = dc === undefined ? through : ops.add(dc, through);
    const dPre = ops.concat(
      [
        ops.sigmoidGrad(ops.mul(dcTotal, g), i),
        ops.sigmoidGrad(ops.mul(dcTotal, c), f),
        ops.tanhGrad(ops.mul(dcTotal, i), g),
        ops.sigmoidGrad(ops.mul(dh, tanhC), o),
      ],
      1,
    );
    const rest = weightIh.shape[1] - sizes.reduce((sum, size) => sum + size, 0);
    const parts = ops.split(ops.matMul(dPre, weightIh), rest > 0 ? [...sizes, rest] : sizes, 1);
    return [dPre, ops.matMul(dPre, weightHh), ops.mul(dcTotal, f), ...parts.slice(0, sizes.length)];
  },
});

/** What of the input is the same at each step, and what the gates have of it. */
type Constant = {
  /** [B, S], the first part of the input */
  x: tf.Tensor2D;
  /** [4H, S], its weights */
  weight: tf.Tensor2D;
  /** [B, 4H], their product and the biases */
  start: tf.Tensor2D;
};

/** An LSTM in the course of a pass. */
export type Lstm = {
  name: string;
  weights: { weightIh: tf.Tensor2D; weightHh: tf.Tensor2D; biasIh: tf.Tensor1D; biasHh: tf.Tensor1D };
  constant: Constant | undefined;
};

/**
 * An LSTM (Hochreiter & Schmidhuber 1997), gates in PyTorch's order i, f, g, o, ready for a pass.
 *
 *   params  NAME.weight_ih [4H, in], .weight_hh [4H, H], .bias_ih, .bias_hh [4H]
 *   x       the first part of the input [B, S] if it is the same at each step: its product is computed once; undefined: none is
 */
export function openLstm(params: Params, name: string, x?: tf.Tensor2D): Lstm {
  const weightIh = params[`${name}.weight_ih`] as tf.Tensor2D;
  const rest = {
    weightHh: params[`${name}.weight_hh`] as tf.Tensor2D,
    biasIh: params[`${name}.bias_ih`] as tf.Tensor1D,
    biasHh: params[`${name}.bias_hh`] as tf.Tensor1D,
  };
  if (x === undefined) return { name, weights: { weightIh, ...rest }, constant: undefined };
  const ops = tensorOps();
  const [ofX, ofRest] = ops.split(weightIh, [x.shape[1], weightIh.shape[1] - x.shape[1]], 1) as tf.Tensor2D[];
  const start = ops.addBias(ops.matMul(x, ofX, false, true), ops.add(rest.biasIh, rest.biasHh)) as tf.Tensor2D;
  return { name, weights: { weightIh: ofRest, ...rest }, constant: { x, weight: ofX, start } };
}

/** A step of an LSTM: what comes of it, and what its gradient needs to know. */
export type LstmStep = LstmState & {
  lstm: Lstm;
  before: LstmState;
  /** [B, 4H], after their sigmoids and tanh */
  gates: tf.Tensor2D;
  /** [B, in], the input but for its constant part */
  x: tf.Tensor2D;
};

/** One step: `parts` are the input [B, in], but for its constant part, side by side; there is at least one. */
export function lstmCell(lstm: Lstm, parts: readonly tf.Tensor2D[], { h, c }: LstmState): LstmStep {
  const start = lstm.constant?.start;
  const [hNext, cNext, gates, x] = lstmCellOp({ h, c, start, ...lstm.weights, ...numbered('x', parts) }, {});
  return { lstm, h: hNext, c: cNext, before: { h, c }, gates, x };
}

/** Gradients by what a step makes, and the sizes of the first of its parts, for which gradients are wanted. */
export type LstmStepGradients = {
  /** By h [B, H], which add up. */
  dhs: readonly tf.Tensor2D[];
  /** By c [B, H], undefined where nothing depends on it. */
  dc: tf.Tensor2D | undefined;
  sizes: readonly number[];
};

/** What comes of going back through a step: gradients by the state before, by the first parts, and by the gates, [B, 4H]. */
export type LstmStepBack = { dh: tf.Tensor2D; dc: tf.Tensor2D; dParts: tf.Tensor2D[]; dPre: tf.Tensor2D };

/** Back through one step; the tape records what its weights' gradients are made of. */
export function lstmCellGrad(
  { lstm, before, c: cNext, gates, x }: LstmStep,
  { dhs, dc, sizes }: LstmStepGradients,
  tape: LinearTape,
): LstmStepBack {
  const { name, weights, constant } = lstm;
  const { weightIh, weightHh } = weights;
  const given = { ...numbered('dh', dhs), dc, gates, c: before.c, cNext, weightIh, weightHh };
  const [dPre, dh, dcBefore, ...dParts] = lstmCellGradOp(given, { sizes });
  tape.add({ weight: `${name}.weight_ih`, bias: `${name}.bias_ih`, constant: constant?.x }, dPre, x);
  tape.add({ weight: `${name}.weight_hh`, bias: `${name}.bias_hh` }, dPre, before.h);
  return { dh, dc: dcBefore, dParts, dPre };
}

/** The gradient by the constant part of the input, [B, S], of those by the gates of all steps. */
export function constantInputGrad({ constant }: Lstm, dPres: readonly tf.Tensor2D[]): tf.Tensor2D {
  if (constant === undefined) throw new AirError('bug', 'an LSTM without a constant part has no gradient by it');
  const ops = tensorOps();
  return ops.matMul(ops.addAll(dPres), constant.weight) as tf.Tensor2D;
}
