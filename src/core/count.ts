/** The count n: its posterior q(n), and the priors over it. On the host, in float64. */
import type { CountPriorName, ModelConfig } from './config.js';

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

/** How sure q(n) must be that an image holds one object, for that image to be taken as an object by itself. */
const SURE = 0.9;

/** Whether it is that sure. @param logQ log q(n), n = 0..N */
export function isSurelyOne(logQ: readonly number[]): boolean {
  return argmax(logQ) === 1 && logQ[1] > Math.log(SURE);
}

/** log of the sum of e^value; -Infinity for none. */
export function logSumExp(values: readonly number[]): number {
  const largest = Math.max(...values);
  if (largest === Number.NEGATIVE_INFINITY) return largest;
  return largest + Math.log(values.reduce((sum, value) => sum + Math.exp(value - largest), 0));
}

/** Probabilities of which these are the logarithms, but for a constant. */
export function softmax(values: readonly number[]): number[] {
  const total = logSumExp(values);
  return values.map((value) => Math.exp(value - total));
}

/**
 * log P(n), n = 0..N, of the truncated geometric P(n) = k^n / (1 + k + ... + k^N). On the host, in float64.
 *
 * @param k in (0, 1]: each further object is k times as likely
 */
export function geometricLogProbs(k: number, modelSteps: number): number[] {
  let total = 0;
  for (let n = modelSteps; n >= 0; n--) total += k ** n;
  return Array.from({ length: modelSteps + 1 }, (_, n) => n * Math.log(k) - Math.log(total));
}

/**
 * Trial probabilities p_t, t = 0..N-1, of the same distribution as a chain "is there one more?": o/(1+o) with the odds
 * o_t = k + k^2 + ... + k^(N-t). (Through 1 - p_t the digits would be lost for small k.)
 */
export function geometricTrialProbs(k: number, modelSteps: number): number[] {
  return Array.from({ length: modelSteps }, (_, t) => {
    let odds = 0;
    for (let n = modelSteps - t; n >= 1; n--) odds += k ** n;
    return odds / (1 + odds);
  });
}

/** Of the chain "is there one more?", t = 1..N: log P(n >= t | n >= t-1) and log P(n = t-1 | n >= t-1). */
export function trialLogs(logPrior: readonly number[]): { more: number[]; stop: number[] } {
  const tail = logPrior.map((_, n) => logSumExp(logPrior.slice(n)));
  const steps = logPrior.slice(1).map((_, i) => i);
  return { more: steps.map((i) => tail[i + 1] - tail[i]), stop: steps.map((i) => logPrior[i] - tail[i]) };
}

/** P(n >= t | n >= t-1) of that chain. */
export function trialProbs(logPrior: readonly number[]): number[] {
  return trialLogs(logPrior).more.map(Math.exp);
}

/** log P(n), n = 0..N, of such a chain. */
export function chainLogProbs(trials: readonly number[]): number[] {
  let reached = 0; // log P(n >= t)
  const logProbs: number[] = [];
  for (const p of trials) {
    logProbs.push(reached + Math.log1p(-p));
    reached += Math.log(p);
  }
  return [...logProbs, reached];
}

/** log P(n), n = 0..N, if each further object is there with probability p: p^n (1 - p), and p^N for the last. */
export function trialLogProbs(p: number, modelSteps: number): number[] {
  const logProbs = Array.from({ length: modelSteps }, (_, n) => n * Math.log(p) + Math.log1p(-p));
  return [...logProbs, modelSteps * Math.log(p)];
}

/**
 * log P(n), n = 0..N, of (1 - r, r, r^2, ..., r^N) / Z: a success leads to the first object, each further one is r times as
 * likely. In float64: r begins as near to 1 as 1 - 1e-15.
 */
export function successLogProbs(r: number, modelSteps: number): number[] {
  const logs = Array.from({ length: modelSteps + 1 }, (_, n) => (n === 0 ? Math.log1p(-r) : n * Math.log(r)));
  const total = logSumExp(logs);
  return logs.map((log) => log - total);
}

/** The priors over the count, each of one number that makes objects rare: k, p or r above. */
export const countPriors: {
  readonly [name in CountPriorName]: (rarity: number, modelSteps: number) => number[];
} = { geometric: geometricLogProbs, trials: trialLogProbs, success: successLogProbs };

/** The prior over the count that a model was trained for. */
export function logCountPrior({ countPrior, zPresPrior, modelSteps }: ModelConfig): number[] {
  return countPriors[countPrior](zPresPrior, modelSteps);
}
