/**
 * How much an estimate of the gradient varies: with the noise of z_where and z_what, which is drawn a number of times, and with the
 * drawn count, over which the variance is summed exactly, image by image. By the law of total variance
 *
 *   Var g = Var_z E[g | z] + E_z Var[g | z]
 *
 * where images draw their counts by themselves, so that the second is a sum over images of sum_n q(n) |g_n - sum_m q(m) g_m|^2.
 */
import * as tf from '@tensorflow/tfjs';
import type { StepNoise } from '../guide.js';
import type { Model } from '../model.js';
import { countLogProbs } from '../ops/elbo.js';
import type { NamedTensors } from '../ops/weights.js';
import type { OutcomeGradients } from '../outcome.js';
import { type Unrolled, unroll, unrollGrad, unrollGradSquares } from '../unroll.js';
import { type Estimator, repeated } from './estimator.js';

/** Trace of the covariance matrix of the gradient by each weight, by name: the sum over its numbers of their variances. */
export type Variances = { readonly [weight: string]: number };

/** What is estimated: the gradient of the mean over the images of the objective. */
export type VarianceTask = {
  /** [B, H, W] */
  images: tf.Tensor3D;
  /** log p(n), n = 0..N */
  logPrior: readonly number[];
  /** R, how often noise is drawn, at least 2. */
  draws: number;
  /** The noise of the r-th draw, for B K rows (see Estimator); disposed here. */
  noise(draw: number): StepNoise[];
};

/** The variances of an estimator that masks (a count that is followed takes the noise elsewhere). */
export async function gradientVariance(estimator: Estimator, model: Model, task: VarianceTask): Promise<Variances> {
  const spread = new Spread();
  const within: { [weight: string]: number } = {};
  for (let draw = 0; draw < task.draws; draw++) {
    const { mean, ofCounts } = tf.tidy(() => {
      const noise = task.noise(draw);
      const { klKind, draws } = estimator;
      const pass = unroll(model, repeated(task.images, draws), noise, { klKind });
      const d = perCount(estimator, model, pass, task);
      return {
        mean: unrollGrad(model, pass, d.mean),
        ofCounts: d.deviations.map((one) => unrollGradSquares(model, pass, one)),
      };
    });
    for (const one of ofCounts) {
      for (const [name, value] of Object.entries(await readScalars(one))) within[name] = (within[name] ?? 0) + value;
    }
    await spread.add(mean);
  }
  spread.dispose();
  const { draws } = task;
  return Object.fromEntries(
    Object.entries(spread.squares).map(([name, squares]) => [
      name,
      squares / (draws - 1) + (within[name] ?? 0) / draws,
    ]),
  );
}

/** Gradients by what a pass says, expected over the count, and how those of each count differ, times sqrt(q(n)). */
type PerCount = { mean: OutcomeGradients; deviations: OutcomeGradients[] };

function perCount(estimator: Estimator, model: Model, pass: Unrolled, { images, logPrior }: VarianceTask): PerCount {
  const [batch] = images.shape;
  const { zPresLogits } = pass.outcome;
  const modelSteps = zPresLogits.shape[1];
  const ofCount = (n: number): OutcomeGradients => {
    const forced = Array.from({ length: modelSteps }, (_, t) => Number(t >= n));
    const uniforms = () => tf.tensor2d(Array(batch).fill(forced));
    return estimator.gradients(model, pass, { logPrior, scale: -1 / batch, uniforms }).outcome;
  };
  if (!estimator.drawsCount) return { mean: ofCount(0), deviations: [] };
  const all = Array.from({ length: modelSteps + 1 }, (_, n) => ofCount(n));
  const q = tf.split(tf.exp(countLogProbs(zPresLogits)), modelSteps + 1, 1);
  const mean = mapped((key) => tf.addN(all.map((one, n) => tf.mul(one[key], q[n]))));
  const deviations = all.map((one, n) => mapped((key) => tf.mul(tf.sub(one[key], mean[key]), tf.sqrt(q[n]))));
  return { mean, deviations };
}

function mapped(of: (key: keyof OutcomeGradients) => tf.Tensor): OutcomeGradients {
  const [zPresLogits, logLik, kl] = (['zPresLogits', 'logLik', 'kl'] as const).map((key) => of(key) as tf.Tensor2D);
  return { zPresLogits, logLik, kl };
}

/** Scalars by name on the host. Disposes them. */
async function readScalars(scalars: NamedTensors): Promise<{ [name: string]: number }> {
  const names = Object.keys(scalars);
  const stacked = tf.stack(names.map((name) => scalars[name]));
  tf.dispose(scalars);
  const values = await stacked.data();
  stacked.dispose();
  return Object.fromEntries(names.map((name, i) => [name, values[i]]));
}

/** How far gradients that come one by one lie from their mean. */
class Spread {
  /** By weight: the sum of the squared distances. */
  readonly squares: { [weight: string]: number } = {};
  private count = 0;
  private mean: NamedTensors = {};

  /** Consumes the gradients. */
  async add(gradients: NamedTensors): Promise<void> {
    this.count++;
    const before = this.mean;
    const { mean, moved } = tf.tidy(() => {
      const differences = Object.entries(gradients).map(([name, g]) => {
        return [name, name in before ? tf.sub(g, before[name]) : tf.zerosLike(g)] as const;
      });
      const next = differences.map(([name, difference]) => {
        const from = name in before ? before[name] : gradients[name];
        return [name, tf.add(from, tf.div(difference, this.count))];
      });
      const moved = differences.map(([name, difference]) => [name, tf.sum(tf.square(difference))]);
      return { mean: Object.fromEntries(next) as NamedTensors, moved: Object.fromEntries(moved) as NamedTensors };
    });
    tf.dispose([before, gradients]);
    this.mean = mean;
    // the mean goes a part of the way, so that this much of the square is new
    const share = (this.count - 1) / this.count;
    for (const [name, value] of Object.entries(await readScalars(moved))) {
      this.squares[name] = (this.squares[name] ?? 0) + share * value;
    }
  }

  dispose(): void {
    tf.dispose(this.mean);
  }
}
