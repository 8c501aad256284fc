/** A step of an LSTM, with its gradient. Weights are named as in PyTorch's state_dict. */
import * as tf from '@tensorflow/tfjs';
import type { LinearTape } from './linear.js';
import { defineOp, listed, numbered } from './op.js';
import type { ParamSpec, Params } from './weights.js';

/** The weights of `lstmCell(params, NAME, ...)`: all uniform in +-1/sqrt(hidden). */
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

/** x0, x1, ... [B, any]: the parts of the input, side by side. */
type LstmInputs = {
  h: tf.Tensor2D;
  c: tf.Tensor2D;
  weightIh: tf.Tensor2D;
  weightHh: tf.Tensor2D;
  biasIh: tf.Tensor1D;
  biasHh: tf.Tensor1D;
  [part: string]: tf.Tensor;
};

const lstmCellOp = defineOp<
  LstmInputs,
  Record<string, never>,
  [h: tf.Tensor2D, c: tf.Tensor2D, gates: tf.Tensor2D, x: tf.Tensor2D]
>({
  name: 'AirLstmCell',
  composite: ({ h, c, weightIh, weightHh, biasIh, biasHh, ...parts }) => {
    const x = tf.concat(listed<tf.Tensor2D>(parts, 'x'), 1);
    const pre = tf.add(
      tf.add(tf.matMul(x, weightIh, false, true), tf.matMul(h, weightHh, false, true)),
      tf.add(biasIh, biasHh),
    );
    const [preI, preF, preG, preO] = tf.split(pre, 4, 1);
    const [i, f, g, o] = [tf.sigmoid(preI), tf.sigmoid(preF), tf.tanh(preG), tf.sigmoid(preO)];
    const cNext = tf.add(tf.mul(f, c), tf.mul(i, g)) as tf.Tensor2D;
    return [tf.mul(o, tf.tanh(cNext)), cNext, tf.concat([i, f, g, o], 1) as tf.Tensor2D, x];
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
  composite: ({ dc, gates, c, cNext, weightIh, weightHh, ...uses }, { sizes }) => {
    const dh = tf.addN(listed<tf.Tensor2D>(uses, 'dh'));
    const [i, f, g, o] = tf.split(gates, 4, 1);
    const tanhC = tf.tanh(cNext);
    const through = tf.mul(tf.mul(dh, o), tf.sub(1, tf.square(tanhC)));
    const dcTotal = dc === undefined ? through : tf.add(dc, through);
    const throughSigmoid = (d: tf.Tensor, gate: tf.Tensor) => tf.mul(d, tf.mul(gate, tf.sub(1, gate)));
    const dPre = tf.concat(
      [
        throughSigmoid(tf.mul(dcTotal, g), i),
        throughSigmoid(tf.mul(dcTotal, c), f),
        tf.mul(tf.mul(dcTotal, i), tf.sub(1, tf.square(g))),
        throughSigmoid(tf.mul(dh, tanhC), o),
      ],
      1,
    ) as tf.Tensor2D;
    const total = sizes.reduce((sum, size) => sum + size, 0);
    const rest = weightIh.shape[1] - total;
    const dx = tf.matMul(dPre, weightIh);
    const parts = tf.split(dx, rest > 0 ? [...sizes, rest] : [...sizes], 1) as tf.Tensor2D[];
    return [dPre, tf.matMul(dPre, weightHh), tf.mul(dcTotal, f) as tf.Tensor2D, ...parts.slice(0, sizes.length)];
  },
});

/** A step of an LSTM: what comes of it, and what its gradient needs to know. */
export type LstmStep = LstmState & {
  name: string;
  before: LstmState;
  /** [B, 4H], after their sigmoids and tanh */
  gates: tf.Tensor2D;
  /** [B, in], the whole input */
  x: tf.Tensor2D;
};

/**
 * One step of an LSTM (Hochreiter & Schmidhuber 1997), gates in PyTorch's order i, f, g, o.
 *
 *   parts  the input [B, in] in parts, side by side; params NAME.weight_ih [4H, in], .weight_hh [4H, H], .bias_ih, .bias_hh [4H]
 */
export function lstmCell(params: Params, name: string, parts: readonly tf.Tensor2D[], { h, c }: LstmState): LstmStep {
  const weights = {
    weightIh: params[`${name}.weight_ih`] as tf.Tensor2D,
    weightHh: params[`${name}.weight_hh`] as tf.Tensor2D,
    biasIh: params[`${name}.bias_ih`] as tf.Tensor1D,
    biasHh: params[`${name}.bias_hh`] as tf.Tensor1D,
  };
  const [hNext, cNext, gates, x] = lstmCellOp({ h, c, ...weights, ...numbered('x', parts) }, {});
  return { name, h: hNext, c: cNext, before: { h, c }, gates, x };
}

/**
 * Back through one step; notes what its weights' gradients come of.
 *
 *   dhs  gradients by h [B, H], which add up; dc by c [B, H], undefined where nothing depends on it
 *   returns the gradients by the state before, and by the first parts of the input, which have the given sizes
 */
export function lstmCellGrad(
  params: Params,
  { name, before, c: cNext, gates, x }: LstmStep,
  { dhs, dc }: { dhs: readonly tf.Tensor2D[]; dc: tf.Tensor2D | undefined },
  sizes: readonly number[],
  tape: LinearTape,
): { dh: tf.Tensor2D; dc: tf.Tensor2D; dParts: tf.Tensor2D[] } {
  const [weightIh, weightHh] = [`${name}.weight_ih`, `${name}.weight_hh`];
  const [dPre, dh, dcBefore, ...dParts] = lstmCellGradOp(
    {
      ...numbered('dh', dhs),
      ...{ dc, gates, c: before.c, cNext },
      weightIh: params[weightIh] as tf.Tensor2D,
      weightHh: params[weightHh] as tf.Tensor2D,
    },
    { sizes },
  );
  tape.add(weightIh, `${name}.bias_ih`, dPre, x);
  tape.add(weightHh, `${name}.bias_hh`, dPre, before.h);
  return { dh, dc: dcBefore, dParts };
}
