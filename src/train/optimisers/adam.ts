/** Adam (Kingma & Ba 2015), bias correction and all, so that it resumes exactly. */
import * as tf from '@tensorflow/tfjs';
import { type AdamOptions, adamOp, type Moments } from '../../core/ops/adam.js';
import { numbered } from '../../core/ops/op.js';
import { type NamedTensors, named } from '../../core/ops/weights.js';

/** Moments before the first step: zeros. Caller disposes. */
export function initialMoments(params: NamedTensors): Moments {
  const size = Object.values(params).reduce((sum, param) => sum + param.size, 0);
  return { m: tf.zeros([size]), v: tf.zeros([size]) };
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
