/** Centred RMSProp with momentum (Hinton; Graves 2013, eq. 38 to 42) for all weights at once, in the form of TensorFlow's. */
import type * as tf from '@tensorflow/tfjs';
import { shapedAs } from './adam.js';
import type { Varying } from './compiled.js';
import { defineOp, listed } from './op.js';

/** Running means of the gradients and of their squares, and the last step; of all weights one after the other. */
export type RmspropMoments = { mean: tf.Tensor1D; square: tf.Tensor1D; move: tf.Tensor1D };

export type RmspropAttrs = { rate: Varying<number>; decay: number; momentum: number; epsilon: number };

/**
 * param0, grad0, param1, grad1, ... -> the moments, then the weights:
 *
 *   mean' = mean + (1 - decay) (g - mean),  square' = square + (1 - decay) (g^2 - square)
 *   move' = momentum move + rate g / sqrt(square' - mean'^2 + epsilon),  param' = param - move'
 *
 * The variance is held to at least 0: of gradients that hardly change it is the difference of two equal numbers.
 */
export const rmspropOp = defineOp<RmspropMoments & { [weight: string]: tf.Tensor }, RmspropAttrs, tf.Tensor[]>({
  name: 'AirRmsprop',
  composite: (ops, { mean, square, move, ...weights }, { rate, decay, momentum, epsilon }) => {
    const params = listed<tf.Tensor>(weights, 'param');
    const grads = listed<tf.Tensor>(weights, 'grad').map((grad) => shapedAs(ops, grad, [grad.size]));
    const grad = ops.concat(grads, 0);
    const towards = (moment: tf.Tensor, value: tf.Tensor) =>
      ops.add(moment, ops.mul(ops.sub(value, moment), 1 - decay));
    const [meanNext, squareNext] = [towards(mean, grad), towards(square, ops.square(grad))];
    const variance = ops.relu(ops.sub(squareNext, ops.square(meanNext)));
    const step = ops.div(ops.mul(grad, ops.varying(rate)), ops.sqrt(ops.add(variance, epsilon)));
    const moveNext = ops.add(ops.mul(move, momentum), step);
    const parts = ops.split(
      moveNext,
      params.map(({ size }) => size),
      0,
    );
    const next = params.map((param, i) => ops.sub(param, shapedAs(ops, parts[i], param.shape)));
    return [meanNext, squareNext, moveNext, ...next];
  },
});
