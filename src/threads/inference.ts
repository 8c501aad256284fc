/** Who infers what is in batches of images: this thread alone, or several, with the same result. */
import { availableParallelism } from 'node:os';
import type { Started } from '../backends/backend.js';
import type { ImageBatch } from '../core/images.js';
import { type InferOptions, infer } from '../core/infer.js';
import type { Latent } from '../core/latent.js';
import type { Model } from '../core/model.js';

/** Explains batches of images with one model. */
export type Inferrer = {
  /** How many batches may be under way at once. */
  readonly width: number;
  infer(batch: ImageBatch, indices: readonly number[], options: InferOptions): Promise<Latent[]>;
  close(): Promise<void>;
};

/**
 * Whoever explains images on a started backend.
 *
 * @param threads undefined for as many as there are cores, up to 8
 */
export async function makeInferrer(
  { canThread, relaxedSimd }: Started,
  model: Model,
  threads: number = Math.min(8, availableParallelism()),
): Promise<Inferrer> {
  if (canThread && threads > 1) {
    const { InferPool } = await import('./infer-pool.js');
    return new InferPool(model, threads, relaxedSimd);
  }
  return {
    width: 1,
    infer: (batch, indices, options) => infer(model, batch, indices, options),
    close: async () => {},
  };
}
