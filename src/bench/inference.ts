/** What explaining images costs: the model's forward pass, and what `air infer` does by default. */
import { availableParallelism } from 'node:os';
import type { Started } from '../backends/backend.js';
import type { ImageBatch } from '../core/images.js';
import { type InferOptions, infer } from '../core/infer.js';
import type { Model } from '../core/model.js';
import { makeInferrer } from '../threads/inference.js';
import { type LibraryUse, watchKernels, watchLibrary } from './kernels.js';
import { type RepeatOptions, type Spread, spreadOf, timed } from './timing.js';
import { multiplyAdds, Yardstick } from './yardstick.js';

export type InferenceFigures = LibraryUse & {
  batchSize: number;
  /** Threads that explain a batch each at the same time. */
  workers: number;
  /** Latents only: one forward pass at the posterior mean, everything it says brought to the host. */
  passImagesPerSecond: Spread;
  /** As `air infer` does it: a second pass, with noise, for the ELBO. */
  inferImagesPerSecond: Spread;
  /** Kernel calls of a pass, op by op. */
  kernels: number;
  /** The matrix products of a pass over a batch alone, on one thread. */
  productsMs: Spread;
  /** The median of time per batch / products. */
  passPerProducts: number;
  multiplyAdds: number;
};

/** Explains one batch of images again and again. */
export async function measureInference(
  backend: Started,
  model: Model,
  batch: ImageBatch,
  { workers, warmup, repeats }: RepeatOptions & { workers: number | undefined },
): Promise<InferenceFigures> {
  const indices = Array.from({ length: batch.size }, (_, b) => b);
  const optionsFor = (samples: number): InferOptions => ({ mode: 'mean', samples, seed: 0 });
  await infer(model, batch, indices, optionsFor(0));
  const watched = await watchKernels(() => infer(model, batch, indices, optionsFor(0)));
  const yardstick = new Yardstick(watched.products);
  const inferrer = await makeInferrer(backend, model, workers ?? availableParallelism());
  const { width } = inferrer;
  /** Milliseconds per batch, every thread at work on one. */
  const time = async (samples: number): Promise<number> => {
    const all = (): Promise<unknown> =>
      Promise.all(Array.from({ length: width }, () => inferrer.infer(batch, indices, optionsFor(samples))));
    return (await timed(all)) / width;
  };
  const rounds: { pass: number; infer: number; products: number }[] = [];
  for (let round = 0; round < warmup + repeats; round++) {
    const pass = await time(0);
    const products = await yardstick.time();
    const infer = await time(1);
    if (round >= warmup) rounds.push({ pass, infer, products });
  }
  const library = await watchLibrary(() => infer(model, batch, indices, optionsFor(0)), backend);
  await inferrer.close();
  yardstick.dispose();
  const rate = (ms: number): number => (1000 * batch.size) / ms;
  return {
    batchSize: batch.size,
    workers: width,
    passImagesPerSecond: spreadOf(rounds.map(({ pass }) => rate(pass))),
    inferImagesPerSecond: spreadOf(rounds.map(({ infer }) => rate(infer))),
    kernels: watched.count,
    ...library,
    productsMs: spreadOf(rounds.map(({ products }) => products)),
    passPerProducts: spreadOf(rounds.map(({ pass, products }) => pass / products)).median,
    multiplyAdds: multiplyAdds(watched.products),
  };
}
