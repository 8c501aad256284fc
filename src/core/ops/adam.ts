/** Adam (Kingma & Ba 2015) for all weights at once. */
import * as tf from '@tensorflow/tfjs';
import { defineOp, listed } from './op.js';

/** First and second moments of the gradients, those of all weights one after the other, in the order of the weights. */
export type Moments = { m: tf.Tensor1D; v: tf.Tensor1D };

export type AdamOptions = { beta1: number; beta2: number; epsilon: number };

type AdamAttrs = AdamOptions & { rate: number; correction1: number; correction2: number };

/** Tensors one after the other, as one. */
function flatten(tensors: readonly tf.Tensor[]): tf.Tensor1D {
  return tf.concat(tensors.map((tensor) => tf.reshape(tensor, [tensor.size]) as tf.Tensor1D));
}

/** param0, grad0, param1, grad1, ... -> the moments, then the weights. */
export const adamOp = defineOp<Moments & { [weight: string]: tf.Tensor }, AdamAttrs, tf.Tensor[]>({
  name: 'AirAdam',
  composite: ({ m, v, ...weights }, { rate, beta1, beta2, epsilon, correction1, correction2 }) => {
    const params = listed<tf.Tensor>(weights, 'param');
    const grad = flatten(listed<tf.Tensor>(weights, 'grad'));
    const mNext = tf.add(tf.mul(m, beta1), tf.mul(grad, 1 - beta1));
    const vNext = tf.add(tf.mul(v, beta2), tf.mul(tf.square(grad), 1 - beta2));
    // both corrections in one factor: m / c1 / (sqrt(v / c2) + epsilon) = sqrt(c2) / c1 * m / (sqrt(v) + sqrt(c2) epsilon)
    const root = Math.sqrt(correction2);
    const direction = tf.div(mNext, tf.add(tf.sqrt(vNext), root * epsilon));
    const step = tf.mul(direction, (rate * root) / correction1);
    const sizes = params.map(({ size }) => size);
    const next = tf.split(step, sizes).map((part, i) => tf.sub(params[i], tf.reshape(part, params[i].shape)));
    return [mNext, vNext, ...next];
  },
});
