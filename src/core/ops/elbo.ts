/** The gradient of the ELBO by what a pass says of each image (see ../elbo.ts). */
import * as tf from '@tensorflow/tfjs';
import type { PassOutcome } from '../outcome.js';
import type { Varying } from './compiled.js';
import { defineOp } from './op.js';
import { type TensorOps, tensorOps } from './tensor-ops.js';
import { vanish } from './vanish.js';

/**
 * [N, N+1], -1 where n >= t (t from 1): which counts include object t. What is summed with it are costs, so the sign spares
 * negations.
 */
export function minusIncludes(modelSteps: number): tf.Tensor2D {
  return countMatrix(modelSteps, (t, n) => n >= t);
}

/** [N, N+1], -1 where n = t - 1: which count stops just before object t. */
function minusStopsBefore(modelSteps: number): tf.Tensor2D {
  return countMatrix(modelSteps, (t, n) => n === t - 1);
}

function countMatrix(modelSteps: number, holds: (t: number, n: number) => boolean): tf.Tensor2D {
  const rows = Array.from({ length: modelSteps }, (_, i) =>
    Array.from({ length: modelSteps + 1 }, (_, n) => (holds(i + 1, n) ? -1 : 0)),
  );
  return tf.tensor2d(rows);
}

/** log q(n), of log sigmoid(x) = -softplus(-x), which is accurate for large |x|; `negated` are the logits times -1. */
function logCounts(ops: TensorOps, logits: tf.Tensor2D, negated: tf.Tensor): tf.Tensor {
  const [, modelSteps] = logits.shape;
  const goOn = ops.matMul(ops.softplus(negated), minusIncludes(modelSteps));
  return ops.add(goOn, ops.matMul(ops.softplus(logits), minusStopsBefore(modelSteps)));
}

/** log q(n): z_pres logits [B, N] -> [B, N+1]. */
export function countLogProbs(zPresLogits: tf.Tensor2D): tf.Tensor2D {
  return tf.tidy(() => {
    const ops = tensorOps();
    return logCounts(ops, zPresLogits, ops.neg(zPresLogits)) as tf.Tensor2D;
  });
}

/** Per count: log p(x | z_1..n) + log p(n) - log q(n) - sum of the first n KLs. [B, N+1] */
function objectivePerCount(
  ops: TensorOps,
  { logLik, whereKl, whatKl }: PassOutcome,
  logQ: tf.Tensor,
  logPrior: Varying<readonly number[]>,
): tf.Tensor {
  const minusKlOfFirst = ops.matMul(ops.add(whereKl, whatKl), minusIncludes(whereKl.shape[1]));
  return ops.add(ops.sub(ops.addBias(logLik, ops.varying(logPrior)), logQ), minusKlOfFirst);
}

/**
 * Gradient of sum_n weights(n) log q(n) by the logits [B, N], which are also given times -1;
 * weights [B, N+1]. It is 1 - p_t where n >= t, -p_t where n = t - 1.
 */
export function countLogProbGrad(
  ops: TensorOps,
  zPresLogits: tf.Tensor2D,
  negated: tf.Tensor,
  weights: tf.Tensor,
): tf.Tensor {
  const modelSteps = zPresLogits.shape[1];
  const [p, notP] = [ops.sigmoid(zPresLogits), ops.sigmoid(negated)];
  return ops.sub(
    ops.mul(p, ops.matMul(weights, minusStopsBefore(modelSteps), false, true)),
    ops.mul(notP, ops.matMul(weights, minusIncludes(modelSteps), false, true)),
  );
}

/**
 * Gradients of scale * sum over images of [ELBO + sum_n countWeights(n) log q(n)], countWeights [B, N+1] in nats, by logits
 * [B, N], likelihoods [B, N+1] and KLs [B, N].
 */
export const enumeratedElboGradOp = defineOp<
  PassOutcome & { countWeights: tf.Tensor2D | undefined },
  { logPrior: Varying<readonly number[]>; scale: Varying<number> },
  [dZPresLogits: tf.Tensor2D, dLogLik: tf.Tensor2D, dKl: tf.Tensor2D]
>({
  name: 'AirEnumeratedElboGrad',
  composite: (ops, { countWeights, ...inputs }, { logPrior, scale }) => {
    const { zPresLogits } = inputs;
    const modelSteps = zPresLogits.shape[1];
    const negated = ops.neg(zPresLogits);
    const logQ = logCounts(ops, zPresLogits, negated);
    const q = ops.exp(logQ);
    const values = objectivePerCount(ops, inputs, logQ, logPrior);
    // d/d logit_t of sum_n q(n) f(n) is sum_n q(n) f(n) d log q(n). Any constant may be taken off f; taking off its mean
    // keeps the digits.
    const mean = ops.sum(ops.mul(q, values), 1, true);
    const ofElbo = ops.mul(q, ops.sub(values, mean));
    const factor = ops.varying(scale);
    const weighted = ops.mul(countWeights === undefined ? ofElbo : ops.add(ofElbo, countWeights), factor);
    const dZPresLogits = vanish(ops, countLogProbGrad(ops, zPresLogits, negated, weighted));
    const dLogLik = vanish(ops, ops.mul(q, factor));
    return [dZPresLogits, dLogLik, ops.matMul(dLogLik, minusIncludes(modelSteps), false, true)];
  },
});
