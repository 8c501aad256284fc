/** What explaining images costs: the model's forward pass, and what `air infer` does by default. */
import { type ExplainOptions, explain } from '../../core/explain.js';
import type { ImageBatch } from '../../core/images.js';
import type { Model } from '../../core/unroll.js';
import { watchKernels } from './kernels.js';
import { type RepeatOptions, type Spread, spreadOf, timed } from './timing.js';
import { multiplyAdds, Yardstick } from './yardstick.js';

export type InferenceFigures = {
  batchSize: number;
  /** Latents only: one forward pass at the posterior mean, everything it says brought to the host. */
  passImagesPerSecond: Spread;
  /** As `air infer` does it: a second pass, with noise, for the ELBO. */
  inferImagesPerSecond: Spread;
  /** Kernel calls of a pass. */
  kernels: number;
  /** The matrix products of a pass alone. */
  productsMs: Spread;
  /** The median of pass time / products. */
  passPerProducts: number;
  multiplyAdds: number;
};

/** Explains one batch of images again and again. */
export async function measureInference(
  model: Model,
  batch: ImageBatch,
  { warmup, repeats }: RepeatOptions,
): Promise<InferenceFigures> {
  const indices = Array.from({ length: batch.size }, (_, b) => b);
  const run = (samples: number): Promise<unknown> => {
    const options: ExplainOptions = { mode: 'mean', samples, seed: 0 };
    return explain(model, batch, indices, options);
  };
  await run(0);
  const watched = await watchKernels(() => run(0));
  const yardstick = new Yardstick(watched.products);
  const rounds: { pass: number; infer: number; products: number }[] = [];
  for (let round = 0; round < warmup + repeats; round++) {
    const pass = await timed(() => run(0));
    const products = await yardstick.time();
    const infer = await timed(() => run(1));
    if (round >= warmup) rounds.push({ pass, infer, products });
  }
  yardstick.dispose();
  const rate = (ms: number): number => (1000 * batch.size) / ms;
  return {
    batchSize: batch.size,
    passImagesPerSecond: spreadOf(rounds.map(({ pass }) => rate(pass))),
    inferImagesPerSecond: spreadOf(rounds.map(({ infer }) => rate(infer))),
    kernels: watched.count,
    productsMs: spreadOf(rounds.map(({ products }) => products)),
    passPerProducts: spreadOf(rounds.map(({ pass, products }) => pass / products)).median,
    multiplyAdds: multiplyAdds(watched.products),
  };
}
