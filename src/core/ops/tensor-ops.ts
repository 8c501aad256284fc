/**
 * The few tensor ops that composites are written over, so that each op of AIR is told once. tfjs offers them everywhere. A
 * backend on top of a library with ops of its own may offer the same straight from there, for less overhead an op.
 */
import * as tf from '@tensorflow/tfjs';
import { now, type Varying } from './compiled.js';

/** A tensor, or a number that stands for a scalar. */
export type Operand = tf.Tensor | number;

/** Ops on float32. Results are new tensors unless said otherwise; the surrounding `tidy` disposes those that it does not return. */
export type TensorOps = {
  /** A scalar, or a vector, of numbers that may be others at each call of what is compiled (see compiled.ts). */
  varying(value: Varying<number> | Varying<readonly number[]>): tf.Tensor;

  /** Number by number; the shapes are broadcast. */
  add(a: Operand, b: Operand): tf.Tensor;
  sub(a: Operand, b: Operand): tf.Tensor;
  mul(a: Operand, b: Operand): tf.Tensor;
  div(a: Operand, b: Operand): tf.Tensor;
  /** (a - b)^2 */
  squaredDifference(a: Operand, b: Operand): tf.Tensor;
  maximum(a: Operand, b: Operand): tf.Tensor;
  /** `a` where x < limit, `b` elsewhere: what the other one is there, even NaN, does not matter. */
  whereLess(x: Operand, limit: Operand, a: Operand, b: Operand): tf.Tensor;

  neg(x: tf.Tensor): tf.Tensor;
  square(x: tf.Tensor): tf.Tensor;
  sqrt(x: tf.Tensor): tf.Tensor;
  exp(x: tf.Tensor): tf.Tensor;
  log(x: tf.Tensor): tf.Tensor;
  /** log(1 + e^x), which keeps its digits for negative x. */
  softplus(x: tf.Tensor): tf.Tensor;
  sigmoid(x: tf.Tensor): tf.Tensor;
  tanh(x: tf.Tensor): tf.Tensor;
  relu(x: tf.Tensor): tf.Tensor;
  /** Gradient by the input, from that by the output and the output itself. */
  sigmoidGrad(dy: tf.Tensor, y: tf.Tensor): tf.Tensor;
  tanhGrad(dy: tf.Tensor, y: tf.Tensor): tf.Tensor;
  reluGrad(dy: tf.Tensor, y: tf.Tensor): tf.Tensor;

  /** x [B, D] + bias [D] */
  addBias(x: tf.Tensor, bias: tf.Tensor): tf.Tensor;
  /** [B, D] -> [D]: its gradient, which sums over the rows. */
  biasGrad(dy: tf.Tensor): tf.Tensor;
  /** Sum of one or more of the same shape; of one: that tensor itself. */
  addAll(tensors: readonly tf.Tensor[]): tf.Tensor;
  /** Sum along one axis. */
  sum(x: tf.Tensor, axis: number, keepDims?: boolean): tf.Tensor;
  /** op(a) op(b) of matrices, [m, k] times [k, n] once transposed. */
  matMul(a: tf.Tensor, b: tf.Tensor, transposeA?: boolean, transposeB?: boolean): tf.Tensor;

  reshape(x: tf.Tensor, shape: readonly number[]): tf.Tensor;
  /** One or more, one after the other along an axis. */
  concat(tensors: readonly tf.Tensor[], axis: number): tf.Tensor;
  /** Parts of the given sizes, which make up the axis. */
  split(x: tf.Tensor, sizes: readonly number[], axis: number): tf.Tensor[];
};

/** Numbers as a tensor of float32. */
export function tensorOf(value: number | readonly number[]): tf.Tensor {
  return typeof value === 'number' ? tf.scalar(value) : tf.tensor1d([...value]);
}

/** In ops of tfjs, which run on every backend. */
export const tfjsOps: TensorOps = {
  varying: (value) => tensorOf(now<number | readonly number[]>(value)),
  add: (a, b) => tf.add(a, b),
  sub: (a, b) => tf.sub(a, b),
  mul: (a, b) => tf.mul(a, b),
  div: (a, b) => tf.div(a, b),
  squaredDifference: (a, b) => tf.squaredDifference(a, b),
  maximum: (a, b) => tf.maximum(a, b),
  whereLess: (x, limit, a, b) => tf.where(tf.less(x, limit), a, b),
  neg: (x) => tf.neg(x),
  square: (x) => tf.square(x),
  sqrt: (x) => tf.sqrt(x),
  exp: (x) => tf.exp(x),
  log: (x) => tf.log(x),
  softplus: (x) => tf.softplus(x),
  sigmoid: (x) => tf.sigmoid(x),
  tanh: (x) => tf.tanh(x),
  relu: (x) => tf.relu(x),
  sigmoidGrad: (dy, y) => tf.mul(dy, tf.mul(y, tf.sub(1, y))),
  tanhGrad: (dy, y) => tf.mul(dy, tf.sub(1, tf.square(y))),
  reluGrad: (dy, y) => tf.mul(dy, tf.step(y)),
  addBias: (x, bias) => tf.add(x, bias),
  biasGrad: (dy) => tf.sum(dy, 0),
  addAll: (tensors) => (tensors.length === 1 ? tensors[0] : tf.addN([...tensors])),
  sum: (x, axis, keepDims = false) => tf.sum(x, axis, keepDims),
  matMul: (a, b, transposeA = false, transposeB = false) => tf.matMul(a, b, transposeA, transposeB),
  reshape: (x, shape) => tf.reshape(x, [...shape]),
  concat: (tensors, axis) => tf.concat([...tensors], axis),
  split: (x, sizes, axis) => tf.split(x, [...sizes], axis),
};

const ofBackends = new Map<string, TensorOps>();

/** From now on composites run over these on the backend of this name. */
export function useTensorOps(backendName: string, ops: TensorOps): void {
  ofBackends.set(backendName, ops);
}

/** Those of the running backend: its own if it has any. */
export function tensorOps(): TensorOps {
  return ofBackends.get(tf.getBackend()) ?? tfjsOps;
}
