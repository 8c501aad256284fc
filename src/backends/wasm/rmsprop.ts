/** RMSProp for all weights in one pass over the wasm heap, in place where no other tensor holds the numbers. */
import * as tf from '@tensorflow/tfjs';
import { listed } from '../../core/ops/op.js';
import type { WasmKernel } from './heap.js';

export const airRmsprop: WasmKernel = (heap, inputs, attrs) => {
  const moments = [inputs.mean, inputs.square, inputs.move];
  const decay = Number(attrs.decay);
  const factors = [Number(attrs.rate), decay, 1 - decay, Number(attrs.momentum), Number(attrs.epsilon)];
  const momentsNext = moments.map((moment) => heap.successor(moment));
  const grads = listed<tf.TensorInfo>(inputs, 'grad');
  let start = 0; // of this weight in the moments, bytes
  const next = listed<tf.TensorInfo>(inputs, 'param').map((param, i) => {
    const { shape } = param;
    const size = tf.util.sizeFromShape(shape);
    const paramNext = heap.successor(param);
    const inMoments = (all: tf.TensorInfo[]) => all.map((moment) => heap.at(moment, moment.shape) + start);
    const from = [heap.at(param, shape), heap.at(grads[i], shape), ...inMoments(moments)];
    const to = [heap.at(paramNext, shape), ...inMoments(momentsNext)];
    heap.wasm.rmsprop(...from, ...to, size, ...factors);
    start += 4 * size;
    return paramNext;
  });
  return [...momentsNext, ...next];
};
