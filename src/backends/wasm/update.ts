/** Updates in one pass over the wasm heap, in place where no other tensor holds the numbers. */
import * as tf from '@tensorflow/tfjs';
import type { WasmKernel } from './heap.js';

export const airAdam: WasmKernel = (heap, { param, grad, m, v }, attrs) => {
  const { shape } = param;
  const from = [heap.at(param, shape), heap.at(grad, shape), heap.at(m, shape), heap.at(v, shape)];
  const next = [heap.successor(param), heap.successor(m), heap.successor(v)];
  const to = next.map((tensor) => heap.at(tensor, shape));
  const [rate, beta1, beta2] = [Number(attrs.rate), Number(attrs.beta1), Number(attrs.beta2)];
  const factors = [rate, beta1, 1 - beta1, beta2, 1 - beta2];
  const rest = [Number(attrs.epsilon), Number(attrs.correction1), Number(attrs.correction2)];
  heap.wasm.adam(...from, ...to, tf.util.sizeFromShape(shape), ...factors, ...rest);
  return next;
};

export const airAccumulate: WasmKernel = (heap, { sum, part }) => {
  const from = [heap.at(sum, sum.shape), heap.at(part, sum.shape)];
  const total = heap.successor(sum);
  heap.wasm.accumulate(...from, heap.at(total, sum.shape), tf.util.sizeFromShape(sum.shape));
  return total;
};
