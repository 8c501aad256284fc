/** Adam (Kingma & Ba 2015) for all weights at once. */
import type * as tf from '@tensorflow/tfjs';
import { now, type Varying } from './compiled.js';
import { defineOp, listed } from './op.js';
import type { TensorOps } from './tensor-ops.js';

/** First and second moments of the gradients, those of all weights one after the other, in the order of the weights. */
export type Moments = { m: tf.Tensor1D; v: tf.Tensor1D };

export type AdamOptions = { beta1: number; beta2: number; epsilon: number };

type AdamAttrs = AdamOptions & {
  rate: Varying<number>;
  correction1: Varying<number>;
  correction2: Varying<number>;
};

/** x in this shape; itself if it has it already, as biases do. */
export function shapedAs(ops: TensorOps, x: tf.Tensor, shape: readonly number[]): tf.Tensor {
  return x.rank === shape.length ? x : ops.reshape(x, shape);
}

/** param0, grad0, param1, grad1, ... -> the moments, then the weights. */
export const adamOp = defineOp<Moments & { [weight: string]: tf.Tensor }, AdamAttrs, tf.Tensor[]>({
  name: 'AirAdam',
  composite: (ops, { m, v, ...weights }, { rate, beta1, beta2, epsilon, correction1, correction2 }) => {
    const params = listed<tf.Tensor>(weights, 'param');
    const grads = listed<tf.Tensor>(weights, 'grad').map((grad) => shapedAs(ops, grad, [grad.size]));
    const grad = ops.concat(grads, 0);
    // not beta moment + (1 - beta) value: as float32, the two shares do not make up one
    const towards = (moment: tf.Tensor, value: tf.Tensor, share: number) =>
      ops.add(moment, ops.mul(ops.sub(value, moment), share));
    const [mNext, vNext] = [towards(m, grad, 1 - beta1), towards(v, ops.square(grad), 1 - beta2)];
    // both corrections in one factor: m / c1 / (sqrt(v / c2) + epsilon) = sqrt(c2) / c1 * m / (sqrt(v) + sqrt(c2) epsilon)
    const root = () => Math.sqrt(now(correction2));
    const least = ops.varying(() => root() * epsilon);
    const factor = ops.varying(() => (now(rate) * root()) / now(correction1));
    const step = ops.mul(ops.div(mNext, ops.add(ops.sqrt(vNext), least)), factor);
    const sizes = params.map(({ size }) => size);
    const parts = ops.split(step, sizes, 0);
    return [mNext, vNext, ...params.map((param, i) => ops.sub(param, shapedAs(ops, parts[i], param.shape)))];
  },
});
