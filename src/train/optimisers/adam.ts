/** Adam (Kingma & Ba 2015), bias correction and all, so that it resumes exactly. */
import * as tf from '@tensorflow/tfjs';
import { adamOp } from '../../core/ops/adam.js';
import { numbered } from '../../core/ops/op.js';
import { named } from '../../core/ops/weights.js';
import type { Optimiser } from './optimiser.js';

export const adam: Optimiser = {
  start(weights) {
    const size = Object.values(weights).reduce((sum, { size }) => sum + size, 0);
    return { m: tf.zeros([size]), v: tf.zeros([size]) };
  },

  step({ weights, gradients }, moments, { step, rate }, { adamBeta1: beta1, adamBeta2: beta2, adamEpsilon: epsilon }) {
    const attrs = { rate, beta1, beta2, epsilon, correction1: 1 - beta1 ** step, correction2: 1 - beta2 ** step };
    const names = Object.keys(weights);
    const grads = names.map((name) => gradients[name]);
    const inputs = { ...moments, ...numbered('param', Object.values(weights)), ...numbered('grad', grads) };
    const [m, v, ...next] = adamOp(inputs, attrs);
    tf.dispose(Object.values(inputs));
    return { weights: named(names, next), moments: { m: m as tf.Tensor1D, v: v as tf.Tensor1D } };
  },
};
