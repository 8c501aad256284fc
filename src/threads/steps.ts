/** Who does the steps of a training run: this thread alone, or several, with the same result. */
import { availableParallelism } from 'node:os';
import type { Started } from '../backends/backend.js';
import { type Learner, type Stepper, subBatches } from '../train/learner.js';

/**
 * How many threads a step on so many images is worth: at most one per part that the batch is cut into.
 *
 * @param threads the most to use; undefined: one per core
 */
export function threadsFor({ canThread, subBatch }: Started, images: number, threads: number | undefined): number {
  return canThread ? Math.min(subBatches(images, subBatch).length, threads ?? availableParallelism()) : 1;
}

/**
 * Whoever does the steps of a learner on a started backend. Call `close` at the end.
 *
 * @param threads the most to use; undefined: one per core
 */
export async function makeStepper(started: Started, learner: Learner, threads: number | undefined): Promise<Stepper> {
  const { subBatch, relaxedSimd } = started;
  const { batchSize, sumPairs, sumTriples } = learner.settings.training;
  const useful = threadsFor(started, batchSize + 2 * sumPairs + sumTriples, threads);
  if (useful === 1) {
    const step: Stepper['step'] = (batch, plan) => learner.step(batch, subBatch, plan);
    return { step, gather: async () => {}, close: async () => {} };
  }
  const { StepPool } = await import('./step-pool.js');
  return StepPool.start(learner, subBatch, useful, relaxedSimd);
}
