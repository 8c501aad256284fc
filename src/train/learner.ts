/**
 * Training steps. A batch is cut into parts, the same way whoever computes; the gradients of the parts are summed in their
 * order; then every group of weights takes a step of its optimiser. So the bytes of a model do not depend on who computed
 * which part.
 */
import * as tf from '@tensorflow/tfjs';
import type { ModelConfig } from '../core/config.js';
import { estimate, type Given, type ImageFit } from '../core/estimators/estimator.js';
import { makeEstimator } from '../core/estimators/estimators.js';
import type { StepNoise } from '../core/guide.js';
import { type ImageBatch, sliceImages, toIntensities } from '../core/images.js';
import { makeModel } from '../core/model.js';
import { accumulate } from '../core/ops/accumulate.js';
import { compiled, type VaryingNumbers } from '../core/ops/compiled.js';
import { type NamedTensors, named } from '../core/ops/weights.js';
import type { Outcome } from '../core/outcome.js';
import { initialWeights } from '../core/parameters.js';
import { Draws } from '../core/rng.js';
import { takeRows } from '../core/rows.js';
import { makeNoise } from '../core/unroll.js';
import { AirError } from '../errors.js';
import type { Settings } from './config.js';
import type { Moments, Optimiser } from './optimisers/optimiser.js';
import { optimisers } from './optimisers/optimisers.js';
import { type GroupName, weightGroups } from './weight-groups.js';

/** Weights and moments on the host, by name: what a checkpoint holds, and what travels between threads. */
export type HostTensors = Map<string, { shape: number[]; values: Float32Array }>;

/** `m` and `v` of Adam, or those of another optimiser. */
type MomentName = string;

/** What one step needs besides weights and images. */
export type StepPlan = {
  /** From 1; names the noise. */
  step: number;
  /** The learning rate of each group of weights. */
  rates: { readonly [group in GroupName]: number };
  /** log p(n), n = 0..N */
  logPrior: readonly number[];
  /** Whether to measure the norm of the gradient. */
  wantsNorm: boolean;
  /** Known counts of the images of the batch, -1 where there is none; undefined: none are known. */
  counts?: readonly number[];
};

/** Images [from, from + images.size) of a batch of so many. */
export type Part = { images: ImageBatch; from: number; batch: number };

/** What a pass said of each image, and what the baseline thought of it, if there is one. */
export type Said = { outcomes: Outcome[]; fits: ImageFit[] };

/** Of one part of a batch: its summed gradients by weight name, and what was said. */
export type Gradients = Said & { sum: NamedTensors };

export type StepOutcome = Said & { gradientNorm?: number };

/** Whoever does the steps: this thread alone, or several. */
export type Stepper = {
  step(batch: ImageBatch, plan: StepPlan): Promise<StepOutcome>;
  close(): Promise<void>;
};

/**
 * The parts of a batch, [from, to) each, in order: all of about one size, at most `most`; and an even number of them if more
 * than one, so that two threads, or four, have the same to do.
 */
export function subBatches(size: number, most: number): [from: number, to: number][] {
  const needed = Math.ceil(size / Math.min(size || 1, most));
  const count = needed > 1 ? Math.min(size, needed + (needed % 2)) : needed;
  const start = (part: number) => Math.round((part * size) / count);
  return Array.from({ length: count }, (_, part) => [start(part), start(part + 1)]);
}

/** A batch cut at `subBatches`. */
export function partsOf(batch: ImageBatch, most: number): Part[] {
  return subBatches(batch.size, most).map(([from, to]) => {
    return { images: sliceImages(batch, from, to), from, batch: batch.size };
  });
}

/** Steps are far fewer: the k-th draw of an image has the sequence of its first one, so many steps later for each k. */
const STEPS_BETWEEN_DRAWS = 2 ** 32;

/** The noise of a part of a step's batch: as many draws as the estimator needs, image by image. Caller disposes. */
export function partNoise({ config, training }: Settings, step: number, { from, images }: Part): StepNoise[] {
  const { draws } = makeEstimator(training);
  const rows = Array.from({ length: images.size * draws }, (_, row) => {
    const [b, k] = [Math.floor(row / draws), row % draws];
    return new Draws(training.seed, 'trainNoise', step + k * STEPS_BETWEEN_DRAWS, from + b);
  });
  return makeNoise(config, rows);
}

/** Uniform numbers [B, N] for drawing the counts of a part's images. */
function partUniforms({ config, training }: Settings, step: number, { from, images }: Part): tf.Tensor2D {
  const rows = Array.from({ length: images.size }, (_, b) => {
    const draws = new Draws(training.seed, 'counts', step, from + b);
    return Array.from({ length: config.modelSteps }, () => draws.uniform());
  });
  return tf.tensor2d(rows, [images.size, config.modelSteps]);
}

/** `weight` at the known count of each image, 0 elsewhere: [B, N+1]. */
function countWeightsOf(counts: readonly number[], weight: number, { modelSteps }: ModelConfig): tf.Tensor2D {
  const columns = Array.from({ length: modelSteps + 1 }, (_, n) => n);
  return tf.tensor2d(counts.map((count) => columns.map((n) => (n === count ? weight : 0))));
}

/** What the gradients of a part are made of. */
type PartTensors = {
  weights: NamedTensors;
  images: tf.Tensor3D;
  noise: StepNoise[];
  /** For estimators that draw the count. */
  uniforms: tf.Tensor2D | undefined;
  /** Where counts are known. */
  countWeights: tf.Tensor2D | undefined;
};

const estimated = compiled(
  (
    { config, training }: Settings,
    { weights, images, noise, uniforms, countWeights }: PartTensors,
    numbers: VaryingNumbers<{ logPrior: readonly number[]; scale: number }>,
  ) => {
    const given: Given = { ...numbers, uniforms: () => drawnWith(uniforms), ...(countWeights ? { countWeights } : {}) };
    return estimate(makeEstimator(training), makeModel(config, weights), { images, noise }, given);
  },
);

/** @throws AirError 'bug' if an estimator that does not draw the count asks for what it is drawn with */
function drawnWith(uniforms: tf.Tensor2D | undefined): tf.Tensor2D {
  if (uniforms === undefined) throw new AirError('bug', 'an estimator draws the count and does not say so');
  return uniforms;
}

/**
 * Gradients of the mean over a batch of -ELBO, and of -sumWeight * log q(count) where a count is known, summed over the
 * images of one part. Caller disposes `sum`.
 */
export async function partGradients(
  settings: Settings,
  weights: NamedTensors,
  part: Part,
  plan: StepPlan,
): Promise<Gradients> {
  const { config, training } = settings;
  const counts = plan.counts?.slice(part.from, part.from + part.images.size) ?? [];
  const isKnown = counts.some((n) => n >= 0);
  const { gradients, outcome, fit } = tf.tidy(() => {
    const tensors: PartTensors = {
      weights,
      images: toIntensities(part.images, config.canvas),
      noise: partNoise(settings, plan.step, part),
      uniforms: makeEstimator(training).drawsCount ? partUniforms(settings, plan.step, part) : undefined,
      countWeights: isKnown ? countWeightsOf(counts, training.sumWeight, config) : undefined,
    };
    return estimated(settings, tensors, { logPrior: plan.logPrior, scale: -1 / part.batch });
  });
  const [outcomes, fits] = await Promise.all([takeRows(outcome), fit ? takeRows(fit) : []]);
  return { sum: gradients, outcomes, fits };
}

/** What was said of a whole batch, in order. */
function joinSaid(parts: readonly Said[]): Said {
  return { outcomes: parts.flatMap(({ outcomes }) => outcomes), fits: parts.flatMap(({ fits }) => fits) };
}

export class Learner {
  readonly settings: Settings;
  private weights: NamedTensors;
  private readonly groups: readonly { name: GroupName; weights: readonly string[] }[];
  private readonly optimiser: Optimiser;
  /** Of each group. */
  private moments: Moments[];

  /** Starts from the initial values of the seed. */
  constructor(settings: Settings) {
    this.settings = settings;
    const specs = weightGroups(settings);
    this.weights = initialWeights(
      specs.flatMap((group) => group.specs),
      settings.training.seed,
    );
    this.groups = specs.map((group) => ({ name: group.name, weights: group.specs.map(({ name }) => name) }));
    this.optimiser = optimisers[settings.training.optimiser];
    this.moments = this.groups.map((group) => this.optimiser.start(this.pick(this.weights, group)));
  }

  /** The weights as they are now; they are replaced at each step. */
  get params(): NamedTensors {
    return this.weights;
  }

  private pick(tensors: NamedTensors, { weights }: { weights: readonly string[] }): NamedTensors {
    return Object.fromEntries(weights.map((name) => [name, tensors[name]]));
  }

  /** Gradients of a part of a batch, at the weights as they are now. Caller disposes `sum`. */
  gradients(part: Part, plan: StepPlan): Promise<Gradients> {
    return partGradients(this.settings, this.weights, part, plan);
  }

  /**
   * Ends a step: sums the gradients of its parts in their order, and takes one step of the optimiser. Consumes the gradients.
   *
   * @returns what was said of all images in order, and the norm of the model's summed gradient if the plan asks for it
   */
  async finish(parts: readonly Gradients[], plan: StepPlan): Promise<StepOutcome> {
    let sum: NamedTensors | undefined;
    for (const part of parts) sum = accumulate(sum, part.sum);
    const gradients = sum as NamedTensors;
    const { training } = this.settings;
    const ofGroups = this.groups.map((group) => this.pick(gradients, group));
    // of the model's weights it is asked for now and then, of all if they are to be clipped
    const wanted = training.clipNorm > 0 ? ofGroups : plan.wantsNorm ? ofGroups.slice(0, 1) : [];
    const norms = await Promise.all(wanted.map((group) => norm(Object.values(group))));
    const gradientNorm = plan.wantsNorm ? norms[0] : undefined;
    const next: NamedTensors = {};
    this.moments = this.groups.map((group, g) => {
      const isLong = training.clipNorm > 0 && norms[g] > training.clipNorm;
      const clipped = isLong ? shorten(ofGroups[g], training.clipNorm / norms[g]) : ofGroups[g];
      const given = { weights: this.pick(this.weights, group), gradients: clipped };
      const pace = { step: plan.step, rate: plan.rates[group.name] };
      const stepped = this.optimiser.step(given, this.moments[g], pace, training);
      Object.assign(next, stepped.weights);
      return stepped.moments;
    });
    this.weights = next;
    return { ...joinSaid(parts), ...(gradientNorm === undefined ? {} : { gradientNorm }) };
  }

  /** A whole step on this instance. */
  async step(batch: ImageBatch, subBatch: number, plan: StepPlan): Promise<StepOutcome> {
    const parts: Gradients[] = [];
    for (const part of partsOf(batch, subBatch)) parts.push(await this.gradients(part, plan));
    return this.finish(parts, plan);
  }

  /** Names of what the optimiser remembers. */
  get momentNames(): readonly string[] {
    return this.optimiser.moments;
  }

  /** Weights, or one of the optimiser's moments, on the host. */
  async read(which: 'params' | MomentName): Promise<HostTensors> {
    const host: HostTensors = new Map();
    for (const [g, group] of this.groups.entries()) {
      const flat = which === 'params' ? undefined : ((await this.moments[g][which].data()) as Float32Array);
      let start = 0;
      for (const name of group.weights) {
        const { shape, size } = this.weights[name];
        const values = flat?.slice(start, start + size) ?? ((await this.weights[name].data()) as Float32Array);
        host.set(name, { shape, values });
        start += size;
      }
    }
    return host;
  }

  /** Replaces weights, or moments; names and shapes must be those of the model and its estimator. */
  write(which: 'params' | MomentName, values: HostTensors): void {
    const valuesOf = (name: string) => values.get(name) as { shape: number[]; values: Float32Array };
    if (which === 'params') {
      const written = Object.keys(this.weights).map((name) => {
        const { values: numbers, shape } = valuesOf(name);
        return [name, tf.tensor(numbers, shape)];
      });
      tf.dispose(this.weights);
      this.weights = Object.fromEntries(written);
      return;
    }
    for (const [g, { weights }] of this.groups.entries()) {
      const flat = new Float32Array(this.moments[g][which].size);
      let start = 0;
      for (const name of weights) {
        flat.set(valuesOf(name).values, start);
        start += valuesOf(name).values.length;
      }
      this.moments[g][which].dispose();
      this.moments[g][which] = tf.tensor1d(flat);
    }
  }

  dispose(): void {
    tf.dispose([this.weights, this.moments]);
  }
}

/** Gradients times a number; consumes them. */
function shorten(gradients: NamedTensors, factor: number): NamedTensors {
  const names = Object.keys(gradients);
  const shorter = names.map((name) => tf.mul(gradients[name], factor));
  tf.dispose(gradients);
  return named(names, shorter);
}

/** Euclidean norm of all gradients together. */
async function norm(gradients: readonly tf.Tensor[]): Promise<number> {
  const squares = tf.tidy(() => tf.stack(gradients.map((gradient) => tf.sum(tf.square(gradient)))));
  const values = await squares.data();
  squares.dispose();
  return Math.sqrt((values as Float32Array).reduce((sum, value) => sum + value, 0));
}
