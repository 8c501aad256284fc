/** What changes from step to step: the learning rate, and the prior over the count. */
import type { TrainConfig } from './config.js';

/** A linear rise from 0 over `warmup` steps, times a cosine from 1 to 0 over all of them. Steps count from 1. */
export function learningRateAt({ learningRate, warmup, steps }: TrainConfig, step: number): number {
  const rise = warmup === 0 ? 1 : Math.min(1, step / warmup);
  return learningRate * rise * (0.5 + 0.5 * Math.cos((Math.PI * step) / steps));
}

/** k of the prior over n at a step: from `annealPriorFrom` to `zPresPrior`, geometrically or linearly, then constant. */
export function zPresPriorAt(
  { annealPrior, annealPriorFrom, annealPriorDuration }: TrainConfig,
  zPresPrior: number,
  step: number,
): number {
  if (annealPrior === 'none') return zPresPrior;
  const done = annealPriorDuration === 0 ? 1 : Math.min(1, step / annealPriorDuration);
  if (annealPrior === 'lin') return annealPriorFrom + (zPresPrior - annealPriorFrom) * done;
  return annealPriorFrom * (zPresPrior / annealPriorFrom) ** done;
}
