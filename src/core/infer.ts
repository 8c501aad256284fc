/** What a trained model says of images: how many objects, where, what they look like, and how sure it is. */
import * as tf from '@tensorflow/tfjs';
import { argmax, geometricLogProbs, logCountProbs, logSumExp, presenceProbs } from './count.js';
import { type ElboTerms, elboTerms, meanTerms } from './elbo.js';
import { boxOf, type ImageBatch, toBytes, toIntensities } from './images.js';
import { logRatio } from './ops/normal.js';
import { Draws } from './rng.js';
import { copyRows, viewRows } from './rows.js';
import { type Model, makeNoise, type Unrolled, unroll } from './unroll.js';

export type InferOptions = {
  /** Latents are the means of the posterior, or a draw from it. */
  mode: 'mean' | 'sample';
  /** Posterior draws per image behind `terms`, `bound` and `nEvidence`; 0 leaves them out. */
  samples: number;
  seed: number;
};

export type ExplainedStep = {
  box: [number, number, number, number];
  /** q(n >= t) */
  p: number;
  where: Float32Array;
  whereScale: Float32Array;
  what: Float32Array;
  whatScale: Float32Array;
  /** [h, w] uint8, the object as decoded */
  window: Uint8Array;
};

export type Explained = {
  /** argmax q */
  n: number;
  /** q(n), n = 0..N */
  q: number[];
  steps: ExplainedStep[];
  /** [H, W] uint8, the mean image of the first n objects */
  reconstruction: Uint8Array;
  /** From draws, whatever the mode: mean terms of the ELBO, nats. */
  terms?: ElboTerms;
  /** From draws: log (1/S) sum_s p(x, z_s) / q(z_s), exact in n; a tighter bound on log p(x) than the ELBO. */
  bound?: number;
  /** From two or more draws: the count with the largest evidence, argmax_n of the mean over draws of p(x, n, z_1..n) / q(z_1..n). */
  nEvidence?: number;
};

/** Runs a pass and disposes everything but what `pick` takes from it. */
function pass<T extends tf.TensorContainer>(
  model: Model,
  batch: ImageBatch,
  draws: readonly Draws[] | number,
  pick: (pass: Unrolled, noise: ReturnType<typeof makeNoise>) => T,
): T {
  return tf.tidy(() => {
    const noise = makeNoise(model.config, draws);
    return pick(unroll(model, toIntensities(batch, model.config.canvas), noise), noise);
  });
}

/** Latents of each image. */
async function latents(model: Model, batch: ImageBatch, draws: readonly Draws[] | number): Promise<Explained[]> {
  const { config } = model;
  const { zPresLogits, steps } = pass(model, batch, draws, (unrolled) => ({
    zPresLogits: unrolled.zPresLogits,
    steps: unrolled.steps.map(({ where, what, decoded, canvas }) => ({
      where: where.sample,
      whereScale: where.scale,
      what: what.sample,
      whatScale: what.scale,
      window: decoded.y,
      canvas,
    })),
  }));
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
    const q = logCountProbs(logit).map(Math.exp);
    const n = argmax(q);
    const present = presenceProbs(q);
    return {
      n,
      q,
      steps: hosted.map((step, t) => ({
        box: boxOf(step.where[b], config.canvas),
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

/** Of one draw per image: the terms of the ELBO, and log p(x, n, z_1..n) - log q(z_1..n) for n = 0..N. */
async function evidence(
  model: Model,
  batch: ImageBatch,
  draws: readonly Draws[],
): Promise<{ terms: ElboTerms; logWeights: number[] }[]> {
  const { config, priors } = model;
  const logPrior = geometricLogProbs(config.zPresPrior, config.modelSteps);
  const picked = pass(model, batch, draws, ({ zPresLogits, logLik, whereKl, whatKl, steps }, noise) => {
    const ratios = steps.map(({ where, what }, t) =>
      tf.add(logRatio(where, noise[t].where, priors.where), logRatio(what, noise[t].what, priors.what)),
    );
    return { zPresLogits, logLik, whereKl, whatKl, ratios: tf.stack(ratios, 1) };
  });
  const [zPresLogits, logLik, whereKl, whatKl, ratios] = await Promise.all(
    [picked.zPresLogits, picked.logLik, picked.whereKl, picked.whatKl, picked.ratios].map(copyRows),
  );
  tf.dispose(Object.values(picked));
  return zPresLogits.map((_, b) => {
    const outcome = { zPresLogits: zPresLogits[b], logLik: logLik[b], whereKl: whereKl[b], whatKl: whatKl[b] };
    let ratioOfFirst = 0;
    const logWeights = logPrior.map((prior, n) => {
      if (n > 0) ratioOfFirst += ratios[b][n - 1];
      return logLik[b][n] + prior + ratioOfFirst;
    });
    return { terms: elboTerms(outcome, logPrior), logWeights };
  });
}

/**
 * Explains a batch of images.
 *
 * @param indices of the images: draws depend on (seed, index), not on the batch
 */
export async function infer(
  model: Model,
  batch: ImageBatch,
  indices: readonly number[],
  { mode, samples, seed }: InferOptions,
): Promise<Explained[]> {
  const drawsOf = (sample: number) => indices.map((i) => new Draws(seed, 'inferNoise', i, sample));
  const explained = await latents(model, batch, mode === 'mean' ? batch.size : drawsOf(0));
  if (samples === 0) return explained;

  const passes: Awaited<ReturnType<typeof evidence>>[] = [];
  for (let sample = 0; sample < samples; sample++) passes.push(await evidence(model, batch, drawsOf(sample)));
  return explained.map((image, b) => {
    const ofImage = passes.map((outcomes) => outcomes[b]);
    const meanLogWeight = (values: number[]) => logSumExp(values) - Math.log(samples);
    const perCount = image.q.map((_, n) => meanLogWeight(ofImage.map(({ logWeights }) => logWeights[n])));
    return {
      ...image,
      terms: meanTerms(ofImage.map(({ terms }) => terms)),
      bound: logSumExp(perCount),
      ...(samples > 1 ? { nEvidence: argmax(perCount) } : {}),
    };
  });
}
