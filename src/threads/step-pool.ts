/**
 * Training steps on several threads, each with a wasm instance of its own. The parts of a batch are dealt out as threads become
 * free; their gradients are summed in the order of the parts, and the weights moved, by shares, each thread its own. So the bytes
 * of a model do not depend on the number of threads, nor on who was faster.
 */
import type { ImageBatch } from '../core/images.js';
import {
  joinSaid,
  type Learner,
  mayClip,
  type Said,
  type StepOutcome,
  type Stepper,
  subBatches,
} from '../train/learner.js';
import type { StepPlan } from '../train/plan.js';
import { type Norms, normsOf, type Squares } from '../train/share.js';
import { toRows } from './columns.js';
import { type Layout, layoutOf, SharedTensors } from './shared-tensors.js';
import { type Batch, type Commons, type PartSaid, StepHand } from './step-hand.js';
import { Thread } from './thread.js';

/** What a thread is started with. */
export type StepSetup = { commons: Commons; me: number };

/** In turn: the parts of a step; once all are done, its end, in one go or, where the gradient may be clipped, in two. */
export type StepRequest =
  | { ask: 'parts'; batch: Batch }
  | { ask: 'sum'; isMeasured: boolean }
  | { ask: 'move'; norms: Norms }
  | { ask: 'moments' };

export type StepReply = { said?: PartSaid[]; squares?: Squares };

export class StepPool implements Stepper {
  private readonly learner: Learner;
  private readonly commons: Commons;
  private readonly here: StepHand;
  private readonly threads: Thread<StepRequest, StepReply>[];
  private pixels = new SharedArrayBuffer(0);
  /** For the gradients of each part of a batch, made when first needed. */
  private readonly gradients: SharedArrayBuffer[] = [];

  private constructor(learner: Learner, commons: Commons) {
    this.learner = learner;
    this.commons = commons;
    this.here = new StepHand(commons, 0, learner.params);
    this.threads = commons.shares.slice(1).map((_, t) => {
      const setup: StepSetup = { commons, me: t + 1 };
      return new Thread(new URL('./step-thread.js', import.meta.url), setup);
    });
  }

  /** From here on the pool does the learner's steps. @param width threads, this one included */
  static async start(learner: Learner, subBatch: number, width: number, relaxedSimd: boolean): Promise<StepPool> {
    const layout = layoutOf(learner.params);
    const weights = new SharedTensors(layout);
    weights.write(learner.params);
    const moments: { [moment: string]: SharedArrayBuffer } = {};
    for (const name of learner.momentNames) {
      const moment = new SharedTensors(layout);
      moment.writeHost(await learner.read(name));
      moments[name] = moment.buffer;
    }
    const next = new SharedArrayBuffer(4);
    const { settings } = learner;
    const shares = sharesOf(layout, width);
    const ofAll = { settings, subBatch, relaxedSimd, layout, weights: weights.buffer, moments, next, shares };
    return new StepPool(learner, ofAll);
  }

  /** One step; this thread does its share. */
  async step(images: ImageBatch, plan: StepPlan): Promise<StepOutcome> {
    const batch = this.lay(images, plan);
    const [theirs, mine] = await Promise.all([this.askAll({ ask: 'parts', batch }), this.here.takeParts(batch)]);
    const said: Said[] = [];
    for (const { part, outcomes, fits } of [mine, ...theirs.map((reply) => reply.said as PartSaid[])].flat()) {
      said[part] = { outcomes: toRows(outcomes), fits: toRows(fits) };
    }

    const isClipped = mayClip(this.learner.settings);
    const isMeasured = plan.wantsNorm || isClipped;
    const sumHere = async (): Promise<Squares> => {
      const squares = await this.here.sumShare(isMeasured);
      if (!isClipped) this.here.moveShare({});
      return squares;
    };
    const [sums, squares] = await Promise.all([this.askAll({ ask: 'sum', isMeasured }), sumHere()]);
    const ofAll: Squares = Object.assign({}, squares, ...sums.map((reply) => reply.squares));
    const norms = isMeasured ? normsOf(this.learner.settings, ofAll) : {};
    if (isClipped) {
      const moves = this.askAll({ ask: 'move', norms });
      this.here.moveShare(norms);
      await moves;
    }
    this.here.takeOver();
    this.learner.adopt(this.here.weights);
    return { ...joinSaid(said), ...(plan.wantsNorm ? { gradientNorm: norms.model as number } : {}) };
  }

  /** A batch in memory that all threads see, none of it taken. */
  private lay({ pixels, size }: ImageBatch, plan: StepPlan): Batch {
    const { layout, subBatch, next } = this.commons;
    if (this.pixels.byteLength < pixels.length) this.pixels = new SharedArrayBuffer(pixels.length);
    new Uint8Array(this.pixels).set(pixels);
    const parts = subBatches(size, subBatch).length;
    while (this.gradients.length < parts) this.gradients.push(new SharedTensors(layout).buffer);
    new Int32Array(next)[0] = 0;
    return { plan, size, pixels: this.pixels, gradients: this.gradients.slice(0, parts) };
  }

  private askAll(request: StepRequest): Promise<StepReply[]> {
    return Promise.all(this.threads.map((thread) => thread.ask(request)));
  }

  /** What the optimiser remembers comes back to the learner. */
  async gather(): Promise<void> {
    await Promise.all([this.here.tellMoments(), this.askAll({ ask: 'moments' })]);
    for (const [moment, buffer] of Object.entries(this.commons.moments)) {
      this.learner.write(moment, new SharedTensors(this.commons.layout, buffer).readHost());
    }
  }

  async close(): Promise<void> {
    await Promise.all(this.threads.map((thread) => thread.close()));
    this.here.dispose();
  }
}

/** The weights dealt out so that each thread has about as many numbers: the largest first, each to who has the least. */
export function sharesOf(layout: Layout, width: number): string[][] {
  const shares = Array.from({ length: width }, () => ({ names: [] as string[], size: 0 }));
  const sized = layout.map(({ name, shape }) => ({ name, size: shape.reduce((size, side) => size * side, 1) }));
  for (const { name, size } of sized.toSorted((a, b) => b.size - a.size)) {
    const least = shares.reduce((a, b) => (b.size < a.size ? b : a));
    least.names.push(name);
    least.size += size;
  }
  return shares.map(({ names }) => names);
}
