/**
 * Layers: multi-layer perceptron and LSTM cell, each with its gradient. Weights are [out, in] and named as in PyTorch's
 * state_dict.
 */
import * as tf from '@tensorflow/tfjs';
import { defineOp, listed, numbered } from './kernel.js';

/** Weights by their state_dict name. */
export type Params = { readonly [name: string]: tf.Tensor };

/** What a weight is before training. */
export type ParamSpec = {
  name: string;
  shape: number[];
  /** Initial values are uniform in +-bound; 0 gives zeros. */
  bound: number;
};

/** A linear layer NAME: weight [out, in] and bias [out], uniform in +-1/sqrt(in). */
function linear(name: string, inputs: number, outputs: number): ParamSpec[] {
  const bound = 1 / Math.sqrt(inputs);
  return [
    { name: `${name}.weight`, shape: [outputs, inputs], bound },
    { name: `${name}.bias`, shape: [outputs], bound },
  ];
}

/** The layers of `mlp(params, NAME, ...)`: from inputs through each of `sizes`. */
export function mlpSpecs(name: string, inputs: number, sizes: readonly number[]): ParamSpec[] {
  return sizes.flatMap((size, i) => linear(`${name}.seq.${2 * i}`, i === 0 ? inputs : sizes[i - 1], size));
}

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

export type Activation = 'linear' | 'relu' | 'sigmoid';

/** What the last layer of a perceptron does: activation(x weight^T + bias + shift). Before it come ReLUs. */
export type OutputLayer = { activation: Activation; shift: number };

const PLAIN: OutputLayer = { activation: 'linear', shift: 0 };

function activate(x: tf.Tensor2D, activation: Activation): tf.Tensor2D {
  if (activation === 'relu') return tf.relu(x);
  return activation === 'sigmoid' ? tf.sigmoid(x) : x;
}

/** d pre-activation from d output: every activation here has a derivative that its output tells. */
function deactivate(dy: tf.Tensor2D, y: tf.Tensor2D, activation: Activation): tf.Tensor2D {
  if (activation === 'relu') return tf.mul(dy, tf.step(y));
  return activation === 'sigmoid' ? tf.mul(dy, tf.mul(y, tf.sub(1, y))) : tf.clone(dy);
}

/** [B, ...] -> [B, the rest]. */
function asRows(x: tf.Tensor): tf.Tensor2D {
  return tf.reshape(x, [x.shape[0], -1]);
}

type MlpInputs = { x: tf.Tensor; [layer: string]: tf.Tensor };

/** x [B, in], weight0 [out, in], bias0 [out], weight1, ... -> y0, y1, ... [B, out] */
const mlpOp = defineOp<MlpInputs, OutputLayer, tf.Tensor2D[]>({
  name: 'AirMlp',
  composite: ({ x, ...layers }, { activation, shift }) => {
    const [weights, biases] = [listed<tf.Tensor2D>(layers, 'weight'), listed<tf.Tensor1D>(layers, 'bias')];
    const ys: tf.Tensor2D[] = [];
    weights.forEach((weight, i) => {
      const pre = tf.add(tf.matMul(ys.at(-1) ?? asRows(x), weight, false, true), biases[i]) as tf.Tensor2D;
      const isLast = i === weights.length - 1;
      const shifted = isLast && shift !== 0 ? (tf.add(pre, shift) as tf.Tensor2D) : pre;
      ys.push(activate(shifted, isLast ? activation : 'relu'));
    });
    return ys;
  },
});

/** dy and y0, y1, ... [B, out], weight0, weight1, ... -> dPre0, dPre1, ... [B, out], before the activations; dx if it is wanted. */
const mlpGradOp = defineOp<
  { dy: tf.Tensor2D; [layer: string]: tf.Tensor },
  { activation: Activation; wantsDx: boolean },
  tf.Tensor2D[]
>({
  name: 'AirMlpGrad',
  composite: ({ dy, ...layers }, { activation, wantsDx }) => {
    const [ys, weights] = [listed<tf.Tensor2D>(layers, 'y'), listed<tf.Tensor2D>(layers, 'weight')];
    const dPres: tf.Tensor2D[] = [];
    let d = dy;
    for (let i = ys.length - 1; i >= 0; i--) {
      const dPre = deactivate(d, ys[i], i === ys.length - 1 ? activation : 'relu');
      dPres.unshift(dPre);
      if (i > 0 || wantsDx) d = tf.matMul(dPre, weights[i]);
    }
    return wantsDx ? [...dPres, d] : dPres;
  },
});

/** Weights and biases of the layers of perceptron NAME, as inputs of an op. */
function layersOf(params: Params, name: string): { weights: tf.Tensor[]; biases: tf.Tensor[] } {
  const [weights, biases]: tf.Tensor[][] = [[], []];
  for (let i = 0; `${name}.seq.${i}.weight` in params; i += 2) {
    weights.push(params[`${name}.seq.${i}.weight`]);
    biases.push(params[`${name}.seq.${i}.bias`]);
  }
  return { weights, biases };
}

/** A perceptron in use: what its gradient needs to know of it. */
export type MlpPass = {
  name: string;
  output: OutputLayer;
  x: tf.Tensor;
  /** Of each layer, [B, out]; none for a perceptron without layers, which is its input. */
  ys: tf.Tensor2D[];
  /** [B, out of the last layer] */
  y: tf.Tensor2D;
};

/**
 * Multi-layer perceptron with ReLU between its layers: `NAME.seq.0`, `NAME.seq.2`, ... as Pyro's example names them.
 *
 *   x [B, in], or of more axes that together have `in` elements
 */
export function mlp(params: Params, name: string, x: tf.Tensor, output: OutputLayer = PLAIN): MlpPass {
  const { weights, biases } = layersOf(params, name);
  if (weights.length === 0) return { name, output, x, ys: [], y: asRows(x) };
  const ys = mlpOp({ x, ...numbered('weight', weights), ...numbered('bias', biases) }, output);
  return { name, output, x, ys, y: ys[ys.length - 1] };
}

/**
 * Back through a perceptron: returns dx [B, in] if `wantsDx`, else undefined, and notes for each layer what its weights'
 * gradients come of.
 *
 *   dy [B, out]
 */
export function mlpGrad(
  params: Params,
  { name, output, x, ys }: MlpPass,
  dy: tf.Tensor2D,
  notes: LinearNotes,
  wantsDx: boolean,
): tf.Tensor2D | undefined {
  if (ys.length === 0) return dy;
  const { weights } = layersOf(params, name);
  const { activation } = output;
  const out = mlpGradOp({ dy, ...numbered('y', ys), ...numbered('weight', weights) }, { activation, wantsDx });
  ys.forEach((_, i) => {
    const layer = `${name}.seq.${2 * i}`;
    notes.add(`${layer}.weight`, `${layer}.bias`, out[i], i === 0 ? x : ys[i - 1]);
  });
  return wantsDx ? out[ys.length] : undefined;
}

/** d0, d1, ... [B, out], x0, x1, ... [B, in] -> sum of d^T x [out, in], sum of the rows of d [out]. */
const linearGradOp = defineOp<
  { [step: string]: tf.Tensor },
  Record<string, never>,
  [dWeight: tf.Tensor2D, dBias: tf.Tensor1D]
>({
  name: 'AirLinearGrad',
  composite: (inputs) => {
    const join = (rows: tf.Tensor2D[]) => (rows.length === 1 ? rows[0] : tf.concat(rows, 0));
    const d = join(listed<tf.Tensor2D>(inputs, 'd'));
    return [tf.matMul(d, join(listed<tf.Tensor>(inputs, 'x').map(asRows)), true, false), tf.sum(d, 0)];
  },
});

/**
 * What linear layers did in the course of a pass: each use has the gradient d [B, out] by the layer's output and its input
 * x [B, in]. The weights' gradients come of all uses together: one long product instead of many short ones and their sum.
 */
export class LinearNotes {
  private readonly layers = new Map<string, { bias: string; ds: tf.Tensor[]; xs: tf.Tensor[] }>();

  add(weight: string, bias: string, d: tf.Tensor2D, x: tf.Tensor): void {
    const layer = this.layers.get(weight) ?? { bias, ds: [], xs: [] };
    this.layers.set(weight, layer);
    layer.ds.push(d);
    layer.xs.push(x);
  }

  /** Gradients by the name of the weight or bias. */
  gradients(): { [name: string]: tf.Tensor } {
    const all: { [name: string]: tf.Tensor } = {};
    for (const [weight, { bias, ds, xs }] of this.layers) {
      [all[weight], all[bias]] = linearGradOp({ ...numbered('d', ds), ...numbered('x', xs) }, {});
    }
    return all;
  }
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
  notes: LinearNotes,
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
  notes.add(weightIh, `${name}.bias_ih`, dPre, x);
  notes.add(weightHh, `${name}.bias_hh`, dPre, before.h);
  return { dh, dc: dcBefore, dParts };
}
