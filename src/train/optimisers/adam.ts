/** Adam (Kingma & Ba 2015), bias correction and all, so that it resumes exactly. */
import * as tf from '@tensorflow/tfjs';
import { adamOp, type Moments } from '../../core/ops/adam.js';
import { compiled, type VaryingNumbers } from '../../core/ops/compiled.js';
import { type NamedTensors, named } from '../../core/ops/weights.js';
import type { TrainConfig } from '../config.js';
import { type Optimiser, opInputs, sizeOf } from './optimiser.js';

/** What a step makes of the inputs of the op. */
const moved = compiled(
  (
    { adamBeta1: beta1, adamBeta2: beta2, adamEpsilon: epsilon }: TrainConfig,
    inputs: Moments & NamedTensors,
    pace: VaryingNumbers<{ rate: number; correction1: number; correction2: number }>,
  ) => adamOp(inputs, { beta1, beta2, epsilon, ...pace }),
);

export const adam: Optimiser = {
  moments: ['m', 'v'],

  start(weights) {
    const size = sizeOf(weights);
    return { m: tf.zeros([size]), v: tf.zeros([size]) };
  },

  step(given, before, { step, rate }, settings) {
    const { adamBeta1: beta1, adamBeta2: beta2 } = settings;
    const inputs = { m: before.m, v: before.v, ...opInputs(given) };
    const pace = { rate, correction1: 1 - beta1 ** step, correction2: 1 - beta2 ** step };
    const [m, v, ...next] = moved(settings, inputs, pace) as [tf.Tensor1D, tf.Tensor1D, ...tf.Tensor[]];
    tf.dispose(Object.values(inputs));
    return { weights: named(Object.keys(given.weights), next), moments: { m, v } };
  },
};
