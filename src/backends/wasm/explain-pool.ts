/** Explains batches of images on several threads side by side; a batch is explained whole by one of them. */
import type { ModelConfig } from '../../core/config.js';
import type { Explained, ExplainOptions } from '../../core/explain.js';
import type { ImageBatch } from '../../core/images.js';
import type { Model } from '../../core/unroll.js';
import { Thread } from '../../thread.js';
import type { RelaxedSimd } from './module.js';
import { type Layout, layoutOf, SharedTensors } from './shared-tensors.js';

/** What a thread is started with. */
export type ExplainSetup = {
  config: ModelConfig;
  relaxedSimd: RelaxedSimd;
  layout: Layout;
  weights: SharedArrayBuffer;
};

export type ExplainRequest = { batch: ImageBatch; indices: readonly number[]; options: ExplainOptions };

export class ExplainPool {
  /** How many batches may be under way at once. */
  readonly width: number;
  private readonly setup: ExplainSetup;
  /** Started when first needed: one picture needs one thread. */
  private readonly threads: Thread<ExplainRequest, Explained[]>[] = [];
  private readonly idle: Thread<ExplainRequest, Explained[]>[] = [];

  constructor({ config, params }: Model, width: number, relaxedSimd: RelaxedSimd) {
    const shared = new SharedTensors(layoutOf(params));
    shared.write(params);
    this.setup = { config, relaxedSimd, layout: shared.layout, weights: shared.buffer };
    this.width = width;
  }

  /** As core's `explain`. At most `width` calls at a time. */
  async explain(batch: ImageBatch, indices: readonly number[], options: ExplainOptions): Promise<Explained[]> {
    const thread = this.idle.shift() ?? this.startThread();
    try {
      return await thread.ask({ batch, indices, options });
    } finally {
      this.idle.push(thread);
    }
  }

  private startThread(): Thread<ExplainRequest, Explained[]> {
    const thread = new Thread<ExplainRequest, Explained[]>(new URL('./explain-thread.js', import.meta.url), this.setup);
    this.threads.push(thread);
    return thread;
  }

  async close(): Promise<void> {
    await Promise.all(this.threads.map((thread) => thread.close()));
  }
}
