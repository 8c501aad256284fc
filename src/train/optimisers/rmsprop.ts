/** Centred RMSProp with momentum, as TensorFlow 1 has it, mean squares begin at 1: the optimiser of akosiorek's AIR. */
import * as tf from '@tensorflow/tfjs';
import { rmspropOp } from '../../core/ops/rmsprop.js';
import { named } from '../../core/ops/weights.js';
import { type Optimiser, opInputs, sizeOf } from './optimiser.js';

export const rmsprop: Optimiser = {
  moments: ['mean', 'square', 'move'],

  start(weights) {
    const size = sizeOf(weights);
    return { mean: tf.zeros([size]), square: tf.ones([size]), move: tf.zeros([size]) };
  },

  step(given, before, { rate }, { rmspropDecay: decay, rmspropMomentum: momentum, rmspropEpsilon: epsilon }) {
    const inputs = { mean: before.mean, square: before.square, move: before.move, ...opInputs(given) };
    const out = rmspropOp(inputs, { rate, decay, momentum, epsilon });
    const [mean, square, move, ...next] = out as [tf.Tensor1D, tf.Tensor1D, tf.Tensor1D];
    tf.dispose(Object.values(inputs));
    return { weights: named(Object.keys(given.weights), next), moments: { mean, square, move } };
  },
};
