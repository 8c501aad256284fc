/**
 * The gradient of the importance-weighted bound (Burda et al. 2016) by what K passes say of each image, n summed over:
 *
 *   L = log (1/K) sum_k sum_n w_kn,   w_kn = p(x, n, z^k_1..n) / q(z^k_1..n)
 *
 * in which q(n) has no part. The gradient by log w_kn is its share r_kn of all weights of the image; the shares are also what
 * the draws say of the posterior over (z, n), so that q(n) is trained by cross-entropy towards them: the gradient of
 * sum_kn r_kn log q(n | z^k), the r_kn as constants (the wake phase of reweighted wake-sleep, Bornschein & Bengio 2015).
 */
import * as tf from '@tensorflow/tfjs';
import type { PassOutcome } from '../outcome.js';
import type { Varying } from './compiled.js';
import { countLogProbGrad, minusIncludes } from './elbo.js';
import { defineOp } from './op.js';
import { vanish } from './vanish.js';

/** The outcome is of B K passes, those of an image one after the other; its KLs are log q - log p of the draws. */
export type IwaeInputs = PassOutcome & {
  /** [B, N+1], nats: what it is worth that an image is given a count, beside the bound; undefined: nothing */
  countWeights: tf.Tensor2D | undefined;
};

/** -> gradients of scale times the sum over images, by logits [B K, N], likelihoods [B K, N+1] and KLs [B K, N]. */
export const iwaeGradOp = defineOp<
  IwaeInputs,
  { logPrior: Varying<readonly number[]>; scale: Varying<number>; draws: number },
  [dZPresLogits: tf.Tensor2D, dLogLik: tf.Tensor2D, dKl: tf.Tensor2D]
>({
  name: 'AirIwaeGrad',
  composite: (ops, { zPresLogits, logLik, whereKl, whatKl, countWeights }, { logPrior, scale, draws }) => {
    const [rows, modelSteps] = zPresLogits.shape;
    const [images, counts] = [rows / draws, modelSteps + 1];
    const includes = minusIncludes(modelSteps);
    const logWeights = ops.add(
      ops.addBias(logLik, ops.varying(logPrior)),
      ops.matMul(ops.add(whereKl, whatKl), includes),
    );
    const ofImage = ops.reshape(logWeights, [images, draws * counts]);
    // from the largest on; what is below e^-80 of it vanishes
    const relative = ops.exp(ops.maximum(ops.sub(ofImage, tf.max(ofImage, 1, true)), -80));
    const shares = ops.div(relative, ops.sum(relative, 1, true));
    // a lesson is shared by the draws of its image
    const lessons = countWeights && ops.concat(Array(draws).fill(ops.mul(countWeights, 1 / draws)), 1);
    const drawnTo = lessons === undefined ? shares : ops.add(shares, lessons);
    const factor = ops.varying(scale);
    const byDraw = (x: tf.Tensor) => vanish(ops, ops.reshape(ops.mul(x, factor), [rows, counts]));
    const dLogLik = byDraw(shares);
    return [
      vanish(ops, countLogProbGrad(ops, zPresLogits, ops.neg(zPresLogits), byDraw(drawnTo))),
      dLogLik,
      ops.matMul(dLogLik, includes, false, true),
    ];
  },
});
