/** How well a model counts held-out scenes, and what kind of failure it is when it does not. */
import { type ElboTerms, meanTerms } from '../core/elbo.js';
import { joinImages } from '../core/images.js';
import { infer } from '../core/infer.js';
import type { Model } from '../core/model.js';
import type { Scene } from '../formats/records.js';
import { CountScores } from '../scores/counts.js';
import { yieldToEventLoop } from './event-loop.js';

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
    const latents = await infer(
      model,
      joinImages(batch.map(({ image }) => image)),
      batch.map(({ i }) => i),
      { mode: 'mean', samples: 1, seed },
    );
    latents.forEach(({ n, q, terms: ofImage }, b) => {
      const truth = batch[b].count as number;
      counts.add(truth, n);
      sampled += q[truth] ?? 0;
      if (ofImage) terms.push(ofImage);
    });
    await yieldToEventLoop();
  }
  return {
    images: scenes.length,
    countAccuracy: counts.accuracy,
    sampledCountAccuracy: sampled / scenes.length,
    confusion: counts.matrix(model.config.modelSteps + 1),
    terms: meanTerms(terms),
  };
}
