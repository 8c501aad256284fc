/** Inference: what a trained model says of images, how many objects, where, what they look like, and how sure it is. */
import * as tf from '@tensorflow/tfjs';
import type { ModelConfig } from './config.js';
import { argmax, logCountPrior, logCountProbs, logSumExp, presenceProbs } from './count.js';
import { type ElboTerms, elboTerms, meanTerms } from './elbo.js';
import type { StepNoise } from './guide.js';
import { type ImageBatch, toBytes, toIntensities } from './images.js';
import type { Latent } from './latent.js';
import { type Model, makeModel } from './model.js';
import { compiled } from './ops/compiled.js';
import { logRatio } from './ops/normal.js';
import type { Params } from './ops/weights.js';
import { Draws } from './rng.js';
import { copyRows, takeRows, viewRows } from './rows.js';
import { geometricMeanLog, type Shift, shiftImages, shiftsWithin } from './shifts.js';
import { makeNoise, openPass, type Unrolled, unroll, unrollFrom } from './unroll.js';
import { wheres } from './where.js';

export type InferOptions = {
  /** Latents are the means of the posterior, or a draw from it: the first of `samples`. */
  mode: 'mean' | 'sample';
  /** Posterior draws per image behind `terms`, `bound`, `evidence` and `nEvidence`; 0 leaves them out. */
  samples: number;
  /** q(n) is of the image where it is and moved by up to so many pixels, together (see shifts.ts); without: 0. */
  shifts?: number;
  seed: number;
};

/** So many passes over a batch begin as one: what they share is held no longer than they take, and no answer waits for more. */
const PASSES_AT_ONCE = 8;

/** What is looked at of a pass. */
type Purpose = 'latents' | 'weights' | 'both';

/** A pass that is wanted: with the mean of the posterior or a draw, and what for. */
type Wanted = { draw: number | 'mean'; purpose: Purpose };

/** None is made twice. */
function passesFor({ mode, samples }: InferOptions): Wanted[] {
  const draws = Array.from({ length: samples }, (_, draw): Wanted => ({ draw, purpose: 'weights' }));
  if (mode === 'mean') return [{ draw: 'mean', purpose: 'latents' }, ...draws];
  return [{ draw: 0, purpose: samples > 0 ? 'both' : 'latents' }, ...draws.slice(1)];
}

/** What passes over a batch take: the noise of each, under its purpose. */
type PassTensors = {
  params: Params;
  images: tf.Tensor3D;
  passes: readonly { readonly [purpose in Purpose]?: StepNoise[] }[];
};

/** Passes that begin as one, and of each what it is for. */
const passed = compiled((config: ModelConfig, { params, images, passes }: PassTensors) => {
  const model = makeModel(config, params);
  const opening = openPass(model, images);
  return passes.map(({ latents, weights, both }) =>
    tf.tidy(() => {
      const pass = unrollFrom(model, opening, latents ?? weights ?? (both as StepNoise[]));
      return {
        latents: weights ? undefined : latentTensors(pass),
        weights: latents ? undefined : weightTensors(model, pass),
      };
    }),
  );
});

type LatentTensors = ReturnType<typeof latentTensors>;

/** Of a pass, what latents are made of. */
function latentTensors({ outcome, steps }: Unrolled) {
  return {
    zPresLogits: tf.clone(outcome.zPresLogits), // disposed of apart from the outcome
    steps: steps.map(({ where, what, decoded, canvas }) => ({
      where: where.sample,
      whereScale: where.scale,
      what: what.sample,
      whatScale: what.scale,
      window: decoded.windows,
      canvas,
    })),
  };
}

/** [B, N] logits of z_pres, by the mean of the posterior, and no more of a pass. */
const counted = compiled((config: ModelConfig, { params, images, noise }: CountTensors) => {
  const model = makeModel(config, params);
  return tf.tidy(() => tf.clone(unroll(model, images, noise).outcome.zPresLogits));
});

type CountTensors = { params: Params; images: tf.Tensor3D; noise: StepNoise[] };

/** log q(n) of each image, moved. */
async function logQOf({ config, params }: Model, batch: ImageBatch, shift: Shift): Promise<number[][]> {
  const logits = tf.tidy(() => {
    const images = toIntensities(shiftImages(batch, shift, config.canvas), config.canvas);
    return counted(config, { params, images, noise: makeNoise(config, batch.size) }, {}) as tf.Tensor2D;
  });
  const rows = await copyRows(logits);
  logits.dispose();
  return rows.map(logCountProbs);
}

/**
 * Latents of each image. Disposes the tensors.
 *
 * @param looks log q(n) of the images, moved
 */
async function readLatents(
  { config }: Model,
  { zPresLogits, steps }: LatentTensors,
  looks: readonly number[][][],
): Promise<Latent[]> {
  const logits = await copyRows(zPresLogits);
  const hosted = await Promise.all(
    steps.map(async (step) => ({
      where: await copyRows(step.where),
      whereScale: await copyRows(step.whereScale),
      what: await copyRows(step.what),
      whatScale: await copyRows(step.whatScale),
      window: await viewRows(step.window),
      canvas: await viewRows(step.canvas),
    })),
  );
  tf.dispose([zPresLogits, steps]);
  return logits.map((logit, b) => {
    const logQ = logCountProbs(logit);
    const q = (looks.length === 0 ? logQ : geometricMeanLog([logQ, ...looks.map((look) => look[b])])).map(Math.exp);
    const n = argmax(q);
    const present = presenceProbs(q);
    return {
      n,
      q,
      steps: hosted.map((step, t) => ({
        box: wheres[config.zWhere].box(step.where[b], config.canvas),
        p: present[t],
        where: step.where[b],
        whereScale: step.whereScale[b],
        what: step.what[b],
        whatScale: step.whatScale[b],
        window: toBytes(step.window[b]),
      })),
      reconstruction: n === 0 ? new Uint8Array(config.canvas[0] * config.canvas[1]) : toBytes(hosted[n - 1].canvas[b]),
    };
  });
}

type WeightTensors = ReturnType<typeof weightTensors>;

/** Of a pass with a draw, what the ELBO and the evidence are made of. */
function weightTensors({ priors }: Model, { outcome, steps }: Unrolled) {
  const ofSteps = steps.map(({ where, what, noise }) =>
    tf.add(logRatio(where, noise.where, priors.where), logRatio(what, noise.what, priors.what)),
  );
  return { ...outcome, ratios: tf.stack(ofSteps, 1) };
}

/** Of one draw per image: the terms of the ELBO, and log p(x, n, z_1..n) - log q(z_1..n) for n = 0..N. */
type Weighed = { terms: ElboTerms; logWeights: number[] };

/** Disposes the tensors. */
async function readWeights({ config }: Model, tensors: WeightTensors): Promise<Weighed[]> {
  const logPrior = logCountPrior(config);
  const rows = await takeRows(tensors);
  return rows.map((ofImage) => {
    let ratioOfFirst = 0;
    const logWeights = logPrior.map((prior, n) => {
      if (n > 0) ratioOfFirst += ofImage.ratios[n - 1];
      return ofImage.logLik[n] + prior + ratioOfFirst;
    });
    return { terms: elboTerms(ofImage, logPrior), logWeights };
  });
}

/**
 * Infers what is in a batch of images.
 *
 * @param indices of the images: draws depend on (seed, index), not on the batch
 */
export async function infer(
  model: Model,
  batch: ImageBatch,
  indices: readonly number[],
  options: InferOptions,
): Promise<Latent[]> {
  const { samples, shifts = 0, seed } = options;
  const { config, params } = model;
  const rowsOf = (draw: Wanted['draw']) =>
    draw === 'mean' ? batch.size : indices.map((i) => new Draws(seed, 'inferNoise', i, draw));
  const wanted = passesFor(options);
  const weighed: Weighed[][] = [];
  const looks: number[][][] = [];
  for (const shift of shiftsWithin(shifts)) looks.push(await logQOf(model, batch, shift));
  let inferred: Latent[] = [];
  for (let first = 0; first < wanted.length; first += PASSES_AT_ONCE) {
    const found = tf.tidy(() => {
      const passes = wanted
        .slice(first, first + PASSES_AT_ONCE)
        .map(({ draw, purpose }) => ({ [purpose]: makeNoise(config, rowsOf(draw)) }));
      const tensors = { params, images: toIntensities(batch, config.canvas), passes };
      return passed(config, tensors, {}) as tf.TensorContainer;
    }) as ReturnType<typeof passed>;
    for (const { latents, weights } of found) {
      if (latents) inferred = await readLatents(model, latents, looks);
      if (weights) weighed.push(await readWeights(model, weights));
    }
  }
  if (samples === 0) return inferred;
  return inferred.map((image, b) => {
    const ofImage = weighed.map((images) => images[b]);
    const meanLogWeight = (values: number[]) => logSumExp(values) - Math.log(samples);
    const terms = meanTerms(ofImage.map((one) => one.terms));
    const evidence = image.q.map((_, n) => meanLogWeight(ofImage.map(({ logWeights }) => logWeights[n])));
    return {
      ...image,
      elbo: terms.elbo,
      terms,
      bound: logSumExp(evidence),
      evidence,
      ...(samples > 1 ? { nEvidence: argmax(evidence) } : {}),
    };
  });
}
