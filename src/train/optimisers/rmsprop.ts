/** Centred RMSProp with momentum, as TensorFlow 1 has it, mean squares begin at 1: the optimiser of akosiorek's AIR. */
import * as tf from '@tensorflow/tfjs';
import { compiled, type VaryingNumbers } from '../../core/ops/compiled.js';
import { type RmspropMoments, rmspropOp } from '../../core/ops/rmsprop.js';
import { type NamedTensors, named } from '../../core/ops/weights.js';
import type { TrainConfig } from '../config.js';
import { type Optimiser, opInputs, sizeOf } from './optimiser.js';

/** What a step makes of the inputs of the op. */
const moved = compiled(
  (
    { rmspropDecay: decay, rmspropMomentum: momentum, rmspropEpsilon: epsilon }: TrainConfig,
    inputs: RmspropMoments & NamedTensors,
    { rate }: VaryingNumbers<{ rate: number }>,
  ) => rmspropOp(inputs, { rate, decay, momentum, epsilon }),
);

export const rmsprop: Optimiser = {
  moments: ['mean', 'square', 'move'],

  start(weights) {
    const size = sizeOf(weights);
    return { mean: tf.zeros([size]), square: tf.ones([size]), move: tf.zeros([size]) };
  },

  step(given, before, { rate }, settings) {
    const inputs = { mean: before.mean, square: before.square, move: before.move, ...opInputs(given) };
    const out = moved(settings, inputs, { rate });
    const [mean, square, move, ...next] = out as [tf.Tensor1D, tf.Tensor1D, tf.Tensor1D, ...tf.Tensor[]];
    tf.dispose(Object.values(inputs));
    return { weights: named(Object.keys(given.weights), next), moments: { mean, square, move } };
  },
};
