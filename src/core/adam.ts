/** Adam (Kingma & Ba 2015) with moments named like the weights, so that it resumes exactly. */
import * as tf from '@tensorflow/tfjs';
import { defineOp } from './kernel.js';

type AdamAttrs = {
  rate: number;
  beta1: number;
  beta2: number;
  epsilon: number;
  correction1: number;
  correction2: number;
};

const adamOp = defineOp<
  { param: tf.Tensor; grad: tf.Tensor; m: tf.Tensor; v: tf.Tensor },
  AdamAttrs,
  [param: tf.Tensor, m: tf.Tensor, v: tf.Tensor]
>({
  name: 'AirAdam',
  composite: ({ param, grad, m, v }, { rate, beta1, beta2, epsilon, correction1, correction2 }) => {
    const mNext = tf.add(tf.mul(m, beta1), tf.mul(grad, 1 - beta1));
    const vNext = tf.add(tf.mul(v, beta2), tf.mul(tf.square(grad), 1 - beta2));
    const step = tf.div(tf.div(mNext, correction1), tf.add(tf.sqrt(tf.div(vNext, correction2)), epsilon));
    return [tf.sub(param, tf.mul(step, rate)), mNext, vNext];
  },
});

const accumulateOp = defineOp<{ sum: tf.Tensor; part: tf.Tensor }, Record<string, never>, [tf.Tensor]>({
  name: 'AirAccumulate',
  composite: ({ sum, part }) => [tf.add(sum, part)],
});

export type NamedTensors = { [name: string]: tf.Tensor };

/** First and second moments of the gradients, by weight name. */
export type Moments = { m: NamedTensors; v: NamedTensors };

export type AdamOptions = { beta1: number; beta2: number; epsilon: number };

/** Moments before the first step: zeros. Caller disposes. */
export function initialMoments(params: NamedTensors): Moments {
  const zeros = () => Object.fromEntries(Object.entries(params).map(([name, value]) => [name, tf.zerosLike(value)]));
  return { m: zeros(), v: zeros() };
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
  const next = { params: {} as NamedTensors, moments: { m: {}, v: {} } as Moments };
  for (const [name, param] of Object.entries(params)) {
    const inputs = { param, grad: gradients[name], m: moments.m[name], v: moments.v[name] };
    [next.params[name], next.moments.m[name], next.moments.v[name]] = adamOp(inputs, attrs);
    tf.dispose(Object.values(inputs));
  }
  return next;
}

/** Adds `part` to `sum`, name by name, and consumes both. An undefined sum is nothing yet. */
export function accumulate(sum: NamedTensors | undefined, part: NamedTensors): NamedTensors {
  if (sum === undefined) return part;
  return Object.fromEntries(
    Object.keys(part).map((name) => {
      const inputs = { sum: sum[name], part: part[name] };
      const [total] = accumulateOp(inputs, {});
      tf.dispose(Object.values(inputs));
      return [name, total];
    }),
  );
}
