/** A recipe in a sentence, for captions: what made the numbers. */
import type { Settings } from '../../train/config.js';

/** What it learns with, in a few words. */
export function recipeOf({ training }: Settings): string {
  const { estimator, baseline, sumPairs, sumFrom, batchSize, seed } = training;
  const withBaseline = estimator === 'nvil' || estimator === 'nvil-analytic' ? `, baseline ${baseline}` : '';
  const lessons =
    sumPairs === 0 ? 'no sums of images' : `${sumPairs} sums of its own finds a step from step ${sumFrom} on`;
  return `the ${estimator} estimator${withBaseline}, batches of ${batchSize} images, ${lessons}, seed ${seed}`;
}
