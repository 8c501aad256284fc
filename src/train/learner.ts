/**
 * One training step, in parts: a batch is cut the same way whoever computes, and the gradients of its parts are summed in
 * their order, so that the bytes do not depend on who computed which; then Adam.
 */
import * as tf from '@tensorflow/tfjs';
import type { ModelConfig } from '../core/config.js';
import { geometricLogProbs } from '../core/count.js';
import type { ImageOutcome } from '../core/elbo.js';
import { elboGradients } from '../core/estimators/enumerate.js';
import type { StepNoise } from '../core/guide.js';
import { type ImageBatch, sliceImages, toIntensities } from '../core/images.js';
import { accumulate } from '../core/ops/accumulate.js';
import type { Moments } from '../core/ops/adam.js';
import type { NamedTensors } from '../core/ops/weights.js';
import { initialParams } from '../core/parameters.js';
import { Draws } from '../core/rng.js';
import { copyRows } from '../core/rows.js';
import { makeModel, makeNoise } from '../core/unroll.js';
import type { TrainConfig } from './config.js';
import { adamStep, initialMoments } from './optimisers/adam.js';

/** Weights and moments on the host, by name: what a checkpoint holds, and what travels between threads. */
export type HostTensors = Map<string, { shape: number[]; values: Float32Array }>;

/** What one step needs besides weights and images. */
export type StepPlan = {
  /** From 1; names the noise. */
  step: number;
  learningRate: number;
  /** k of the prior over n. */
  zPresPrior: number;
  /** Whether to measure the norm of the gradient. */
  wantsNorm: boolean;
  /** Known counts of the images of the batch, -1 where there is none; undefined: none are known. */
  counts?: readonly number[];
};

/** Of one part of a batch: its summed gradients by weight name, and what the pass said of each image. */
export type Gradients = { sum: NamedTensors; outcomes: ImageOutcome[] };

export type StepOutcome = { outcomes: ImageOutcome[]; gradientNorm?: number };

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

/** The noise of images [from, from + size) of a step's batch. Caller disposes. */
export function partNoise(config: ModelConfig, seed: number, step: number, from: number, size: number): StepNoise[] {
  return makeNoise(
    config,
    Array.from({ length: size }, (_, b) => new Draws(seed, 'trainNoise', step, from + b)),
  );
}

/**
 * Gradients of the mean over a batch of -ELBO, summed over images [from, from + part.size) of it. Caller disposes `sum`.
 *
 * @param batch size of the whole batch  @param from index of the first image in the whole batch
 */
export async function partGradients(
  config: ModelConfig,
  { seed, sumWeight }: TrainConfig,
  weights: NamedTensors,
  part: ImageBatch,
  from: number,
  batch: number,
  plan: StepPlan,
): Promise<Gradients> {
  const counts = plan.counts?.slice(from, from + part.size) ?? [];
  const known = counts.some((n) => n >= 0) ? { counts, weight: sumWeight } : undefined;
  const logPrior = geometricLogProbs(plan.zPresPrior, config.modelSteps);
  const { gradients, outcome } = tf.tidy(() => {
    const images = toIntensities(part, config.canvas);
    return elboGradients(
      makeModel(config, weights),
      images,
      partNoise(config, seed, plan.step, from, part.size),
      logPrior,
      batch,
      known,
    );
  });
  const { zPresLogits, logLik, whereKl, whatKl } = outcome;
  const [logits, liks, wheres, whats] = await Promise.all([zPresLogits, logLik, whereKl, whatKl].map(copyRows));
  tf.dispose(Object.values(outcome));
  const outcomes = logits.map((logit, b) => ({
    zPresLogits: logit,
    logLik: liks[b],
    whereKl: wheres[b],
    whatKl: whats[b],
  }));
  return { sum: gradients, outcomes };
}

export class Learner {
  readonly config: ModelConfig;
  readonly training: TrainConfig;
  private weights: NamedTensors;
  private moments: Moments;

  /** Starts from the initial values of the seed. */
  constructor(config: ModelConfig, training: TrainConfig) {
    this.config = config;
    this.training = training;
    this.weights = initialParams(config, training.seed);
    this.moments = initialMoments(this.weights);
  }

  /** The weights as they are now; they are replaced at each step. */
  get params(): NamedTensors {
    return this.weights;
  }

  /** Gradients of images [from, from + part.size) of a batch, at the weights as they are now. Caller disposes `sum`. */
  gradients(part: ImageBatch, from: number, batch: number, plan: StepPlan): Promise<Gradients> {
    return partGradients(this.config, this.training, this.weights, part, from, batch, plan);
  }

  /**
   * Ends a step: sums the gradients of its parts in their order, and takes one step of Adam. Consumes the gradients.
   *
   * @returns the outcomes of all images in order, and the norm of the summed gradient if the plan asks for it
   */
  async finish(parts: readonly Gradients[], plan: StepPlan): Promise<StepOutcome> {
    let sum: NamedTensors | undefined;
    for (const part of parts) sum = accumulate(sum, part.sum);
    const gradients = sum as NamedTensors;
    const gradientNorm = plan.wantsNorm ? await norm(Object.values(gradients)) : undefined;
    const { adamBeta1: beta1, adamBeta2: beta2, adamEpsilon: epsilon } = this.training;
    const options = { beta1, beta2, epsilon };
    const next = adamStep(this.weights, gradients, this.moments, plan.step, plan.learningRate, options);
    this.weights = next.params;
    this.moments = next.moments;
    const outcomes = parts.flatMap((part) => part.outcomes);
    return gradientNorm === undefined ? { outcomes } : { outcomes, gradientNorm };
  }

  /** A whole step on this instance. */
  async step(batch: ImageBatch, subBatch: number, plan: StepPlan): Promise<StepOutcome> {
    const parts: Gradients[] = [];
    for (const [from, to] of subBatches(batch.size, subBatch)) {
      parts.push(await this.gradients(sliceImages(batch, from, to), from, batch.size, plan));
    }
    return this.finish(parts, plan);
  }

  /** Weights, or moments `m` or `v`, on the host. */
  async read(which: 'params' | 'm' | 'v'): Promise<HostTensors> {
    const host: HostTensors = new Map();
    const flat = which === 'params' ? undefined : ((await this.moments[which].data()) as Float32Array);
    let start = 0;
    for (const [name, { shape, size }] of Object.entries(this.weights)) {
      const values = flat?.slice(start, start + size) ?? ((await this.weights[name].data()) as Float32Array);
      host.set(name, { shape, values });
      start += size;
    }
    return host;
  }

  /** Replaces weights, or moments; names and shapes must be those of the model. */
  write(which: 'params' | 'm' | 'v', values: HostTensors): void {
    const names = Object.keys(this.weights);
    const all = names.map((name) => values.get(name) as { shape: number[]; values: Float32Array });
    if (which === 'params') {
      tf.dispose(this.weights);
      this.weights = Object.fromEntries(all.map((one, i) => [names[i], tf.tensor(one.values, one.shape)]));
      return;
    }
    const flat = new Float32Array(this.moments[which].size);
    let start = 0;
    for (const { values: numbers } of all) {
      flat.set(numbers, start);
      start += numbers.length;
    }
    this.moments[which].dispose();
    this.moments[which] = tf.tensor1d(flat);
  }

  dispose(): void {
    tf.dispose([this.weights, this.moments.m, this.moments.v]);
  }
}

/** Euclidean norm of all gradients together. */
async function norm(gradients: readonly tf.Tensor[]): Promise<number> {
  const squares = tf.tidy(() => tf.stack(gradients.map((gradient) => tf.sum(tf.square(gradient)))));
  const values = await squares.data();
  squares.dispose();
  return Math.sqrt((values as Float32Array).reduce((sum, value) => sum + value, 0));
}
