/** Explains batches of images on several threads side by side; a batch is explained whole by one of them. */
import type { ModelConfig } from '../../core/config.js';
import type { Explained, ExplainOptions } from '../../core/explain.js';
import type { ImageBatch } from '../../core/images.js';
import type { Model } from '../../core/unroll.js';
import type { RelaxedSimd } from './module.js';
import { type Layout, layoutOf, SharedTensors } from './shared-tensors.js';
import { Thread } from './thread.js';

/** What a thread is started with. */
export type ExplainSetup = {
  config: ModelConfig;
  relaxedSimd: RelaxedSimd;
  layout: Layout;
  weights: SharedArrayBuffer;
};

export type ExplainRequest = { batch: ImageBatch; indices: readonly number[]; options: ExplainOptions };

export class ExplainPool {
  private readonly idle: Thread<ExplainRequest, Explained[]>[];
  private readonly threads: readonly Thread<ExplainRequest, Explained[]>[];

  private constructor(threads: Thread<ExplainRequest, Explained[]>[]) {
    this.threads = threads;
    this.idle = [...threads];
  }

  static async start({ config, params }: Model, threads: number, relaxedSimd: RelaxedSimd): Promise<ExplainPool> {
    const shared = new SharedTensors(layoutOf(params));
    await shared.write(params);
    const setup: ExplainSetup = { config, relaxedSimd, layout: shared.layout, weights: shared.buffer };
    return new ExplainPool(Array.from({ length: threads }, () => new Thread('./explain-thread.js', setup)));
  }

  /** How many batches may be under way at once. */
  get width(): number {
    return this.threads.length;
  }

  /** As core's `explain`. At most `width` calls at a time. */
  async explain(batch: ImageBatch, indices: readonly number[], options: ExplainOptions): Promise<Explained[]> {
    const thread = this.idle.shift() as Thread<ExplainRequest, Explained[]>;
    const explained = await thread.ask({ batch, indices, options });
    this.idle.push(thread);
    return explained;
  }

  async close(): Promise<void> {
    await Promise.all(this.threads.map((thread) => thread.close()));
  }
}
