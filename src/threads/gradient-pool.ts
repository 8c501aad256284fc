/**
 * Training steps on several threads, each with a wasm instance of its own: the parts of a batch are dealt out in turn,
 * their gradients come back through shared memory and are summed in the order of the parts. So the bytes of a model do
 * not depend on the number of threads.
 */
import type { ImageBatch } from '../core/images.js';
import type { Settings } from '../train/config.js';
import {
  type Gradients,
  type Learner,
  type Part,
  partsOf,
  type Said,
  type StepOutcome,
  type StepPlan,
} from '../train/learner.js';
import { type Layout, layoutOf, SharedTensors } from './shared-tensors.js';
import { Thread } from './thread.js';

/** What a thread is started with. */
export type GradientSetup = { settings: Settings; relaxedSimd: boolean; layout: Layout; weights: SharedArrayBuffer };

/** One part of a batch; its gradients go into memory of its own. */
export type PartRequest = { part: Part; gradients: SharedArrayBuffer };

export type GradientRequest = { plan: StepPlan; parts: PartRequest[] };

/** What was said of each part. */
export type GradientReply = Said[];

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
    const { layout, buffer } = this.weights;
    const setup: GradientSetup = { settings: learner.settings, relaxedSimd, layout, weights: buffer };
    this.threads = Array.from(
      { length: threads - 1 },
      () => new Thread(new URL('./gradient-thread.js', import.meta.url), setup),
    );
  }

  /** One step; this thread does its share. */
  async step(batch: ImageBatch, plan: StepPlan): Promise<StepOutcome> {
    const parts = partsOf(batch, this.subBatch);
    while (this.slots.length < parts.length) this.slots.push(new SharedTensors(this.weights.layout));
    const all = this.threads.length + 1;
    const shareOf = (thread: number) => parts.flatMap((_, k) => (k % all === thread ? [k] : []));

    this.weights.write(this.learner.params);
    const gradients: Gradients[] = new Array(parts.length);
    const elsewhere = this.threads.map(async (thread, t) => {
      const share = shareOf(t + 1);
      if (share.length === 0) return;
      const requests = share.map((k) => ({ part: withOwnPixels(parts[k]), gradients: this.slots[k].buffer }));
      const said = await thread.ask({ plan, parts: requests });
      for (const [r, k] of share.entries()) gradients[k] = { ...said[r], sum: this.slots[k].read() };
    });
    const here = async () => {
      for (const k of shareOf(0)) gradients[k] = await this.learner.gradients(parts[k], plan);
    };
    await Promise.all([here(), ...elsewhere]);
    return this.learner.finish(gradients, plan);
  }

  async close(): Promise<void> {
    await Promise.all(this.threads.map((thread) => thread.close()));
  }
}

/** A view of some pixels would take those of the whole batch along to the thread. */
function withOwnPixels(part: Part): Part {
  return { ...part, images: { ...part.images, pixels: part.images.pixels.slice() } };
}
