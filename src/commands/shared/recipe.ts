/** A recipe in a sentence, for captions: what made the numbers. */
import { WITH_BASELINE } from '../../core/config.js';
import type { Settings } from '../../train/config.js';

/** What it learns with, in a few words. */
export function recipeOf({ training }: Settings): string {
  const { estimator, baseline, sumPairs, sumTriples, sumFrom, batchSize, seed } = training;
  const withBaseline = WITH_BASELINE.some((name) => name === estimator) ? `, baseline ${baseline}` : '';
  const sums = [
    ...(sumPairs > 0 ? [`${sumPairs} sums of two`] : []),
    ...(sumTriples > 0 ? [`${sumTriples} sums of three`] : []),
  ].join(' and ');
  const lessons = sums === '' ? 'no sums of images' : `${sums} of its own finds a step from step ${sumFrom} on`;
  return `the ${estimator} estimator${withBaseline}, batches of ${batchSize} images, ${lessons}, seed ${seed}`;
}
