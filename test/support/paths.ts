/** The ELBO as the paper writes it: an expectation over every path that z_pres can take. In float64. */
import { geometricTrialProbs } from '#air/core/count.js';

export type Path = { zPres: number[]; n: number; probability: number };

const sigmoid = (x: number) => 1 / (1 + Math.exp(-x));

/** Probability of a path whose trials succeed with the given probabilities; after a 0 there are only zeros. */
function pathProbability(zPres: readonly number[], trialProbs: readonly number[]): number {
  let before = 1;
  let probability = 1;
  zPres.forEach((present, t) => {
    const p = before * trialProbs[t];
    probability *= present === 1 ? p : 1 - p;
    before = present;
  });
  return probability;
}

function allPaths(modelSteps: number): number[][] {
  return Array.from({ length: 2 ** modelSteps }, (_, bits) =>
    Array.from({ length: modelSteps }, (_, t) => (bits >> t) & 1),
  );
}

/** Every path that can be taken, given the logits of going on. */
export function pathsOf(zPresLogits: readonly number[]): Path[] {
  const trialProbs = zPresLogits.map(sigmoid);
  return allPaths(zPresLogits.length)
    .map((zPres) => ({
      zPres,
      n: zPres.reduce((a, b) => a + b, 0),
      probability: pathProbability(zPres, trialProbs),
    }))
    .filter(({ probability }) => probability > 0);
}

/** E over paths of [log p(x | path) + log p(path) - log q(path) - KLs of the objects that are there]. */
export function elboByPaths(
  { zPresLogits, logLik, kl }: { zPresLogits: number[]; logLik: number[]; kl: number[] },
  k: number,
): number {
  const prior = geometricTrialProbs(k, zPresLogits.length);
  return pathsOf(zPresLogits).reduce((sum, { zPres, n, probability }) => {
    const cost = zPres.reduce((total, present, t) => total + present * kl[t], 0);
    const logRatio = Math.log(pathProbability(zPres, prior)) - Math.log(probability);
    return sum + probability * (logLik[n] + logRatio - cost);
  }, 0);
}
