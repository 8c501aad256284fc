/** Layers: dense, multi-layer perceptron, LSTM cell. Weights are [out, in] and named as in PyTorch's state_dict. */
import * as tf from '@tensorflow/tfjs';
import { defineOp } from './kernel.js';

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

function activate(x: tf.Tensor2D, activation: Activation): tf.Tensor2D {
  if (activation === 'relu') return tf.relu(x);
  if (activation === 'sigmoid') return tf.sigmoid(x);
  return x;
}

/** d pre-activation from d output: every activation here has a derivative that its output tells. */
function deactivate(dy: tf.Tensor2D, y: tf.Tensor2D, activation: Activation): tf.Tensor2D {
  if (activation === 'relu') return tf.mul(dy, tf.step(y));
  if (activation === 'sigmoid') return tf.mul(dy, tf.mul(y, tf.sub(1, y)));
  return tf.clone(dy);
}

type MatMulAttrs = { transposeA: boolean; transposeB: boolean };

/** Matrix product of rank-2 tensors; a kernel of its own because transposed products are slow on some backends. */
const matMulOp = defineOp<{ a: tf.Tensor2D; b: tf.Tensor2D }, MatMulAttrs, [tf.Tensor2D]>({
  name: 'AirMatMul',
  composite: ({ a, b }, { transposeA, transposeB }) => [tf.matMul(a, b, transposeA, transposeB)],
});

const denseGradOp = defineOp<
  { dy: tf.Tensor2D; y: tf.Tensor2D; x: tf.Tensor2D },
  { activation: Activation },
  [dPre: tf.Tensor2D, dWeight: tf.Tensor2D, dBias: tf.Tensor1D]
>({
  name: 'AirDenseGrad',
  composite: ({ dy, y, x }, { activation }) => {
    const dPre = deactivate(dy, y, activation);
    return [dPre, tf.matMul(dPre, x, true, false), tf.sum(dPre, 0)];
  },
});

type DenseInputs = { x: tf.Tensor2D; weight: tf.Tensor2D; bias: tf.Tensor1D };

const denseOp = defineOp<DenseInputs, { activation: Activation; shift: number }, [tf.Tensor2D]>({
  name: 'AirDense',
  composite: ({ x, weight, bias }, { activation, shift }) => {
    const pre = tf.add(tf.matMul(x, weight, false, true), bias);
    return [activate(shift === 0 ? (pre as tf.Tensor2D) : tf.add(pre, shift), activation)];
  },
  saves: { inputs: ['x', 'weight'], outputs: [0] },
  gradient: ([dy], [x, weight, y], { activation }) => {
    const [dPre, dWeight, dBias] = denseGradOp({ dy, y: y as tf.Tensor2D, x: x as tf.Tensor2D }, { activation });
    return {
      x: () => matMulOp({ a: dPre, b: weight as tf.Tensor2D }, { transposeA: false, transposeB: false })[0],
      weight: () => dWeight,
      bias: () => dBias,
    };
  },
});

/**
 * A dense layer: activation(x weight^T + bias + shift).
 *
 *   x [B, in], weight [out, in], bias [out]  ->  [B, out]
 *
 * `shift` is a constant added to every unit (the decoder's output bias).
 */
export function dense(
  x: tf.Tensor2D,
  weight: tf.Tensor,
  bias: tf.Tensor,
  activation: Activation,
  shift = 0,
): tf.Tensor2D {
  return denseOp({ x, weight: weight as tf.Tensor2D, bias: bias as tf.Tensor1D }, { activation, shift })[0];
}

/**
 * Multi-layer perceptron with ReLU between its layers: `NAME.seq.0`, `NAME.seq.2`, ... as Pyro's example names them.
 *
 *   x [B, in] -> [B, out of the last layer]
 */
export function mlp(
  params: Params,
  name: string,
  x: tf.Tensor2D,
  output: { activation: Activation; shift?: number } = { activation: 'linear' },
): tf.Tensor2D {
  let y = x;
  for (let i = 0; `${name}.seq.${i}.weight` in params; i += 2) {
    const isLast = !(`${name}.seq.${i + 2}.weight` in params);
    const layer = `${name}.seq.${i}`;
    const { activation, shift = 0 } = isLast ? output : { activation: 'relu' as const };
    y = dense(y, params[`${layer}.weight`], params[`${layer}.bias`], activation, shift);
  }
  return y;
}

type LstmInputs = {
  x: tf.Tensor2D;
  h: tf.Tensor2D;
  c: tf.Tensor2D;
  weightIh: tf.Tensor2D;
  weightHh: tf.Tensor2D;
  biasIh: tf.Tensor1D;
  biasHh: tf.Tensor1D;
};

const lstmCellGradOp = defineOp<
  {
    dh: tf.Tensor2D;
    dc: tf.Tensor2D;
    gates: tf.Tensor2D;
    c: tf.Tensor2D;
    cNext: tf.Tensor2D;
    x: tf.Tensor2D;
    h: tf.Tensor2D;
  },
  Record<string, never>,
  [dPre: tf.Tensor2D, dcPrevious: tf.Tensor2D, dWeightIh: tf.Tensor2D, dWeightHh: tf.Tensor2D, dBias: tf.Tensor1D]
>({
  name: 'AirLstmCellGrad',
  composite: ({ dh, dc, gates, c, cNext, x, h }) => {
    const [i, f, g, o] = tf.split(gates, 4, 1);
    const tanhC = tf.tanh(cNext);
    const dcTotal = tf.add(dc, tf.mul(tf.mul(dh, o), tf.sub(1, tf.square(tanhC))));
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
    return [
      dPre,
      tf.mul(dcTotal, f),
      tf.matMul(dPre, x, true, false),
      tf.matMul(dPre, h, true, false),
      tf.sum(dPre, 0),
    ];
  },
});

const lstmCellOp = defineOp<LstmInputs, Record<string, never>, [h: tf.Tensor2D, c: tf.Tensor2D, gates: tf.Tensor2D]>({
  name: 'AirLstmCell',
  composite: ({ x, h, c, weightIh, weightHh, biasIh, biasHh }) => {
    const pre = tf.add(
      tf.add(tf.matMul(x, weightIh, false, true), tf.matMul(h, weightHh, false, true)),
      tf.add(biasIh, biasHh),
    );
    const [preI, preF, preG, preO] = tf.split(pre, 4, 1);
    const [i, f, g, o] = [tf.sigmoid(preI), tf.sigmoid(preF), tf.tanh(preG), tf.sigmoid(preO)];
    const cNext = tf.add(tf.mul(f, c), tf.mul(i, g)) as tf.Tensor2D;
    return [tf.mul(o, tf.tanh(cNext)), cNext, tf.concat([i, f, g, o], 1) as tf.Tensor2D];
  },
  saves: { inputs: ['x', 'h', 'c', 'weightIh', 'weightHh'], outputs: [1, 2] },
  gradient: ([dh, dc], saved) => {
    const [x, h, c, weightIh, weightHh, cNext, gates] = saved as tf.Tensor2D[];
    const [dPre, dcPrevious, dWeightIh, dWeightHh, dBias] = lstmCellGradOp({ dh, dc, gates, c, cNext, x, h }, {});
    const back = (weight: tf.Tensor2D) => matMulOp({ a: dPre, b: weight }, { transposeA: false, transposeB: false })[0];
    return {
      x: () => back(weightIh),
      h: () => back(weightHh),
      c: () => dcPrevious,
      weightIh: () => dWeightIh,
      weightHh: () => dWeightHh,
      biasIh: () => dBias,
      biasHh: () => tf.clone(dBias),
    };
  },
});

/**
 * One step of an LSTM (Hochreiter & Schmidhuber 1997), gates in PyTorch's order i, f, g, o.
 *
 *   x [B, in], h, c [B, H]; params NAME.weight_ih [4H, in], .weight_hh [4H, H], .bias_ih, .bias_hh [4H]
 *   returns the next h, c [B, H]
 */
export function lstmCell(
  params: Params,
  name: string,
  x: tf.Tensor2D,
  state: { h: tf.Tensor2D; c: tf.Tensor2D },
): { h: tf.Tensor2D; c: tf.Tensor2D } {
  const weights = {
    weightIh: params[`${name}.weight_ih`] as tf.Tensor2D,
    weightHh: params[`${name}.weight_hh`] as tf.Tensor2D,
    biasIh: params[`${name}.bias_ih`] as tf.Tensor1D,
    biasHh: params[`${name}.bias_hh`] as tf.Tensor1D,
  };
  const [h, c] = lstmCellOp({ x, h: state.h, c: state.c, ...weights }, {});
  return { h, c };
}
