/** Adam for all weights in one pass over the wasm heap, in place where no other tensor holds the numbers. */
import * as tf from '@tensorflow/tfjs';
import { listed } from '../../core/ops/op.js';
import type { WasmKernel } from './heap.js';

export const airAdam: WasmKernel = (heap, inputs, attrs) => {
  const { m, v } = inputs;
  const [rate, beta1, beta2] = [Number(attrs.rate), Number(attrs.beta1), Number(attrs.beta2)];
  const factors = [rate, beta1, 1 - beta1, beta2, 1 - beta2];
  const rest = [Number(attrs.epsilon), Number(attrs.correction1), Number(attrs.correction2)];
  const moments = [heap.successor(m), heap.successor(v)];
  const grads = listed<tf.TensorInfo>(inputs, 'grad');
  let start = 0; // of this weight in the moments, bytes
  const next = listed<tf.TensorInfo>(inputs, 'param').map((param, i) => {
    const { shape } = param;
    const size = tf.util.sizeFromShape(shape);
    const paramNext = heap.successor(param);
    const from = [
      heap.at(param, shape),
      heap.at(grads[i], shape),
      heap.at(m, m.shape) + start,
      heap.at(v, m.shape) + start,
    ];
    const to = [heap.at(paramNext, shape), ...moments.map((moment) => heap.at(moment, m.shape) + start)];
    heap.wasm.adam(...from, ...to, size, ...factors, ...rest);
    start += 4 * size;
    return paramNext;
  });
  return [...moments, ...next];
};
