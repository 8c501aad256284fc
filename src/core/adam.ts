/** Adam (Kingma & Ba 2015), bias correction and all, so that it resumes exactly. */
import * as tf from '@tensorflow/tfjs';
import { defineOp, listed, numbered } from './kernel.js';

export type NamedTensors = { [name: string]: tf.Tensor };

/** First and second moments of the gradients, those of all weights one after the other, in the order of the weights. */
export type Moments = { m: tf.Tensor1D; v: tf.Tensor1D };

export type AdamOptions = { beta1: number; beta2: number; epsilon: number };

type AdamAttrs = AdamOptions & { rate: number; correction1: number; correction2: number };

/** Tensors one after the other, as one. */
function flatten(tensors: readonly tf.Tensor[]): tf.Tensor1D {
  return tf.concat(tensors.map((tensor) => tf.reshape(tensor, [tensor.size]) as tf.Tensor1D));
}

/** param0, grad0, param1, grad1, ... -> the moments, then the weights. */
const adamOp = defineOp<Moments & { [weight: string]: tf.Tensor }, AdamAttrs, tf.Tensor[]>({
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

/** sum0, part0, sum1, part1, ... */
const accumulateOp = defineOp<NamedTensors, Record<string, never>, tf.Tensor[]>({
  name: 'AirAccumulate',
  composite: (inputs) => {
    const parts = listed<tf.Tensor>(inputs, 'part');
    return listed<tf.Tensor>(inputs, 'sum').map((sum, i) => tf.add(sum, parts[i]));
  },
});

/** Moments before the first step: zeros. Caller disposes. */
export function initialMoments(params: NamedTensors): Moments {
  const size = Object.values(params).reduce((sum, param) => sum + param.size, 0);
  return { m: tf.zeros([size]), v: tf.zeros([size]) };
}

function named(names: readonly string[], tensors: readonly tf.Tensor[]): NamedTensors {
  return Object.fromEntries(names.map((name, i) => [name, tensors[i]]));
}

/**
 * One step. Consumes the weights, gradients and moments it is given: they are disposed, or live on as the result.
 *
 * @param step counted from 1
 */
export function adamStep(
  params: NamedTensors,
  gradients: NamedTensors,
  moments: Moments,
  step: number,
  rate: number,
  { beta1, beta2, epsilon }: AdamOptions,
): { params: NamedTensors; moments: Moments } {
  const attrs = { rate, beta1, beta2, epsilon, correction1: 1 - beta1 ** step, correction2: 1 - beta2 ** step };
  const names = Object.keys(params);
  const weights = numbered('param', Object.values(params));
  const inputs = {
    ...moments,
    ...weights,
    ...numbered(
      'grad',
      names.map((name) => gradients[name]),
    ),
  };
  const [m, v, ...next] = adamOp(inputs, attrs);
  tf.dispose(Object.values(inputs));
  return { params: named(names, next), moments: { m: m as tf.Tensor1D, v: v as tf.Tensor1D } };
}

/** Adds `part` to `sum`, name by name, and consumes both. An undefined sum is nothing yet. */
export function accumulate(sum: NamedTensors | undefined, part: NamedTensors): NamedTensors {
  if (sum === undefined) return part;
  const names = Object.keys(part);
  const sums = names.map((name) => sum[name]);
  const inputs = { ...numbered('sum', sums), ...numbered('part', Object.values(part)) };
  const totals = accumulateOp(inputs, {});
  tf.dispose(Object.values(inputs));
  return named(names, totals);
}
