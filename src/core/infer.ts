/** Inference: what a trained model says of images, how many objects, where, what they look like, and how sure it is. */
import * as tf from '@tensorflow/tfjs';
import type { ModelConfig } from './config.js';
import { argmax, logCountPrior, logCountProbs, logSumExp, presenceProbs } from './count.js';
import { type ElboTerms, elboTerms, meanTerms } from './elbo.js';
import type { StepNoise } from './guide.js';
import { type ImageBatch, toBytes, toIntensities } from './images.js';
import type { Latent } from './latent.js';
import { type Model, makeModel } from './model.js';
import { compiled, type TensorTree } from './ops/compiled.js';
import { logRatio } from './ops/normal.js';
import type { Params } from './ops/weights.js';
import { Draws } from './rng.js';
import { copyRows, takeRows, viewRows } from './rows.js';
import { makeNoise, type Unrolled, unroll } from './unroll.js';
import { wheres } from './where.js';

export type InferOptions = {
  /** Latents are the means of the posterior, or a draw from it. */
  mode: 'mean' | 'sample';
  /** Posterior draws per image behind `terms`, `bound`, `evidence` and `nEvidence`; 0 leaves them out. */
  samples: number;
  seed: number;
};

/** What a pass takes. */
type PassTensors = { params: Params; images: tf.Tensor3D; noise: StepNoise[] };

/** A pass, of which only what `pick` takes is kept; compiled, where the backend does so. */
function passFor<T extends TensorTree>(
  pick: (pass: Unrolled, model: Model) => T,
): (model: Model, batch: ImageBatch, draws: readonly Draws[] | number) => T {
  const picked = compiled((config: ModelConfig, { params, images, noise }: PassTensors) => {
    const model = makeModel(config, params);
    return pick(unroll(model, images, noise), model);
  });
  return ({ config, params }, batch, draws) =>
    tf.tidy(() => {
      const tensors = { params, images: toIntensities(batch, config.canvas), noise: makeNoise(config, draws) };
      return picked(config, tensors, {}) as tf.TensorContainer;
    }) as T;
}

const passForLatents = passFor(({ outcome, steps }) => ({
  zPresLogits: outcome.zPresLogits,
  steps: steps.map(({ where, what, decoded, canvas }) => ({
    where: where.sample,
    whereScale: where.scale,
    what: what.sample,
    whatScale: what.scale,
    window: decoded.windows,
    canvas,
  })),
}));

/** Latents of each image. */
async function latents(model: Model, batch: ImageBatch, draws: readonly Draws[] | number): Promise<Latent[]> {
  const { config } = model;
  const { zPresLogits, steps } = passForLatents(model, batch, draws);
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

const passForWeights = passFor(({ outcome, steps }, { priors }) => {
  const ofSteps = steps.map(({ where, what, noise }) =>
    tf.add(logRatio(where, noise.where, priors.where), logRatio(what, noise.what, priors.what)),
  );
  return { outcome, ratios: tf.stack(ofSteps, 1) };
});

/** Of one draw per image: the terms of the ELBO, and log p(x, n, z_1..n) - log q(z_1..n) for n = 0..N. */
async function weigh(
  model: Model,
  batch: ImageBatch,
  draws: readonly Draws[],
): Promise<{ terms: ElboTerms; logWeights: number[] }[]> {
  const logPrior = logCountPrior(model.config);
  const { outcome, ratios } = passForWeights(model, batch, draws);
  const rows = await takeRows({ ...outcome, ratios });
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
  { mode, samples, seed }: InferOptions,
): Promise<Latent[]> {
  const drawsOf = (sample: number) => indices.map((i) => new Draws(seed, 'inferNoise', i, sample));
  const inferred = await latents(model, batch, mode === 'mean' ? batch.size : drawsOf(0));
  if (samples === 0) return inferred;

  const passes: Awaited<ReturnType<typeof weigh>>[] = [];
  for (let sample = 0; sample < samples; sample++) passes.push(await weigh(model, batch, drawsOf(sample)));
  return inferred.map((image, b) => {
    const ofImage = passes.map((outcomes) => outcomes[b]);
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
