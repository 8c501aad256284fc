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
import { compiled, type VaryingNumbers } from '../core/ops/compiled.js';
import type { HostTensors, NamedTensors } from '../core/ops/weights.js';
import type { Outcome } from '../core/outcome.js';
import { initialWeights } from '../core/parameters.js';
import { Draws } from '../core/rng.js';
import { takeRows } from '../core/rows.js';
import { makeNoise } from '../core/unroll.js';
import { AirError } from '../errors.js';
import type { Settings } from './config.js';
import type { StepPlan } from './plan.js';
import { normsOf, Share, squaresOf, sumOf } from './share.js';
import { weightGroups } from './weight-groups.js';

/** `m` and `v` of Adam, or those of another optimiser. */
type MomentName = string;

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
  /** What the optimiser remembers comes back to the learner, whose weights are always those of the last step. */
  gather(): Promise<void>;
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
export function joinSaid(parts: readonly Said[]): Said {
  return { outcomes: parts.flatMap(({ outcomes }) => outcomes), fits: parts.flatMap(({ fits }) => fits) };
}

/** Whether the gradient has to be measured before weights are moved along it. */
export function mayClip({ training }: Settings): boolean {
  return training.clipNorm > 0;
}

export class Learner {
  readonly settings: Settings;
  private weights: NamedTensors;
  private readonly share: Share;

  /** Starts from the initial values of the seed. */
  constructor(settings: Settings) {
    this.settings = settings;
    const specs = weightGroups(settings).flatMap((group) => group.specs);
    this.weights = initialWeights(specs, settings.training.seed);
    this.share = new Share(settings, this.weights);
  }

  /** The weights as they are now; they are replaced at each step. */
  get params(): NamedTensors {
    return this.weights;
  }

  /** Weights that were moved elsewhere take the place of these, which are the caller's to dispose. */
  adopt(weights: NamedTensors): void {
    this.weights = weights;
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
    const gradients = sumOf(parts.map(({ sum }) => sum));
    const isMeasured = plan.wantsNorm || mayClip(this.settings);
    const norms = isMeasured ? normsOf(this.settings, await squaresOf(gradients)) : {};
    this.weights = this.share.move({ weights: this.weights, gradients }, plan, norms);
    return { ...joinSaid(parts), ...(plan.wantsNorm ? { gradientNorm: norms.model } : {}) };
  }

  /** A whole step on this instance. */
  async step(batch: ImageBatch, subBatch: number, plan: StepPlan): Promise<StepOutcome> {
    const parts: Gradients[] = [];
    for (const part of partsOf(batch, subBatch)) parts.push(await this.gradients(part, plan));
    return this.finish(parts, plan);
  }

  /** Names of what the optimiser remembers. */
  get momentNames(): readonly string[] {
    return this.share.momentNames;
  }

  /** Weights, or one of the optimiser's moments, on the host. */
  async read(which: 'params' | MomentName): Promise<HostTensors> {
    if (which !== 'params') return this.share.read(which, this.weights);
    const host: HostTensors = new Map();
    for (const [name, tensor] of Object.entries(this.weights)) {
      host.set(name, { shape: tensor.shape, values: (await tensor.data()) as Float32Array });
    }
    return host;
  }

  /** Replaces weights, or moments; names and shapes must be those of the model and its estimator. */
  write(which: 'params' | MomentName, values: HostTensors): void {
    if (which !== 'params') {
      this.share.write(which, values);
      return;
    }
    const written = Object.keys(this.weights).map((name) => {
      const { values: numbers, shape } = values.get(name) as { shape: number[]; values: Float32Array };
      return [name, tf.tensor(numbers, shape)];
    });
    tf.dispose(this.weights);
    this.weights = Object.fromEntries(written);
  }

  /** Goes on from what was saved: weights, and what the optimiser remembers of them where that was saved too. */
  restore({ params, moments = {} }: { params: HostTensors; moments?: { [moment: string]: HostTensors } }): void {
    this.write('params', params);
    for (const [moment, values] of Object.entries(moments)) this.write(moment, values);
  }

  dispose(): void {
    tf.dispose(this.weights);
    this.share.dispose();
  }
}
