/** Sums of gradients in WGSL. */
import type * as tf from '@tensorflow/tfjs';
import { listed } from '../../core/ops/op.js';
import type { WebgpuKernel } from './gpu.js';
import { overLists } from './weights.js';

export const airAccumulate: WebgpuKernel = (gpu, inputs) => {
  const sums = listed<tf.TensorInfo>(inputs, 'sum');
  const totals = sums.map(({ shape }) => gpu.make(shape));
  overLists(gpu, {
    reads: { sum: sums, part: listed<tf.TensorInfo>(inputs, 'part') },
    writes: { total: totals },
    body: (k) => `total${k}[i] = sum${k}[i] + part${k}[i];`,
  });
  return totals;
};
