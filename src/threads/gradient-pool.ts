/**
 * Training steps on several threads, each with a wasm instance of its own: the parts of a batch are dealt out in turn,
 * their gradients come back through shared memory and are summed in the order of the parts. So the bytes of a model do
 * not depend on the number of threads.
 */

import type { ModelConfig } from '../core/config.js';
import type { ImageOutcome } from '../core/elbo.js';
import { type ImageBatch, sliceImages } from '../core/images.js';
import type { TrainConfig } from '../train/config.js';
import { type Gradients, type Learner, type StepOutcome, type StepPlan, subBatches } from '../train/learner.js';
import { type Layout, layoutOf, SharedTensors } from './shared-tensors.js';
import { Thread } from './thread.js';

/** What a thread is started with. */
export type GradientSetup = {
  config: ModelConfig;
  training: TrainConfig;
  relaxedSimd: boolean;
  layout: Layout;
  weights: SharedArrayBuffer;
};

/** One part of a batch: images [from, from + images.size) of `batch`; its gradients go into memory of its own. */
export type PartRequest = { from: number; images: ImageBatch; batch: number; gradients: SharedArrayBuffer };

export type GradientRequest = { plan: StepPlan; parts: PartRequest[] };

export type GradientReply = { outcomes: ImageOutcome[][] };

export class GradientPool {
  private readonly learner: Learner;
  private readonly subBatch: number;
  private readonly threads: Thread<GradientRequest, GradientReply>[];
  private readonly weights: SharedTensors;
  /** One per part of a batch, made when first needed. */
  private readonly slots: SharedTensors[] = [];

  /** @param threads this one included */
  constructor(learner: Learner, subBatch: number, threads: number, relaxedSimd: boolean) {
    this.learner = learner;
    this.subBatch = subBatch;
    this.weights = new SharedTensors(layoutOf(learner.params));
    const { config, training } = learner;
    const { layout, buffer } = this.weights;
    const setup: GradientSetup = { config, training, relaxedSimd, layout, weights: buffer };
    this.threads = Array.from(
      { length: threads - 1 },
      () => new Thread(new URL('./gradient-thread.js', import.meta.url), setup),
    );
  }

  /** One step; this thread does its share. */
  async step(batch: ImageBatch, plan: StepPlan): Promise<StepOutcome> {
    const parts = subBatches(batch.size, this.subBatch);
    while (this.slots.length < parts.length) this.slots.push(new SharedTensors(this.weights.layout));
    const all = this.threads.length + 1;
    const shareOf = (thread: number) => parts.flatMap((_, k) => (k % all === thread ? [k] : []));

    this.weights.write(this.learner.params);
    const gradients: Gradients[] = new Array(parts.length);
    const elsewhere = this.threads.map(async (thread, t) => {
      const share = shareOf(t + 1);
      if (share.length === 0) return;
      const requests = share.map((k) => {
        const [from, to] = parts[k];
        const { pixels, size } = sliceImages(batch, from, to);
        return { from, images: { pixels: pixels.slice(), size }, batch: batch.size, gradients: this.slots[k].buffer };
      });
      const { outcomes } = await thread.ask({ plan, parts: requests });
      for (const [r, k] of share.entries()) gradients[k] = { sum: this.slots[k].read(), outcomes: outcomes[r] };
    });
    const here = async () => {
      for (const k of shareOf(0)) {
        const [from, to] = parts[k];
        gradients[k] = await this.learner.gradients(sliceImages(batch, from, to), from, batch.size, plan);
      }
    };
    await Promise.all([here(), ...elsewhere]);
    return this.learner.finish(gradients, plan);
  }

  async close(): Promise<void> {
    await Promise.all(this.threads.map((thread) => thread.close()));
  }
}
