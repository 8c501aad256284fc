/** Explains batches of images on several threads side by side; a batch is explained whole by one of them. */
import type { ModelConfig } from '../core/config.js';
import type { ImageBatch } from '../core/images.js';
import type { InferOptions } from '../core/infer.js';
import type { Latent } from '../core/latent.js';
import type { Model } from '../core/model.js';
import { type Layout, layoutOf, SharedTensors } from './shared-tensors.js';
import { Thread } from './thread.js';

/** What a thread is started with. */
export type InferSetup = {
  config: ModelConfig;
  relaxedSimd: boolean;
  layout: Layout;
  weights: SharedArrayBuffer;
};

export type InferRequest = { batch: ImageBatch; indices: readonly number[]; options: InferOptions };

export class InferPool {
  /** How many batches may be under way at once. */
  readonly width: number;
  private readonly setup: InferSetup;
  /** Started when first needed: one picture needs one thread. */
  private readonly threads: Thread<InferRequest, Latent[]>[] = [];
  private readonly idle: Thread<InferRequest, Latent[]>[] = [];

  constructor({ config, params }: Model, width: number, relaxedSimd: boolean) {
    const layout = layoutOf(params);
    const shared = new SharedTensors(layout);
    shared.write(params);
    this.setup = { config, relaxedSimd, layout, weights: shared.buffer };
    this.width = width;
  }

  /** As core's `infer`. At most `width` calls at a time. */
  async infer(batch: ImageBatch, indices: readonly number[], options: InferOptions): Promise<Latent[]> {
    const thread = this.idle.shift() ?? this.startThread();
    try {
      return await thread.ask({ batch, indices, options });
    } finally {
      this.idle.push(thread);
    }
  }

  private startThread(): Thread<InferRequest, Latent[]> {
    const thread = new Thread<InferRequest, Latent[]>(new URL('./infer-thread.js', import.meta.url), this.setup);
    this.threads.push(thread);
    return thread;
  }

  async close(): Promise<void> {
    await Promise.all(this.threads.map((thread) => thread.close()));
  }
}
