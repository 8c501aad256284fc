/** Matrix products and dense layers on the wasm heap. */
import type { TensorInfo } from '@tensorflow/tfjs';
import type { Heap, WasmKernel } from './heap.js';

/** As numbered in kernels/dense.ts. */
const ACTIVATIONS: readonly unknown[] = ['linear', 'relu', 'sigmoid'];

function product(heap: Heap, a: TensorInfo, b: TensorInfo, transposeA: boolean, transposeB: boolean): TensorInfo {
  const [m, k] = transposeA ? [a.shape[1], a.shape[0]] : a.shape;
  const n = transposeB ? b.shape[0] : b.shape[1];
  const aAt = heap.at(a, transposeA ? [k, m] : [m, k]);
  const bAt = heap.at(b, transposeB ? [n, k] : [k, n]);
  const out = heap.output(m, n);
  const scratch = heap.scratch(heap.wasm.gemmScratchBytes(m, n, k, transposeA));
  heap.wasm.gemm(aAt, bAt, heap.at(out, [m, n]), m, n, k, transposeA, transposeB, scratch);
  return out;
}

export const airMatMul: WasmKernel = (heap, { a, b }, { transposeA, transposeB }) =>
  product(heap, a, b, transposeA === true, transposeB === true);

export const airDense: WasmKernel = (heap, { x, weight, bias }, { activation, shift }) => {
  const [batch, inputs] = x.shape;
  const outputs = bias.shape[0];
  const [xAt, weightAt] = [heap.at(x, [batch, inputs]), heap.at(weight, [outputs, inputs])];
  const biasAt = heap.at(bias, [outputs]);
  const y = heap.output(batch, outputs);
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
  const dPre = code === 0 ? heap.share(dy) : heap.output(batch, outputs);
  const dPreAt = heap.at(dPre, [batch, outputs]);
  if (code !== 0) heap.wasm.activationGrad(dyAt, yAt, dPreAt, batch * outputs, code);
  const dWeight = heap.output(outputs, inputs);
  const dBias = heap.output(outputs);
  const dWeightAt = heap.at(dWeight, [outputs, inputs]);
  const scratch = heap.scratch(heap.wasm.weightGradScratchBytes(batch, inputs, outputs));
  heap.wasm.weightGrads(dPreAt, batch, outputs, xAt, inputs, dWeightAt, 0, 0, 0, scratch);
  heap.wasm.columnSums(dPreAt, heap.at(dBias, [outputs]), batch, outputs);
  return [dPre, dWeight, dBias];
};
