/** Matrix products and perceptrons on the wasm heap. */
import * as tf from '@tensorflow/tfjs';
import { listed } from '../../core/ops/op.js';
import { AirError } from '../../errors.js';
import type { Heap, WasmKernel } from './heap.js';

/** As numbered in kernels/linear.ts. */
const ACTIVATIONS: readonly unknown[] = ['linear', 'relu', 'sigmoid', 'elu', 'softplus'];

/** Whether the kernels of perceptrons know the activations of their layers. */
export function hasActivations({ hidden, output }: tf.NamedAttrMap): boolean {
  return ACTIVATIONS.includes(hidden) && ACTIVATIONS.includes(output);
}

type Matrices = { a: tf.TensorInfo; b: tf.TensorInfo };
type Transposes = { transposeA: boolean; transposeB: boolean };

/** op(a) op(b) for each pair of matrices of two stacks; a stack of one meets all of the other. */
function products(heap: Heap, { a, b }: Matrices, { transposeA, transposeB }: Transposes): tf.TensorInfo {
  const [outerA, outerB] = [a.shape.slice(0, -2), b.shape.slice(0, -2)];
  const [aRows, aColumns] = a.shape.slice(-2);
  const [bRows, bColumns] = b.shape.slice(-2);
  const [m, k] = transposeA ? [aColumns, aRows] : [aRows, aColumns];
  const n = transposeB ? bRows : bColumns;
  const [countA, countB] = [tf.util.sizeFromShape(outerA), tf.util.sizeFromShape(outerB)];
  const outer = tf.broadcast_util.assertAndGetBroadcastShape(outerA, outerB);
  const count = tf.util.sizeFromShape(outer);
  const isPlain = [countA, countB].every((each) => each === count || each === 1);
  if (!isPlain) throw new AirError('bug', `wasm kernel: cannot multiply stacks [${a.shape}] and [${b.shape}]`);
  const aAt = heap.at(a, a.shape);
  const bAt = heap.at(b, [...outerB, ...(transposeB ? [n, k] : [k, n])]);
  const out = heap.output([...outer, m, n]);
  const outAt = heap.at(out, out.shape);
  const scratch = heap.scratch(heap.wasm.gemmScratchBytes(m, n, k, transposeA));
  for (let i = 0; i < count; i++) {
    const aOffset = aAt + (countA === 1 ? 0 : 4 * i * m * k);
    const bOffset = bAt + (countB === 1 ? 0 : 4 * i * k * n);
    heap.wasm.gemm(aOffset, bOffset, outAt + 4 * i * m * n, m, n, k, transposeA, transposeB, scratch);
  }
  return out;
}

/** Matrix product, plain or of stacks, in all layouts. */
export const matMul: WasmKernel = (heap, { a, b }, { transposeA, transposeB }) =>
  products(heap, { a, b }, { transposeA: transposeA === true, transposeB: transposeB === true });

/** [B, any] of a tensor of any rank. */
function rowsOf(tensor: tf.TensorInfo): [batch: number, width: number] {
  const [batch, ...rest] = tensor.shape;
  return [batch, tf.util.sizeFromShape(rest)];
}

export const airMlp: WasmKernel = (heap, inputs, { hidden, output, shift }) => {
  const [weights, biases] = [listed<tf.TensorInfo>(inputs, 'weight'), listed<tf.TensorInfo>(inputs, 'bias')];
  const batch = inputs.x.shape[0];
  let x = inputs.x;
  return weights.map((weight, i) => {
    const [, width] = rowsOf(x);
    const outputs = biases[i].shape[0];
    const [xAt, weightAt] = [heap.at(x, x.shape), heap.at(weight, [outputs, width])];
    const biasAt = heap.at(biases[i], [outputs]);
    const y = heap.output([batch, outputs]);
    const scratch = heap.scratch(heap.wasm.denseScratchBytes(batch, width, outputs));
    const isLast = i === weights.length - 1;
    const [code, added] = isLast ? [ACTIVATIONS.indexOf(output), Number(shift)] : [ACTIVATIONS.indexOf(hidden), 0];
    heap.wasm.dense(xAt, weightAt, biasAt, heap.at(y, [batch, outputs]), batch, width, outputs, code, added, scratch);
    x = y;
    return y;
  });
};

/** a b, into `out`; b as it is stored. */
export function multiply(
  heap: Heap,
  { a, b, out }: { a: number; b: number; out: number },
  [m, k, n]: [number, number, number],
): void {
  heap.wasm.gemm(a, b, out, m, n, k, false, false, heap.scratch(heap.wasm.gemmScratchBytes(m, n, k, false)));
}

export const airMlpGrad: WasmKernel = (heap, inputs, { hidden, output, wantsDx }) => {
  const [ys, weights] = [listed<tf.TensorInfo>(inputs, 'y'), listed<tf.TensorInfo>(inputs, 'weight')];
  const batch = inputs.dy.shape[0];
  const dPres: tf.TensorInfo[] = new Array(ys.length);
  let d = inputs.dy;
  let isOurs = false; // what we are given stays as it is; what we have made is written over
  for (let i = ys.length - 1; i >= 0; i--) {
    const [outputs, width] = weights[i].shape;
    const code = ACTIVATIONS.indexOf(i === ys.length - 1 ? output : hidden);
    dPres[i] = isOurs ? d : code === 0 ? heap.share(d) : heap.output([batch, outputs]);
    const [dAt, dPreAt] = [heap.at(d, [batch, outputs]), heap.at(dPres[i], [batch, outputs])];
    if (code !== 0) heap.wasm.activationGrad(dAt, heap.at(ys[i], [batch, outputs]), dPreAt, batch * outputs, code);
    if (i === 0 && wantsDx !== true) return dPres;
    d = heap.output([batch, width]);
    isOurs = true;
    const at = { a: dPreAt, b: heap.at(weights[i], [outputs, width]), out: heap.at(d, [batch, width]) };
    multiply(heap, at, [batch, outputs, width]);
  }
  return [...dPres, d];
};

export const airLinearGrad: WasmKernel = (heap, inputs) => {
  const [ds, xs] = [listed<tf.TensorInfo>(inputs, 'd'), listed<tf.TensorInfo>(inputs, 'x')];
  const [batch, outputs] = ds[0].shape;
  const [, width] = rowsOf(xs[0]);
  const rows = ds.length * batch;
  const [dWeight, dBias] = [heap.output([outputs, width]), heap.output([outputs])];
  const [packed, product] = [
    heap.wasm.packedBytes(outputs, rows),
    heap.wasm.gemmScratchBytes(outputs, width, rows, false),
  ];
  const scratch = heap.scratch(packed + product + 4 * rows * width);
  const joined = scratch + packed + product;
  const biasAt = heap.at(dBias, [outputs]);
  ds.forEach((d, t) => {
    const [dAt, xAt] = [heap.at(d, [batch, outputs]), heap.at(xs[t], xs[0].shape)];
    heap.wasm.packRows(dAt, scratch, outputs, batch, t * batch, rows);
    heap.wasm.copyRows(xAt, 0, joined + 4 * t * batch * width, 0, 1, 4 * batch * width);
    heap.wasm.columnSums(dAt, biasAt, batch, outputs, t === 0);
  });
  heap.wasm.gemmOfPacked(scratch, joined, heap.at(dWeight, dWeight.shape), outputs, width, rows, scratch + packed);
  return [dWeight, dBias];
};
