/**
 * What is worth nothing is nothing: numbers far below what can move a weight are 0, before they leave the normal numbers of
 * float32. One operand below those costs some processors a hundred cycles, and WebAssembly cannot flush them; without this, a
 * step of a run on the ELBO alone takes six times as long from some hundred steps on.
 *
 * - Gradients by what a pass says of an image, where every gradient begins: q(n) of a count that is out of the question is
 *   1e-30 or less, and its way back is long. Every estimator lets them vanish. No sum with a gradient of usual size changes by
 *   one bit.
 * - Moments, which decay for ever once a unit is dead: kernels of optimisers let them, and the gradients that would
 *   keep them alive, vanish where the square of a gradient would (`FORGOTTEN`). A weight is moved by the gradient times rate /
 *   epsilon at most: less than its last bit at Adam's usual epsilon, 1e-8; 2e-5 of a step at that of `--preset pyro`, 2e-13.
 * - What passes units that are shut: kernels hold gates of the LSTM to e^-40, through which the same goes object after object, and
 *   let vanish what is below `FORGOTTEN` on the way back.
 *
 * The last two are for kernels: libraries below composites flush such numbers by themselves.
 */
import type * as tf from '@tensorflow/tfjs';
import type { TensorOps } from './tensor-ops.js';

/** A gradient by what a pass says of an image that is smaller than this, in nats per nat, is 0. */
export const WORTH_NOTHING = 1e-20;

/** The least that is kept of what decays, and the least square of a gradient; times 1 - beta it is still a normal number. */
export const FORGOTTEN = 2 ** -116;

/** x, but 0 where it is worth nothing. */
export function vanish(ops: TensorOps, x: tf.Tensor): tf.Tensor {
  return ops.whereLess(x, WORTH_NOTHING, ops.whereLess(ops.neg(x), WORTH_NOTHING, 0, x), x);
}
