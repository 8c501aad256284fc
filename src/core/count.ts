/** The posterior over the count n, and the ELBO with its terms (see elbo.ts), on the host in float64. */

function softplus(x: number): number {
  return x > 0 ? x + Math.log1p(Math.exp(-x)) : Math.log1p(Math.exp(x));
}

/** log q(n), n = 0..N, of the logits of the continue probabilities. */
export function logCountProbs(zPresLogits: ArrayLike<number>): number[] {
  const modelSteps = zPresLogits.length;
  let reached = 0; // log q(n >= t)
  const logProbs: number[] = [];
  for (let t = 0; t < modelSteps; t++) {
    logProbs.push(reached - softplus(zPresLogits[t]));
    reached -= softplus(-zPresLogits[t]);
  }
  logProbs.push(reached);
  return logProbs;
}

/** q(n >= t), t = 1..N, of q(n), n = 0..N. */
export function presenceProbs(q: readonly number[]): number[] {
  return q.slice(1).map((_, t) => q.slice(t + 1).reduce((sum, p) => sum + p, 0));
}

/** Index of the largest value, the first of equals. */
export function argmax(values: ArrayLike<number>): number {
  let best = 0;
  for (let i = 1; i < values.length; i++) if (values[i] > values[best]) best = i;
  return best;
}

export function logSumExp(values: readonly number[]): number {
  const largest = Math.max(...values);
  if (largest === Number.NEGATIVE_INFINITY) return largest;
  return largest + Math.log(values.reduce((sum, value) => sum + Math.exp(value - largest), 0));
}

/** The numbers that a pass yields for one image. */
export type ImageOutcome = {
  /** N */
  zPresLogits: ArrayLike<number>;
  /** N+1, log p(x | z_1..n) */
  logLik: ArrayLike<number>;
  /** N each */
  whereKl: ArrayLike<number>;
  whatKl: ArrayLike<number>;
};

/** The ELBO of an image and what it is made of, in nats: elbo = logLik - countKl - whereKl - whatKl. */
export type ElboTerms = { elbo: number; logLik: number; countKl: number; whereKl: number; whatKl: number };

/**
 * The enumerated ELBO in its terms.
 *
 * @param logPrior log p(n), n = 0..N
 */
export function elboTerms(
  { zPresLogits, logLik, whereKl, whatKl }: ImageOutcome,
  logPrior: readonly number[],
): ElboTerms {
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
