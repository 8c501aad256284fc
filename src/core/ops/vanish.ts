/**
 * Gradients that are worth nothing are nothing.
 *
 * q(n) of a count that is out of the question is 1e-30 or less. On their way back such gradients leave the normal numbers of
 * float32, and one operand below those costs some processors a hundred cycles: without this, a step of a run on the ELBO alone
 * takes six times as long from some hundred steps on. No sum with a gradient of usual size changes by one bit.
 */
import type * as tf from '@tensorflow/tfjs';
import type { TensorOps } from './tensor-ops.js';

/** A gradient by what a pass says of an image that is smaller than this, in nats per nat, is 0. */
export const WORTH_NOTHING = 1e-20;

/** x, but 0 where it is worth nothing. */
export function vanish(ops: TensorOps, x: tf.Tensor): tf.Tensor {
  return ops.whereLess(x, WORTH_NOTHING, ops.whereLess(ops.neg(x), WORTH_NOTHING, 0, x), x);
}
