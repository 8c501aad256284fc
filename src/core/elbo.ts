/**
 * The objective, exact in the count n.
 *
 * z_pres is absorbing: once it is 0 it stays 0. So there are only N+1 ways for it to go, and the expectation over them
 * is a sum instead of a sample (no REINFORCE, no baseline):
 *
 *   ELBO = sum_n q(n) [ log p(x | z_1..n) + log p(n) - log q(n) ]  -  sum_t q(n >= t) KL_t
 *
 * with q(n) = p_1 .. p_n (1 - p_{n+1}) of the continue probabilities p_t = sigmoid(logit_t), and q(N) = p_1 .. p_N.
 * All in log space. The idea is SuPAIR's (Stelzner et al. 2019).
 */
import * as tf from '@tensorflow/tfjs';
import { defineOp } from './kernel.js';

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

type ElboInputs = { zPresLogits: tf.Tensor2D; logLik: tf.Tensor2D; kl: tf.Tensor2D };

/** Per count: log p(x | z_1..n) + log p(n) - log q(n) - sum of the first n KLs. [B, N+1] */
function worth({ logLik, kl }: ElboInputs, logQ: tf.Tensor2D, logPrior: readonly number[]): tf.Tensor2D {
  const klOfFirst = tf.matMul(kl, includes(kl.shape[1]));
  return tf.sub(tf.sub(tf.add(logLik, tf.tensor1d([...logPrior])), logQ), klOfFirst);
}

const enumeratedElboGradOp = defineOp<
  ElboInputs & { dy: tf.Tensor1D },
  { logPrior: readonly number[] },
  [dZPresLogits: tf.Tensor2D, dLogLik: tf.Tensor2D, dKl: tf.Tensor2D]
>({
  name: 'AirEnumeratedElboGrad',
  composite: ({ dy, ...inputs }, { logPrior }) => {
    const { zPresLogits, kl } = inputs;
    const modelSteps = kl.shape[1];
    const dyColumn = tf.reshape(dy, [-1, 1]) as tf.Tensor2D;
    const logQ = countLogProbs(zPresLogits);
    const q = tf.exp(logQ);
    const values = worth(inputs, logQ, logPrior);
    // d/d logit_t of sum_n q(n) f(n) is sum_n q(n) f(n) d log q(n): 1 - p_t where n >= t, -p_t where n = t - 1. Any
    // constant may be taken off f; taking off its mean keeps the digits.
    const mean = tf.sum(tf.mul(q, values), 1, true);
    const weighted = tf.mul(dyColumn, tf.mul(q, tf.sub(values, mean))) as tf.Tensor2D;
    const p = tf.sigmoid(zPresLogits);
    const notP = tf.sigmoid(tf.neg(zPresLogits));
    const dZPresLogits = tf.sub(
      tf.mul(notP, tf.matMul(weighted, includes(modelSteps), false, true)),
      tf.mul(p, tf.matMul(weighted, stopsBefore(modelSteps), false, true)),
    ) as tf.Tensor2D;
    const dLogLik = tf.mul(dyColumn, q) as tf.Tensor2D;
    return [dZPresLogits, dLogLik, tf.neg(tf.matMul(dLogLik, includes(modelSteps), false, true))];
  },
});

const enumeratedElboOp = defineOp<ElboInputs, { logPrior: readonly number[] }, [tf.Tensor1D]>({
  name: 'AirEnumeratedElbo',
  composite: (inputs, { logPrior }) => {
    const logQ = countLogProbs(inputs.zPresLogits);
    return [tf.sum(tf.mul(tf.exp(logQ), worth(inputs, logQ, logPrior)), 1) as tf.Tensor1D];
  },
  saves: { inputs: ['zPresLogits', 'logLik', 'kl'] },
  gradient: ([dy], saved, attrs) => {
    const [zPresLogits, logLik, kl] = saved as tf.Tensor2D[];
    const [dZPresLogits, dLogLik, dKl] = enumeratedElboGradOp({ dy, zPresLogits, logLik, kl }, attrs);
    return { zPresLogits: () => dZPresLogits, logLik: () => dLogLik, kl: () => dKl };
  },
});

/**
 * The ELBO per image, summed over n.
 *
 *   zPresLogits [B, N]      of the continue probabilities
 *   logLik      [B, N+1]    log p(x | z_1..n), n = 0..N
 *   kl          [B, N]      KL of z_where and z_what of object t
 *   logPrior    N+1 numbers, log p(n)
 *   returns     [B], nats
 */
export function enumeratedElbo(inputs: ElboInputs, logPrior: readonly number[]): tf.Tensor1D {
  return enumeratedElboOp(inputs, { logPrior })[0];
}
