/** Adam for all weights in WGSL. */
import type * as tf from '@tensorflow/tfjs';
import { listed } from '../../core/ops/op.js';
import type { WebgpuKernel } from './gpu.js';
import { overLists } from './weights.js';

export const airAdam: WebgpuKernel = (gpu, inputs, attrs) => {
  const { m, v } = inputs;
  const [params, grads] = [listed<tf.TensorInfo>(inputs, 'param'), listed<tf.TensorInfo>(inputs, 'grad')];
  const [mNext, vNext] = [gpu.make(m.shape), gpu.make(v.shape)];
  const next = params.map(({ shape }) => gpu.make(shape));
  const [rate, epsilon] = [Number(attrs.rate), Number(attrs.epsilon)];
  // both corrections in one factor, as in core/ops/adam.ts
  const root = Math.sqrt(Number(attrs.correction2));
  overLists(gpu, {
    reads: { param: params, grad: grads },
    writes: { next },
    joined: { reads: { m, v }, writes: { mNext, vNext } },
    numbers: {
      ...{ share1: 1 - Number(attrs.beta1), share2: 1 - Number(attrs.beta2) },
      ...{ epsilon: root * epsilon, pace: (rate * root) / Number(attrs.correction1) },
    },
    body: (k) => `
      let g = grad${k}[i];
      let first = m[at] + (g - m[at]) * uniforms.share1;
      let second = v[at] + (g * g - v[at]) * uniforms.share2;
      mNext[at] = first;
      vNext[at] = second;
      next${k}[i] = param${k}[i] - first / (sqrt(second) + uniforms.epsilon) * uniforms.pace;`,
  });
  return [mNext, vNext, ...next];
};
