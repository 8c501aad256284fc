/** Steps of optimisers in one pass over the wasm heap, weight by weight, in place where no other tensor holds the numbers. */
import * as tf from '@tensorflow/tfjs';
import { listed } from '../../core/ops/op.js';
import type { Heap, Inputs } from './heap.js';

/**
 * Moves every weight with a kernel, which is given where the weight, its gradient and its part of each moment lie, then where the
 * next weight and moments go, then how many numbers it is.
 *
 * @param moments what the optimiser remembers, each of all weights one after the other
 * @returns the next moments, then the next weights
 */
export function moveWeights(
  heap: Heap,
  inputs: Inputs,
  moments: readonly tf.TensorInfo[],
  kernel: (...at: number[]) => void,
): tf.TensorInfo[] {
  const momentsNext = moments.map((moment) => heap.successor(moment));
  const grads = listed<tf.TensorInfo>(inputs, 'grad');
  let start = 0; // of this weight in the moments, bytes
  const next = listed<tf.TensorInfo>(inputs, 'param').map((param, i) => {
    const { shape } = param;
    const size = tf.util.sizeFromShape(shape);
    const paramNext = heap.successor(param);
    const inMoments = (all: readonly tf.TensorInfo[]) => all.map((moment) => heap.at(moment, moment.shape) + start);
    const from = [heap.at(param, shape), heap.at(grads[i], shape), ...inMoments(moments)];
    const to = [heap.at(paramNext, shape), ...inMoments(momentsNext)];
    kernel(...from, ...to, size);
    start += 4 * size;
    return paramNext;
  });
  return [...momentsNext, ...next];
}
