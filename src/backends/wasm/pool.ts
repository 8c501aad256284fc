/**
 * Training steps on several threads, each with a wasm instance of its own: the parts of a batch are dealt out in turn,
 * their gradients come back through shared memory and are summed in the order of the parts. So the bytes of a model do
 * not depend on the number of threads.
 */
import { Worker } from 'node:worker_threads';
import type { ModelConfig, TrainConfig } from '../../core/config.js';
import type { ImageOutcome } from '../../core/count.js';
import { type ImageBatch, sliceImages } from '../../core/images.js';
import { type Gradients, type Learner, type StepOutcome, type StepPlan, subBatches } from '../../core/learner.js';
import { AirError } from '../../errors.js';
import type { RelaxedSimd } from './module.js';
import { type Layout, layoutOf, SharedTensors } from './shared-tensors.js';

/** What a thread is started with. */
export type WorkerSetup = {
  config: ModelConfig;
  training: TrainConfig;
  relaxedSimd: RelaxedSimd;
  layout: Layout;
  weights: SharedArrayBuffer;
};

/** One part of a batch: images [from, from + images.size) of `batch`; its gradients go into memory of its own. */
export type PartRequest = { from: number; images: ImageBatch; batch: number; gradients: SharedArrayBuffer };

export type WorkerRequest = { plan: StepPlan; parts: PartRequest[] };

export type WorkerReply = { outcomes: ImageOutcome[][] };

export class GradientPool {
  private readonly learner: Learner;
  private readonly subBatch: number;
  private readonly workers: Worker[];
  private readonly weights: SharedTensors;
  /** One per part of a batch, made when first needed. */
  private readonly slots: SharedTensors[] = [];
  private failure: Error | undefined;
  private onFailure: ((error: Error) => void) | undefined;

  /** @param threads this one included */
  constructor(learner: Learner, subBatch: number, threads: number, relaxedSimd: RelaxedSimd) {
    this.learner = learner;
    this.subBatch = subBatch;
    this.weights = new SharedTensors(layoutOf(learner.params));
    const { config, training } = learner;
    const { layout, buffer } = this.weights;
    const workerData: WorkerSetup = { config, training, relaxedSimd, layout, weights: buffer };
    this.workers = Array.from({ length: threads - 1 }, () => {
      const worker = new Worker(new URL('./gradient-worker.js', import.meta.url), { workerData });
      worker.on('error', (cause) =>
        this.fail(new AirError('bug', `a training thread failed: ${cause}`, undefined, { cause })),
      );
      worker.unref();
      return worker;
    });
  }

  private fail(error: Error): void {
    this.failure = error;
    this.onFailure?.(error);
  }

  /** One step; this thread does its share. */
  async step(batch: ImageBatch, plan: StepPlan): Promise<StepOutcome> {
    if (this.failure) throw this.failure;
    const parts = subBatches(batch.size, this.subBatch);
    while (this.slots.length < parts.length) this.slots.push(new SharedTensors(this.weights.layout));
    const threads = this.workers.length + 1;
    const shareOf = (thread: number) => parts.flatMap((_, k) => (k % threads === thread ? [k] : []));

    await this.weights.write(this.learner.params);
    const gradients: Gradients[] = new Array(parts.length);
    const replies = this.workers.map(async (worker, w) => {
      const share = shareOf(w + 1);
      if (share.length === 0) return;
      const requests = share.map((k) => {
        const [from, to] = parts[k];
        const { pixels, size } = sliceImages(batch, from, to);
        const images = { pixels: pixels.slice(), size };
        return { from, images, batch: batch.size, gradients: this.slots[k].buffer };
      });
      const { outcomes } = await this.ask(worker, { plan, parts: requests });
      share.forEach((k, r) => {
        gradients[k] = { sum: this.slots[k].read(), outcomes: outcomes[r] };
      });
    });
    for (const k of shareOf(0)) {
      const [from, to] = parts[k];
      gradients[k] = await this.learner.gradients(sliceImages(batch, from, to), from, batch.size, plan);
    }
    await Promise.all(replies);
    return this.learner.finish(gradients, plan);
  }

  private ask(worker: Worker, request: WorkerRequest): Promise<WorkerReply> {
    return new Promise((resolve, reject) => {
      this.onFailure = reject;
      worker.once('message', resolve);
      worker.postMessage(request);
    });
  }

  async close(): Promise<void> {
    await Promise.all(this.workers.map((worker) => worker.terminate()));
  }
}
