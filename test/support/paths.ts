/** The ELBO as the paper writes it: an expectation over every path that z_pres can take. In float64. */
import { geometricTrialProbs } from '#air/core/count.js';

export type Path = { zPres: number[]; n: number; probability: number };

const sigmoid = (x: number) => 1 / (1 + Math.exp(-x));

/** The probabilities that a trial succeeds, and that it fails: the smaller keeps its digits only if it is told. */
type Trial = { yes: number; no: number };

/** Probability of a path of such trials; after a 0 there are only zeros. */
function pathProbability(zPres: readonly number[], trials: readonly Trial[]): number {
  let before = 1;
  let probability = 1;
  zPres.forEach((present, t) => {
    const { yes, no } = before === 1 ? trials[t] : { yes: 0, no: 1 };
    probability *= present === 1 ? yes : no;
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
  const trials = zPresLogits.map((logit) => ({ yes: sigmoid(logit), no: sigmoid(-logit) }));
  return allPaths(zPresLogits.length)
    .map((zPres) => ({
      zPres,
      n: zPres.reduce((a, b) => a + b, 0),
      probability: pathProbability(zPres, trials),
    }))
    .filter(({ probability }) => probability > 0);
}

/** E over paths of [log p(x | path) + log p(path) - log q(path) - KLs of the objects that are there]. */
export function elboByPaths(
  { zPresLogits, logLik, kl }: { zPresLogits: number[]; logLik: number[]; kl: number[] },
  k: number,
): number {
  const prior = geometricTrialProbs(k, zPresLogits.length).map((p) => ({ yes: p, no: 1 - p }));
  return pathsOf(zPresLogits).reduce((sum, { zPres, n, probability }) => {
    const cost = zPres.reduce((total, present, t) => total + present * kl[t], 0);
    const logRatio = Math.log(pathProbability(zPres, prior)) - Math.log(probability);
    return sum + probability * (logLik[n] + logRatio - cost);
  }, 0);
}
