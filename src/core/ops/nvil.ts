/**
 * The gradient of NVIL (Mnih & Gregor 2014) by what a pass says of each image: the count is drawn, step by step, and the
 * score of every decision is weighted with its return, what it brought from there on, less what a baseline expected.
 *
 * z_t = 1 where u_t < p_t, until the first 0; n of them are 1. Step t is active if all before it are 1: t <= n + 1. Then
 *
 *   g_t = z_t (log P(n >= t)/P(n >= t-1) - log p_t - KL_t) + (1 - z_t) (log P(n = t-1)/P(n >= t-1) - log (1 - p_t))
 *   R_t = log p(x | z_1..n) + sum over active s >= t of g_s
 *
 * so that R_1 is the ELBO of the draw. The gradient by logit_t is (z_t - p_t) (R_t - b_t) on active steps, that by
 * log p(x | z_1..m) is 1 where m = n, and that by KL_t is -1 where t <= n.
 *
 * Without masking the steps after the stop are not taken but cost: every KL_t is paid, and counts in R_s for s < t alone, since
 * z_where and z_what of a step do not depend on its own z_pres. Then R_1 - KL_1 is the objective of the draw.
 */
import * as tf from '@tensorflow/tfjs';
import { trialLogs } from '../count.js';
import type { PassOutcome } from '../outcome.js';
import { now, type Varying } from './compiled.js';
import { countLogProbGrad } from './elbo.js';
import { defineOp } from './op.js';
import type { TensorOps } from './tensor-ops.js';
import { vanish } from './vanish.js';

export type NvilInputs = PassOutcome & {
  /** [B, N], in [0, 1) */
  uniforms: tf.Tensor2D;
  /** [B, N], the return that is expected of each step; undefined: nothing */
  baseline: tf.Tensor2D | undefined;
  /** [B, N+1], nats: what it is worth that an image is given a count; undefined: nothing */
  countWeights: tf.Tensor2D | undefined;
};

/** Columns [B, 1] of the products of the first t columns, t = 0..N. */
function runningProducts(ops: TensorOps, columns: readonly tf.Tensor[]): tf.Tensor[] {
  const products = [ops.add(ops.mul(columns[0], 0), 1)];
  for (const column of columns) products.push(ops.mul(products[products.length - 1], column));
  return products;
}

/** A count drawn step by step, as tensors of 0 and 1 but for the first. */
export type DrawnCount = {
  /** [B, N], that there is one more */
  p: tf.Tensor;
  /** [B, N], what each step by itself would say */
  z: tf.Tensor;
  /** [B, N], the steps that were taken: t <= n + 1 */
  active: tf.Tensor;
  /** [B, N], t <= n */
  present: tf.Tensor;
  /** [B, N+1], 1 at n */
  isCount: tf.Tensor;
};

/** Draws the count of each image with uniform numbers [B, N]. */
export function drawCount(ops: TensorOps, zPresLogits: tf.Tensor2D, uniforms: tf.Tensor2D): DrawnCount {
  const modelSteps = zPresLogits.shape[1];
  const p = ops.sigmoid(zPresLogits);
  const z = ops.whereLess(uniforms, p, 1, 0);
  const reached = runningProducts(ops, ops.split(z, Array(modelSteps).fill(1), 1)); // 1 where n >= t, t = 0..N
  const isCount = reached.map((here, n) => (n < modelSteps ? ops.sub(here, reached[n + 1]) : here));
  return {
    ...{ p, z },
    active: ops.concat(reached.slice(0, -1), 1),
    present: ops.concat(reached.slice(1), 1),
    isCount: ops.concat(isCount, 1),
  };
}

/** [N, N], 1 where the row is at least so far below the column: sums over the steps from a step on, as a product. */
function stepsFrom(distance: number, modelSteps: number): tf.Tensor2D {
  const rows = Array.from({ length: modelSteps }, (_, s) =>
    Array.from({ length: modelSteps }, (_, t) => Number(s >= t + distance)),
  );
  return tf.tensor2d(rows);
}

/** -> gradients by logits, likelihoods and KLs; by the baseline, of -scale times its squared error; then R and the active steps. */
export const nvilGradOp = defineOp<
  NvilInputs,
  { logPrior: Varying<readonly number[]>; scale: Varying<number>; masking: boolean },
  [
    dZPresLogits: tf.Tensor2D,
    dLogLik: tf.Tensor2D,
    dKl: tf.Tensor2D,
    dBaseline: tf.Tensor2D,
    returns: tf.Tensor2D,
    active: tf.Tensor2D,
  ]
>({
  name: 'AirNvilGrad',
  composite: (ops, inputs, { logPrior, scale, masking }) => {
    const { zPresLogits, logLik, whereKl, whatKl, uniforms, baseline, countWeights } = inputs;
    const modelSteps = zPresLogits.shape[1];
    const negated = ops.neg(zPresLogits);
    const { p, z, active, present, isCount } = drawCount(ops, zPresLogits, uniforms);

    const kl = ops.add(whereKl, whatKl);
    // log p = -softplus(-logit), log (1 - p) = -softplus(logit)
    const ofChoice = ops.add(
      ops.softplus(negated),
      ops.varying(() => trialLogs(now(logPrior)).more),
    );
    const ifMore = masking ? ops.sub(ofChoice, kl) : ofChoice;
    const ifStop = ops.add(
      ops.softplus(zPresLogits),
      ops.varying(() => trialLogs(now(logPrior)).stop),
    );
    const gains = ops.add(ops.mul(present, ifMore), ops.mul(ops.sub(active, present), ifStop));
    const drawn = ops.sum(ops.mul(isCount, logLik), 1, true);
    const fromHereOn = ops.add(drawn, ops.matMul(gains, stepsFrom(0, modelSteps)));
    const ofLaterObjects = () => ops.matMul(kl, stepsFrom(1, modelSteps));
    const returns = ops.mul(active, masking ? fromHereOn : ops.sub(fromHereOn, ofLaterObjects()));

    const error = baseline === undefined ? returns : ops.sub(returns, ops.mul(active, baseline));
    const factor = ops.varying(scale);
    const score = ops.mul(ops.mul(ops.sub(z, p), error), factor);
    const dZPresLogits =
      countWeights === undefined
        ? score
        : ops.add(score, ops.mul(countLogProbGrad(ops, zPresLogits, negated, countWeights), factor));
    return [
      vanish(ops, dZPresLogits),
      ops.mul(isCount, factor),
      masking
        ? ops.mul(
            present,
            ops.varying(() => -now(scale)),
          )
        : ops.sub(ops.mul(present, 0), factor),
      ops.mul(
        error,
        ops.varying(() => 2 * now(scale)),
      ),
      returns,
      active,
    ];
  },
});
