/** How well a model counts held-out scenes, and what kind of failure it is when it does not. */

import { type ElboTerms, meanTerms } from '../core/count.js';
import { type Explained, explain } from '../core/explain.js';
import { joinImages } from '../core/images.js';
import type { Model } from '../core/unroll.js';
import { CountScores } from '../data/metrics.js';
import type { Scene } from '../formats/stream.js';
import { breathe } from './loop.js';

export type Validation = {
  images: number;
  /** Share of images whose most probable count is the true one. */
  countAccuracy: number;
  /** Mean probability of the true count: the accuracy of counts drawn from q(n). */
  sampledCountAccuracy: number;
  /** confusion[truth][inferred] */
  confusion: number[][];
  /** Means over images, nats. */
  terms: ElboTerms;
};

/** Explains every scene, `batchSize` at a time, and hands each batch on. The scenes must have their truth. */
export async function validate(
  model: Model,
  scenes: readonly Scene[],
  { batchSize, seed }: { batchSize: number; seed: number },
): Promise<Validation> {
  const counts = new CountScores();
  const terms: ElboTerms[] = [];
  let sampled = 0;
  for (let start = 0; start < scenes.length; start += batchSize) {
    const batch = scenes.slice(start, start + batchSize);
    const explained = await explain(
      model,
      joinImages(batch.map(({ image }) => image)),
      batch.map(({ i }) => i),
      { mode: 'mean', samples: 1, seed },
    );
    explained.forEach(({ n, q, terms: ofImage }: Explained, b) => {
      const truth = batch[b].count as number;
      counts.add(truth, n);
      sampled += q[truth] ?? 0;
      if (ofImage) terms.push(ofImage);
    });
    await breathe();
  }
  return {
    images: scenes.length,
    countAccuracy: counts.accuracy,
    sampledCountAccuracy: sampled / scenes.length,
    confusion: counts.matrix(model.config.modelSteps + 1),
    terms: meanTerms(terms),
  };
}

/** The share of a row that must go astray for a collapse. */
const NEARLY_ALL = 0.8;

/**
 * Names a known collapse, or returns undefined. An ELBO alone does not show them: a model can reconstruct well and
 * count wrongly.
 */
export function nameCollapse(confusion: readonly (readonly number[])[]): string | undefined {
  const imagesWith = (truth: number) => (confusion[truth] ?? []).reduce((sum, count) => sum + count, 0);
  const share = (truth: number, inferred: number): number =>
    imagesWith(truth) === 0 ? 0 : (confusion[truth][inferred] ?? 0) / imagesWith(truth);
  const most = (confusion[0]?.length ?? 1) - 1;
  /** Whether nearly all images with objects are counted as so many that they do not have. */
  const all = (inferred: number): boolean => {
    const truths = confusion.map((_, truth) => truth).filter((t) => t > 0 && t !== inferred && imagesWith(t) > 0);
    return truths.length > 0 && truths.every((truth) => share(truth, inferred) > NEARLY_ALL);
  };
  if (all(0))
    return 'every image is counted as empty: the prior is too strong too early (a longer --anneal-prior-duration)';
  if (most > 2 && all(most))
    return `every image with objects is counted as ${most}: the prior is too weak (a smaller --z-pres-prior)`;
  if (share(2, 1) > NEARLY_ALL)
    return 'two objects are counted as one: one window explains both (a smaller --scale-prior-sd)';
  if (share(1, 2) > NEARLY_ALL) return 'one object is counted as two: the prior is too weak (a smaller --z-pres-prior)';
  return undefined;
}
