/** Matrix products and dense layers on the wasm heap. */
import * as tf from '@tensorflow/tfjs';
import { AirError } from '../../errors.js';
import type { Heap, WasmKernel } from './heap.js';

/** As numbered in kernels/dense.ts. */
const ACTIVATIONS: readonly unknown[] = ['linear', 'relu', 'sigmoid'];

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

export const airDense: WasmKernel = (heap, { x, weight, bias }, { activation, shift }) => {
  const [batch, inputs] = x.shape;
  const outputs = bias.shape[0];
  const [xAt, weightAt] = [heap.at(x, [batch, inputs]), heap.at(weight, [outputs, inputs])];
  const biasAt = heap.at(bias, [outputs]);
  const y = heap.output([batch, outputs]);
  const yAt = heap.at(y, [batch, outputs]);
  const scratch = heap.scratch(heap.wasm.denseScratchBytes(batch, inputs, outputs));
  const code = ACTIVATIONS.indexOf(activation);
  heap.wasm.dense(xAt, weightAt, biasAt, yAt, batch, inputs, outputs, code, Number(shift), scratch);
  return y;
};

export const airDenseGrad: WasmKernel = (heap, { dy, y, x }, { activation }) => {
  const [batch, outputs] = dy.shape;
  const inputs = x.shape[1];
  const [dyAt, yAt] = [heap.at(dy, [batch, outputs]), heap.at(y, [batch, outputs])];
  const xAt = heap.at(x, [batch, inputs]);
  const code = ACTIVATIONS.indexOf(activation);
  const dPre = code === 0 ? heap.share(dy) : heap.output([batch, outputs]);
  const dPreAt = heap.at(dPre, [batch, outputs]);
  if (code !== 0) heap.wasm.activationGrad(dyAt, yAt, dPreAt, batch * outputs, code);
  const dWeight = heap.output([outputs, inputs]);
  const dBias = heap.output([outputs]);
  const dWeightAt = heap.at(dWeight, [outputs, inputs]);
  const scratch = heap.scratch(heap.wasm.weightGradScratchBytes(batch, inputs, outputs));
  heap.wasm.weightGrads(dPreAt, batch, outputs, xAt, inputs, dWeightAt, 0, 0, 0, scratch);
  heap.wasm.columnSums(dPreAt, heap.at(dBias, [outputs]), batch, outputs);
  return [dPre, dWeight, dBias];
};
