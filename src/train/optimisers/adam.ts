/** Adam (Kingma & Ba 2015), bias correction and all, so that it resumes exactly. */
import * as tf from '@tensorflow/tfjs';
import { adamOp } from '../../core/ops/adam.js';
import { named } from '../../core/ops/weights.js';
import { type Optimiser, opInputs, sizeOf } from './optimiser.js';

export const adam: Optimiser = {
  moments: ['m', 'v'],

  start(weights) {
    const size = sizeOf(weights);
    return { m: tf.zeros([size]), v: tf.zeros([size]) };
  },

  step(given, before, { step, rate }, { adamBeta1: beta1, adamBeta2: beta2, adamEpsilon: epsilon }) {
    const attrs = { rate, beta1, beta2, epsilon, correction1: 1 - beta1 ** step, correction2: 1 - beta2 ** step };
    const inputs = { m: before.m, v: before.v, ...opInputs(given) };
    const [m, v, ...next] = adamOp(inputs, attrs) as [tf.Tensor1D, tf.Tensor1D];
    tf.dispose(Object.values(inputs));
    return { weights: named(Object.keys(given.weights), next), moments: { m, v } };
  },
};
