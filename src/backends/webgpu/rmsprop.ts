/** RMSProp for all weights in WGSL. */
import type * as tf from '@tensorflow/tfjs';
import { listed } from '../../core/ops/op.js';
import type { WebgpuKernel } from './gpu.js';
import { overLists } from './weights.js';

/** Buffers of its shader, more than every device has: three moments, twice, and a weight, before and after, with its gradient. */
export const RMSPROP_BUFFERS = 9;

export const airRmsprop: WebgpuKernel = (gpu, inputs, attrs) => {
  const { mean, square, move } = inputs;
  const [params, grads] = [listed<tf.TensorInfo>(inputs, 'param'), listed<tf.TensorInfo>(inputs, 'grad')];
  const [meanNext, squareNext, moveNext] = [mean, square, move].map(({ shape }) => gpu.make(shape));
  const next = params.map(({ shape }) => gpu.make(shape));
  overLists(gpu, {
    reads: { param: params, grad: grads },
    writes: { next },
    joined: { reads: { mean, square, last: move }, writes: { meanNext, squareNext, moveNext } }, // move is a word of WGSL's
    numbers: {
      ...{ share: 1 - Number(attrs.decay), rate: Number(attrs.rate) },
      ...{ momentum: Number(attrs.momentum), epsilon: Number(attrs.epsilon) },
    },
    body: (k) => `
      let g = grad${k}[i];
      let average = mean[at] + (g - mean[at]) * uniforms.share;
      let second = square[at] + (g * g - square[at]) * uniforms.share;
      let variance = second - average * average;
      let held = select(variance, 0.0, variance < 0.0);
      let step = last[at] * uniforms.momentum + g * uniforms.rate / sqrt(held + uniforms.epsilon);
      meanNext[at] = average;
      squareNext[at] = second;
      moveNext[at] = step;
      next${k}[i] = param${k}[i] - step;`,
  });
  return [meanNext, squareNext, moveNext, ...next];
};
