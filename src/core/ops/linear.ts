/** Linear layers and perceptrons of them, with their gradients. Weights are [out, in] and named as in PyTorch's state_dict. */
import * as tf from '@tensorflow/tfjs';
import type { ActivationName } from '../config.js';
import { defineOp, listed, numbered } from './op.js';
import { type TensorOps, tensorOps } from './tensor-ops.js';
import type { ParamSpec, Params } from './weights.js';

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

/** Those that a model's hidden layers can have, and those that only outputs have. */
export type Activation = ActivationName | 'linear' | 'sigmoid';

/** What the layers of a perceptron do: activation(x weight^T + bias), and in the last one a shift beside the bias. */
export type Layers = { hidden: Activation; output: Activation; shift: number };

const PLAIN: Layers = { hidden: 'relu', output: 'linear', shift: 0 };

/** y of x, and dx of dy and y: every activation here has a derivative that its output tells. */
const ACTIVATIONS: {
  readonly [name in Activation]: {
    of(ops: TensorOps, x: tf.Tensor): tf.Tensor;
    grad(ops: TensorOps, dy: tf.Tensor, y: tf.Tensor): tf.Tensor;
  };
} = {
  linear: { of: (_, x) => x, grad: (_, dy) => dy.clone() },
  relu: { of: (ops, x) => ops.relu(x), grad: (ops, dy, y) => ops.reluGrad(dy, y) },
  // e^x - 1 below zero, where its derivative is y + 1
  elu: {
    of: (ops, x) => ops.whereLess(x, 0, ops.sub(ops.exp(x), 1), x),
    grad: (ops, dy, y) => ops.whereLess(y, 0, ops.mul(dy, ops.add(y, 1)), dy),
  },
  // 1 - e^-y is the sigmoid of x
  softplus: {
    of: (ops, x) => ops.softplus(x),
    grad: (ops, dy, y) => ops.mul(dy, ops.sub(1, ops.exp(ops.neg(y)))),
  },
  sigmoid: { of: (ops, x) => ops.sigmoid(x), grad: (ops, dy, y) => ops.sigmoidGrad(dy, y) },
};

/** [B, ...] -> [B, the rest]; x itself if it is that. */
function asRows(ops: TensorOps, x: tf.Tensor): tf.Tensor {
  return x.rank === 2 ? x : ops.reshape(x, [x.shape[0], x.size / x.shape[0]]);
}

type MlpInputs = { x: tf.Tensor; [layer: string]: tf.Tensor };

/** x [B, in], weight0 [out, in], bias0 [out], weight1, ... -> y0, y1, ... [B, out] */
const mlpOp = defineOp<MlpInputs, Layers, tf.Tensor2D[]>({
  name: 'AirMlp',
  composite: (ops, { x, ...layers }, { hidden, output, shift }) => {
    const [weights, biases] = [listed<tf.Tensor2D>(layers, 'weight'), listed<tf.Tensor1D>(layers, 'bias')];
    const ys: tf.Tensor[] = [];
    weights.forEach((weight, i) => {
      const isLast = i === weights.length - 1;
      const bias = isLast && shift !== 0 ? ops.add(biases[i], shift) : biases[i];
      const pre = ops.addBias(ops.matMul(ys.at(-1) ?? asRows(ops, x), weight, false, true), bias);
      ys.push(ACTIVATIONS[isLast ? output : hidden].of(ops, pre));
    });
    return ys;
  },
});

/** dy and y0, y1, ... [B, out], weight0, weight1, ... -> dPre0, dPre1, ... [B, out], before the activations; dx if it is wanted. */
const mlpGradOp = defineOp<
  { dy: tf.Tensor2D; [layer: string]: tf.Tensor },
  { hidden: Activation; output: Activation; wantsDx: boolean },
  tf.Tensor2D[]
>({
  name: 'AirMlpGrad',
  composite: (ops, { dy, ...layers }, { hidden, output, wantsDx }) => {
    const [ys, weights] = [listed<tf.Tensor2D>(layers, 'y'), listed<tf.Tensor2D>(layers, 'weight')];
    const dPres: tf.Tensor[] = [];
    let d: tf.Tensor = dy;
    for (let i = ys.length - 1; i >= 0; i--) {
      const dPre = ACTIVATIONS[i === ys.length - 1 ? output : hidden].grad(ops, d, ys[i]);
      dPres.unshift(dPre);
      if (i > 0 || wantsDx) d = ops.matMul(dPre, weights[i]);
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
  layers: Layers;
  x: tf.Tensor;
  /** Of each layer, [B, out]; none for a perceptron without layers, which is its input. */
  ys: tf.Tensor2D[];
  /** [B, out of the last layer] */
  y: tf.Tensor2D;
};

/**
 * Multi-layer perceptron with layers `NAME.seq.0`, `NAME.seq.2`, ... as Pyro's example names them.
 *
 *   x      [B, in], or of more axes that together have `in` elements
 *   given  ReLUs, a linear output and no shift unless said otherwise
 */
export function mlp(params: Params, name: string, x: tf.Tensor, given: Partial<Layers> = {}): MlpPass {
  const layers = { ...PLAIN, ...given };
  const { weights, biases } = layersOf(params, name);
  if (weights.length === 0) return { name, layers, x, ys: [], y: tf.reshape(x, [x.shape[0], -1]) };
  const ys = mlpOp({ x, ...numbered('weight', weights), ...numbered('bias', biases) }, layers);
  return { name, layers, x, ys, y: ys[ys.length - 1] };
}

/** Back through a perceptron, from dy [B, out] to dx [B, in]; the tape records what the weights' gradients are made of. */
export function mlpGrad(params: Params, pass: MlpPass, dy: tf.Tensor2D, tape: LinearTape): tf.Tensor2D {
  return backThrough(params, pass, { dy, wantsDx: true }, tape) as tf.Tensor2D;
}

/** The same where nobody asks for dx. */
export function mlpWeightGrad(params: Params, pass: MlpPass, dy: tf.Tensor2D, tape: LinearTape): void {
  backThrough(params, pass, { dy, wantsDx: false }, tape);
}

function backThrough(
  params: Params,
  { name, layers, x, ys }: MlpPass,
  { dy, wantsDx }: { dy: tf.Tensor2D; wantsDx: boolean },
  tape: LinearTape,
): tf.Tensor2D | undefined {
  if (ys.length === 0) return dy;
  const { weights } = layersOf(params, name);
  const { hidden, output } = layers;
  const out = mlpGradOp({ dy, ...numbered('y', ys), ...numbered('weight', weights) }, { hidden, output, wantsDx });
  ys.forEach((_, i) => {
    const layer = `${name}.seq.${2 * i}`;
    tape.add({ weight: `${layer}.weight`, bias: `${layer}.bias` }, out[i], i === 0 ? x : ys[i - 1]);
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
  composite: (ops, inputs) => {
    const d = ops.concat(listed<tf.Tensor2D>(inputs, 'd'), 0);
    const xs = listed<tf.Tensor>(inputs, 'x').map((x) => asRows(ops, x));
    return [ops.matMul(d, ops.concat(xs, 0), true), ops.biasGrad(d)];
  },
});

/** By the weights of an input that is the same at each use, [out, S]: one product of the summed gradients. */
function ofConstant(constant: tf.Tensor2D, ds: readonly tf.Tensor[]): tf.Tensor2D {
  return linearGradOp({ d0: tensorOps().addAll(ds), x0: constant }, {})[0];
}

/** Names of a layer's weights, and the first part of its input [B, S] if that is the same at each use. */
type Layer = { weight: string; bias: string; constant?: tf.Tensor2D | undefined };

type TapedLayer = { bias: string; constant: tf.Tensor2D | undefined; ds: tf.Tensor[]; xs: tf.Tensor[] };

/**
 * What linear layers did in the course of a pass: each use has the gradient d [B, out] by the layer's output and its input
 * x [B, in]. The weights' gradients come of all uses together: one long product instead of many short ones and their sum.
 */
export class LinearTape {
  private readonly layers = new Map<string, TapedLayer>();

  /** One use of a layer, whose input is x beside the constant part that the layer has. */
  add({ weight, bias, constant }: Layer, d: tf.Tensor2D, x: tf.Tensor): void {
    const layer = this.layers.get(weight) ?? { bias, constant, ds: [], xs: [] };
    this.layers.set(weight, layer);
    layer.ds.push(d);
    layer.xs.push(x);
  }

  /** Gradients by the name of the weight or bias. */
  gradients(): { [name: string]: tf.Tensor } {
    const all: { [name: string]: tf.Tensor } = {};
    for (const [weight, { bias, constant, ds, xs }] of this.layers) {
      const [dWeight, dBias] = linearGradOp({ ...numbered('d', ds), ...numbered('x', xs) }, {});
      all[bias] = dBias;
      all[weight] = constant === undefined ? dWeight : tf.concat([ofConstant(constant, ds), dWeight], 1);
    }
    return all;
  }

  /**
   * Squared norms by the name of the weight or bias: the sum over rows of the squared norm of what each row adds to the gradient.
   * The rows of all uses belong together: |sum_t d_t x_t^T|^2 is the sum over t, s of (d_t . d_s) (x_t . x_s), row by row.
   */
  squares(): { [name: string]: tf.Tensor } {
    const dots = (rows: readonly tf.Tensor[]) => rows.map((a) => rows.map((b) => tf.sum(tf.mul(a, b), 1)));
    const all: { [name: string]: tf.Tensor } = {};
    for (const [weight, { bias, constant, ds, xs }] of this.layers) {
      const [ofDs, ofXs] = [dots(ds), dots(xs.map((x) => asRows(tensorOps(), x)))];
      const ofConstants = constant === undefined ? 0 : tf.sum(tf.square(constant), 1);
      const products = ofDs.flatMap((row, t) => row.map((dot, s) => tf.mul(dot, tf.add(ofXs[t][s], ofConstants))));
      all[weight] = tf.sum(tf.addN(products));
      all[bias] = tf.sum(tf.addN(ofDs.flat()));
    }
    return all;
  }
}
