/**
 * What each thread does of a training step. It takes parts of the batch as long as there are any, and leaves their gradients
 * where the others find them; then it sums those by its share of the weights, moves that share, and leaves the result. All of it
 * through memory that the threads share, but for what goes over in messages once a step.
 */
import * as tf from '@tensorflow/tfjs';
import type { NamedTensors } from '../core/ops/weights.js';
import type { Settings } from '../train/config.js';
import { type Gradients, partGradients, partsOf } from '../train/learner.js';
import type { StepPlan } from '../train/plan.js';
import { type Norms, pick, Share, type Squares, squaresOf, sumOf } from '../train/share.js';
import { type Columns, toColumns } from './columns.js';
import { type Layout, SharedTensors } from './shared-tensors.js';

/** What the threads of a run have in common. */
export type Commons = {
  settings: Settings;
  /** Images of a part, at most. */
  subBatch: number;
  relaxedSimd: boolean;
  layout: Layout;
  weights: SharedArrayBuffer;
  /** What the optimiser remembers, by moment; up to date when it was asked for. */
  moments: { readonly [moment: string]: SharedArrayBuffer };
  /** One number: of the parts of the batch, the next that nobody has taken. */
  next: SharedArrayBuffer;
  /** The weights that each thread moves, by name. */
  shares: readonly (readonly string[])[];
};

/** The batch of a step, and memory for the gradients of each of its parts. */
export type Batch = {
  plan: StepPlan;
  size: number;
  pixels: SharedArrayBuffer;
  gradients: readonly SharedArrayBuffer[];
};

/** What a thread found of the images of a part: many small rows, which go over to another thread as a few columns. */
export type PartSaid = { part: number; outcomes: Columns; fits: Columns };

export class StepHand {
  private readonly commons: Commons;
  private readonly shared: SharedTensors;
  private readonly share: Share;
  private readonly mine: readonly string[];
  private readonly others: readonly string[];
  private readonly current: NamedTensors;
  /** The step under way. */
  private batch: Batch | undefined;
  /** Gradients of the parts that this thread took, by its share. */
  private readonly ofParts = new Map<number, NamedTensors>();
  private sum: NamedTensors = {};

  /** @param me which of the threads this is  @param weights on this thread's heap; none: those of the commons */
  constructor(commons: Commons, me: number, weights?: NamedTensors) {
    this.commons = commons;
    this.shared = new SharedTensors(commons.layout, commons.weights);
    this.current = { ...(weights ?? this.shared.read()) };
    this.mine = commons.shares[me];
    this.others = commons.shares.flatMap((names, thread) => (thread === me ? [] : names));
    this.share = new Share(commons.settings, pick(this.current, this.mine));
    for (const [moment, buffer] of Object.entries(commons.moments)) {
      this.share.write(moment, new SharedTensors(commons.layout, buffer).readHost());
    }
  }

  /** All weights, as this thread knows them. */
  get weights(): NamedTensors {
    return { ...this.current };
  }

  /** Takes parts until none is left. */
  async takeParts(batch: Batch): Promise<PartSaid[]> {
    const { settings, subBatch, layout, next } = this.commons;
    const { plan, size, pixels, gradients } = batch;
    this.batch = batch;
    const parts = partsOf({ size, pixels: new Uint8Array(pixels, 0, size * bytesOfImage(settings)) }, subBatch);
    const taken = new Int32Array(next);
    const found: PartSaid[] = [];
    for (let part = Atomics.add(taken, 0, 1); part < parts.length; part = Atomics.add(taken, 0, 1)) {
      const { sum, ...said }: Gradients = await partGradients(settings, this.current, parts[part], plan);
      const theirs = pick(sum, this.others);
      new SharedTensors(layout, gradients[part]).write(theirs);
      tf.dispose(theirs);
      this.ofParts.set(part, pick(sum, this.mine));
      found.push({ part, outcomes: toColumns(said.outcomes), fits: toColumns(said.fits) });
    }
    return found;
  }

  /** Sums the gradients of all parts by this share, in the order of the parts; once every part is done. */
  async sumShare(isMeasured: boolean): Promise<Squares> {
    const { layout } = this.commons;
    const { gradients } = this.batch as Batch;
    const ofPart = (slot: SharedArrayBuffer, part: number) =>
      this.ofParts.get(part) ?? new SharedTensors(layout, slot).read(this.mine);
    this.sum = sumOf(gradients.map(ofPart));
    this.ofParts.clear();
    return isMeasured ? squaresOf(this.sum) : {};
  }

  /** Moves this share, for the others to see. @param norms of the whole gradient */
  moveShare(norms: Norms): void {
    const { plan } = this.batch as Batch;
    const moved = this.share.move({ weights: pick(this.current, this.mine), gradients: this.sum }, plan, norms);
    this.shared.write(moved);
    this.sum = {};
    Object.assign(this.current, moved);
  }

  /** Takes over what the others moved; once all have. */
  takeOver(): void {
    tf.dispose(pick(this.current, this.others));
    Object.assign(this.current, this.shared.read(this.others)); // they keep their order
  }

  /** Puts what the optimiser remembers of this share into the commons. */
  async tellMoments(): Promise<void> {
    for (const [moment, buffer] of Object.entries(this.commons.moments)) {
      new SharedTensors(this.commons.layout, buffer).writeHost(await this.share.read(moment, this.current));
    }
  }

  /** The weights stay the caller's. */
  dispose(): void {
    this.share.dispose();
  }
}

function bytesOfImage({ config }: Settings): number {
  return config.canvas[0] * config.canvas[1];
}
