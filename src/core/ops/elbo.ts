/** The gradient of the ELBO by what a pass says of each image (see elbo.ts above). */
import * as tf from '@tensorflow/tfjs';
import { defineOp } from './op.js';

/** [N, N+1], 1 where n >= t (t from 1): which counts include object t. */
function includes(modelSteps: number): tf.Tensor2D {
  return countMatrix(modelSteps, (t, n) => n >= t);
}

/** [N, N+1], 1 where n = t - 1: which count stops just before object t. */
function stopsBefore(modelSteps: number): tf.Tensor2D {
  return countMatrix(modelSteps, (t, n) => n === t - 1);
}

function countMatrix(modelSteps: number, holds: (t: number, n: number) => boolean): tf.Tensor2D {
  const rows = Array.from({ length: modelSteps }, (_, i) =>
    Array.from({ length: modelSteps + 1 }, (_, n) => Number(holds(i + 1, n))),
  );
  return tf.tensor2d(rows);
}

/** log sigmoid(x), accurate for large |x|. */
function logSigmoid(x: tf.Tensor2D): tf.Tensor2D {
  return tf.neg(tf.softplus(tf.neg(x)));
}

/** log q(n): z_pres logits [B, N] -> [B, N+1]. */
export function countLogProbs(zPresLogits: tf.Tensor2D): tf.Tensor2D {
  return tf.tidy(() => {
    const [, modelSteps] = zPresLogits.shape;
    const goOn = tf.matMul(logSigmoid(zPresLogits), includes(modelSteps));
    const stop = tf.matMul(logSigmoid(tf.neg(zPresLogits)), stopsBefore(modelSteps));
    return tf.add(goOn, stop);
  });
}

/** What the objective is made of, of each image. */
export type ElboInputs = {
  /** [B, N], logits of the continue probabilities */
  zPresLogits: tf.Tensor2D;
  /** [B, N+1], log p(x | z_1..n), n = 0..N */
  logLik: tf.Tensor2D;
  /** [B, N] each: KL of z_where and of z_what of object t */
  whereKl: tf.Tensor2D;
  whatKl: tf.Tensor2D;
};

/** Per count: log p(x | z_1..n) + log p(n) - log q(n) - sum of the first n KLs. [B, N+1] */
function objectivePerCount(
  { logLik, whereKl, whatKl }: ElboInputs,
  logQ: tf.Tensor2D,
  logPrior: readonly number[],
): tf.Tensor2D {
  const klOfFirst = tf.matMul(tf.add(whereKl, whatKl) as tf.Tensor2D, includes(whereKl.shape[1]));
  return tf.sub(tf.sub(tf.add(logLik, tf.tensor1d([...logPrior])), logQ), klOfFirst);
}

export const enumeratedElboGradOp = defineOp<
  ElboInputs & { countWeights: tf.Tensor2D | undefined },
  { logPrior: readonly number[]; scale: number },
  [dZPresLogits: tf.Tensor2D, dLogLik: tf.Tensor2D, dKl: tf.Tensor2D]
>({
  name: 'AirEnumeratedElboGrad',
  composite: ({ countWeights, ...inputs }, { logPrior, scale }) => {
    const { zPresLogits } = inputs;
    const modelSteps = zPresLogits.shape[1];
    const logQ = countLogProbs(zPresLogits);
    const q = tf.exp(logQ);
    const values = objectivePerCount(inputs, logQ, logPrior);
    // d/d logit_t of sum_n q(n) f(n) is sum_n q(n) f(n) d log q(n): 1 - p_t where n >= t, -p_t where n = t - 1. Any
    // constant may be taken off f; taking off its mean keeps the digits.
    const mean = tf.sum(tf.mul(q, values), 1, true);
    const ofElbo = tf.mul(q, tf.sub(values, mean));
    const weighted = tf.mul(countWeights === undefined ? ofElbo : tf.add(ofElbo, countWeights), scale) as tf.Tensor2D;
    const p = tf.sigmoid(zPresLogits);
    const notP = tf.sigmoid(tf.neg(zPresLogits));
    const dZPresLogits = tf.sub(
      tf.mul(notP, tf.matMul(weighted, includes(modelSteps), false, true)),
      tf.mul(p, tf.matMul(weighted, stopsBefore(modelSteps), false, true)),
    ) as tf.Tensor2D;
    const dLogLik = tf.mul(q, scale) as tf.Tensor2D;
    return [dZPresLogits, dLogLik, tf.neg(tf.matMul(dLogLik, includes(modelSteps), false, true))];
  },
});
