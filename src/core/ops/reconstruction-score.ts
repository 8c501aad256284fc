/**
 * The score function for the reconstruction alone: the count is drawn as for NVIL (nvil.ts), and each of its decisions is paid
 * with log p(x | z_1..n), less what a baseline expected. What else the ELBO is made of needs no draws.
 */
import type * as tf from '@tensorflow/tfjs';
import { now, type Varying } from './compiled.js';
import { drawCount, type NvilInputs } from './nvil.js';
import { defineOp } from './op.js';
import { vanish } from './vanish.js';

/** -> gradients by logits and likelihoods; by the baseline, of -scale times its squared error; then returns and the active steps. */
export const reconstructionScoreOp = defineOp<
  Pick<NvilInputs, 'zPresLogits' | 'logLik' | 'uniforms' | 'baseline'>,
  { scale: Varying<number> },
  [dZPresLogits: tf.Tensor2D, dLogLik: tf.Tensor2D, dBaseline: tf.Tensor2D, returns: tf.Tensor2D, active: tf.Tensor2D]
>({
  name: 'AirReconstructionScore',
  composite: (ops, { zPresLogits, logLik, uniforms, baseline }, { scale }) => {
    const { p, z, active, isCount } = drawCount(ops, zPresLogits, uniforms);
    const returns = ops.mul(active, ops.sum(ops.mul(isCount, logLik), 1, true));
    const error = baseline === undefined ? returns : ops.sub(returns, ops.mul(active, baseline));
    const factor = ops.varying(scale);
    return [
      vanish(ops, ops.mul(ops.mul(ops.sub(z, p), error), factor)),
      ops.mul(isCount, factor),
      ops.mul(
        error,
        ops.varying(() => 2 * now(scale)),
      ),
      returns,
      active,
    ];
  },
});
