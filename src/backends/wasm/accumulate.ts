/** Sums of gradients on the wasm heap, in place where no other tensor holds the numbers. */
import * as tf from '@tensorflow/tfjs';
import { listed } from '../../core/ops/op.js';
import type { WasmKernel } from './heap.js';

export const airAccumulate: WasmKernel = (heap, inputs) => {
  const parts = listed<tf.TensorInfo>(inputs, 'part');
  return listed<tf.TensorInfo>(inputs, 'sum').map((sum, i) => {
    const from = [heap.at(sum, sum.shape), heap.at(parts[i], sum.shape)];
    const total = heap.successor(sum);
    heap.wasm.accumulate(...from, heap.at(total, sum.shape), tf.util.sizeFromShape(sum.shape));
    return total;
  });
};
