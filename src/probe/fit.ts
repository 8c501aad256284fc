/** One training of a probe: Adam on the cross-entropy, until held-out images are answered no better. */
import * as tf from '@tensorflow/tfjs';
import { softmax } from '../core/count.js';
import { adamOp } from '../core/ops/adam.js';
import { numbered } from '../core/ops/op.js';
import { type NamedTensors, named } from '../core/ops/weights.js';
import { Draws } from '../core/rng.js';
import { type FeatureRows, pickRows } from './features.js';
import type { Network } from './networks.js';

/** Images and the class of each. */
export type Examples = { rows: FeatureRows; classes: Int32Array };

export type FitSettings = {
  /** The most steps of so many images. */
  steps: number;
  batchSize: number;
  learningRate: number;
  /** Decoupled: each step takes rate times so much off every weight but the biases (Loshchilov & Hutter 2019). */
  weightDecay: number;
  /** Held-out images are asked every so many steps; after `patience` times without a better answer it ends. */
  validEvery: number;
  patience: number;
};

/** Of held-out images, the share that was answered right at best; of the others, with the weights of then; after so many steps. */
export type Fit = { valid: number; test: number; steps: number };

const BETAS = { beta1: 0.9, beta2: 0.999, epsilon: 1e-8 };

/** Images a pass, where nothing is learnt: with more, patches no longer fit into caches. */
const ASKED_AT_ONCE = 64;

/**
 * Trains a network and scores it. Weights begin and batches follow by (seed, draw) alone.
 *
 * @returns accuracies in 0..1, those of the first best of the times that held-out images were asked
 */
export async function fit(
  network: Network,
  { train, valid, test }: { train: Examples; valid: Examples; test: Examples },
  settings: FitSettings,
  { seed, draw }: { seed: number; draw: number },
): Promise<Fit> {
  const learner = new ProbeLearner(network, settings, { seed, draw });
  const order = batches(train.classes.length, settings.batchSize, new Draws(seed, 'probe', draw, 1));
  const best: Fit = { valid: -1, test: 0, steps: 0 };
  let sinceBest = 0;
  for (let step = 1; step <= settings.steps && sinceBest < settings.patience; step++) {
    await learner.step(pick(train, order()));
    if (step % settings.validEvery !== 0 && step !== settings.steps) continue;
    const right = await learner.accuracy(valid);
    sinceBest++;
    if (right <= best.valid) continue;
    Object.assign(best, { valid: right, test: await learner.accuracy(test), steps: step });
    sinceBest = 0;
  }
  learner.dispose();
  return best;
}

export function pick({ rows, classes }: Examples, indices: ArrayLike<number>): Examples {
  return { rows: pickRows(rows, indices), classes: Int32Array.from(indices, (i) => classes[i]) };
}

/** Epoch after epoch, each in another order; a batch may span two. All images if there are no more than a batch holds. */
function batches(count: number, batchSize: number, draws: Draws): () => Uint32Array {
  const size = Math.min(batchSize, count);
  let waiting: number[] = [];
  return () => {
    while (waiting.length < size) waiting = [...waiting, ...draws.permutation(count)];
    const batch = Uint32Array.from(waiting.slice(0, size));
    waiting = waiting.slice(size);
    return batch;
  };
}

class ProbeLearner {
  private readonly network: Network;
  private readonly settings: FitSettings;
  private params: NamedTensors;
  private moments: { m: tf.Tensor1D; v: tf.Tensor1D };
  private done = 0;

  constructor(network: Network, settings: FitSettings, { seed, draw }: { seed: number; draw: number }) {
    this.network = network;
    this.settings = settings;
    const draws = new Draws(seed, 'probe', draw, 2);
    const weights = network.specs.map(({ name, shape, bound }) => {
      const size = shape.reduce((product, side) => product * side, 1);
      const values = Float32Array.from({ length: size }, () => bound * (2 * draws.uniform() - 1));
      return [name, tf.tensor(values, shape)] as const;
    });
    this.params = Object.fromEntries(weights);
    const size = weights.reduce((sum, [, weight]) => sum + weight.size, 0);
    this.moments = { m: tf.zeros([size]), v: tf.zeros([size]) };
  }

  dispose(): void {
    tf.dispose([this.params, this.moments]);
  }

  async step({ rows, classes }: Examples): Promise<void> {
    const engine = tf.engine();
    engine.startScope('probe step'); // what is awaited in it is our own alone
    const before = [...Object.values(this.params), this.moments.m, this.moments.v];
    const { logits, back } = await this.network.pass(this.params, rows);
    const [count, among] = logits.shape;
    const probs = Float32Array.from(rowsOf(await logits.data(), among).flatMap(softmax));
    for (let i = 0; i < count; i++) if (classes[i] < among) probs[i * among + classes[i]] -= 1;
    const gradients = await back(
      tf.tensor2d(
        probs.map((each) => each / count),
        logits.shape,
      ),
    );
    this.update(gradients);
    engine.endScope();
    tf.dispose(before);
  }

  /** A step of Adam; the new weights and moments outlive the scope. */
  private update(gradients: NamedTensors): void {
    const { learningRate: rate, weightDecay } = this.settings;
    const names = Object.keys(this.params);
    const kept = names.map((name) => {
      const weight = this.params[name];
      return weightDecay === 0 || name.endsWith('.bias') ? weight : tf.mul(weight, 1 - rate * weightDecay);
    });
    const step = ++this.done;
    const grads = names.map((name) => gradients[name]);
    const inputs = { ...this.moments, ...numbered('param', kept), ...numbered('grad', grads) };
    const pace = { rate, correction1: 1 - BETAS.beta1 ** step, correction2: 1 - BETAS.beta2 ** step };
    const [m, v, ...next] = adamOp(inputs, { ...BETAS, ...pace });
    for (const tensor of [m, v, ...next]) tf.keep(tensor);
    this.params = named(names, next);
    this.moments = { m, v } as { m: tf.Tensor1D; v: tf.Tensor1D };
  }

  /** The share of images whose most probable class is theirs. */
  async accuracy({ rows, classes }: Examples): Promise<number> {
    const { width } = rows;
    let right = 0;
    for (let from = 0; from < classes.length; from += ASKED_AT_ONCE) {
      const to = Math.min(from + ASKED_AT_ONCE, classes.length);
      const engine = tf.engine();
      engine.startScope('probe answers');
      const part = { values: rows.values.subarray(from * width, to * width), width };
      const { logits } = await this.network.pass(this.params, part);
      const values = await logits.data();
      engine.endScope();
      // not argmax, which would find a class among logits that are no numbers: who has diverged answers nothing right
      const isRight = (own: number[], i: number) => own.indexOf(Math.max(...own)) === classes[from + i];
      right += rowsOf(values, logits.shape[1]).filter(isRight).length;
    }
    return right / classes.length;
  }
}

/** Values that lie row after row, as rows of so many. */
function rowsOf(values: ArrayLike<number>, width: number): number[][] {
  return Array.from({ length: values.length / width }, (_, i) =>
    Array.from({ length: width }, (_, c) => values[i * width + c]),
  );
}
