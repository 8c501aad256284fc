/**
 * The objective, exact in the count n.
 *
 * z_pres is absorbing: once it is 0 it stays 0. So there are only N+1 ways for it to go, and the expectation over them
 * is a sum instead of a sample (no REINFORCE, no baseline):
 *
 *   ELBO = sum_n q(n) [ log p(x | z_1..n) + log p(n) - log q(n) ]  -  sum_t q(n >= t) KL_t
 *
 * with q(n) = p_1 .. p_n (1 - p_{n+1}) of the continue probabilities p_t = sigmoid(logit_t), and q(N) = p_1 .. p_N.
 * All in log space. The idea is SuPAIR's (Stelzner et al. 2019). Its value is told image by image, on the host in float64; its
 * gradient, which is what training needs, is computed on tensors.
 */
import type * as tf from '@tensorflow/tfjs';
import { logCountProbs, presenceProbs } from './count.js';
import type { Varying } from './ops/compiled.js';
import { enumeratedElboGradOp } from './ops/elbo.js';
import type { Outcome, OutcomeGradients, PassOutcome } from './outcome.js';

/** The ELBO of an image and what it is made of, in nats: elbo = logLik - countKl - whereKl - whatKl. */
export type ElboTerms = { elbo: number; logLik: number; countKl: number; whereKl: number; whatKl: number };

/**
 * The enumerated ELBO in its terms.
 *
 * @param logPrior log p(n), n = 0..N
 */
export function elboTerms({ zPresLogits, logLik, whereKl, whatKl }: Outcome, logPrior: readonly number[]): ElboTerms {
  const logQ = logCountProbs(zPresLogits);
  const q = logQ.map(Math.exp);
  const expected = (values: ArrayLike<number>, weights: readonly number[]) =>
    weights.reduce((sum, weight, i) => (weight === 0 ? sum : sum + weight * values[i]), 0);
  const present = presenceProbs(q);
  const terms = {
    logLik: expected(logLik, q),
    countKl: expected(
      logQ.map((log, n) => log - logPrior[n]),
      q,
    ),
    whereKl: expected(whereKl, present),
    whatKl: expected(whatKl, present),
  };
  return { elbo: terms.logLik - terms.countKl - terms.whereKl - terms.whatKl, ...terms };
}

/** Mean of each term. */
export function meanTerms(all: readonly ElboTerms[]): ElboTerms {
  const mean = (key: keyof ElboTerms) => all.reduce((sum, terms) => sum + terms[key], 0) / all.length;
  return {
    elbo: mean('elbo'),
    logLik: mean('logLik'),
    countKl: mean('countKl'),
    whereKl: mean('whereKl'),
    whatKl: mean('whatKl'),
  };
}

/**
 * Gradients of scale * sum over images of [ELBO + sum_n countWeights(n) log q(n)], by what the ELBO is made of.
 *
 *   logPrior  N+1 numbers, log p(n)
 *   countWeights   [B, N+1]: what it is worth that an image is given a count; none: nothing
 *   returns   gradients of the shapes of the inputs; that by either KL is `kl`
 */
export function enumeratedElboGrad(
  outcome: PassOutcome,
  logPrior: Varying<readonly number[]>,
  scale: Varying<number>,
  countWeights?: tf.Tensor2D,
): OutcomeGradients {
  const [zPresLogits, logLik, kl] = enumeratedElboGradOp({ ...outcome, countWeights }, { logPrior, scale });
  return { zPresLogits, logLik, kl };
}
