/** Explaining images: the same whatever the batch, true to the model's own pass, and a bound that bounds. */
import assert from 'node:assert/strict';
import { before, describe, it } from 'node:test';
import * as tf from '@tensorflow/tfjs';
import { geometricLogProbs } from '#air/core/count.js';
import { elboTerms } from '#air/core/elbo.js';
import { boxOf, splitImages, toIntensities } from '#air/core/images.js';
import { type InferOptions, infer } from '#air/core/infer.js';
import type { Latent } from '#air/core/latent.js';
import { type Model, makeModel } from '#air/core/model.js';
import type { HostTensors } from '#air/core/ops/weights.js';
import { initialParams } from '#air/core/parameters.js';
import { Draws } from '#air/core/rng.js';
import { makeNoise, unroll } from '#air/core/unroll.js';
import { assertCloseEach, assertCloseOverall } from '../support/assert-close.js';
import { onEachBackend, read } from '../support/backends.js';
import { bars, TINY, trainTiny } from '../support/tiny-model.js';

const IMAGES = 8;
const INDICES = Array.from({ length: IMAGES }, (_, b) => 40 + b);

let weights: HostTensors;

before(async () => {
  weights = await trainTiny();
});

function trainedModel(): Model {
  const params = [...weights].map(([name, { shape, values }]) => [name, tf.tensor(values, shape)]);
  return makeModel(TINY, Object.fromEntries(params));
}

/** Large weights, but for the decoder's: it counts from 0 to 3, and draws every object somewhere. */
function undecidedModel(): Model {
  const params = Object.entries(initialParams(TINY, 15)).map(([name, tensor]) => [
    name,
    name.startsWith('decode') ? tensor : tf.mul(tensor, 4),
  ]);
  return makeModel(TINY, Object.fromEntries(params));
}

const logDensity = (z: number, loc: number, scale: number) =>
  -0.5 * ((z - loc) / scale) ** 2 - Math.log(scale * Math.sqrt(2 * Math.PI));

/** log p(x, n, z_1..n) - log q(z_1..n) of each image for one draw, from densities written out; and the ELBO's terms. */
async function weightsOf(model: Model, draws: Draws[]): Promise<{ logWeights: number[]; elbo: number }[]> {
  const logPrior = geometricLogProbs(TINY.zPresPrior, 3);
  const pass = unroll(model, toIntensities(bars(IMAGES), TINY.canvas), makeNoise(TINY, draws));
  const { outcome } = pass;
  const [logLik, logits, whereKl, whatKl] = await Promise.all(
    [outcome.logLik, outcome.zPresLogits, outcome.whereKl, outcome.whatKl].map(read),
  );
  const steps = await Promise.all(
    pass.steps.map(async ({ where, what }) => ({
      where: { z: await read(where.sample), loc: await read(where.loc), scale: await read(where.scale) },
      what: { z: await read(what.sample), loc: await read(what.loc), scale: await read(what.scale) },
    })),
  );
  const row = (values: number[], b: number, width: number) => values.slice(b * width, (b + 1) * width);
  return draws.map((_, b) => {
    let ratio = 0;
    const logWeights = logPrior.map((prior, n) => {
      if (n > 0) {
        const { where, what } = steps[n - 1];
        for (let d = 0; d < 3; d++) {
          const i = 3 * b + d;
          ratio +=
            logDensity(where.z[i], [3, 0, 0][d], [0.2, 1, 1][d]) - logDensity(where.z[i], where.loc[i], where.scale[i]);
        }
        for (let i = 4 * b; i < 4 * b + 4; i++) {
          ratio += logDensity(what.z[i], 0, 1) - logDensity(what.z[i], what.loc[i], what.scale[i]);
        }
      }
      return row(logLik, b, 4)[n] + prior + ratio;
    });
    const ofImage = {
      zPresLogits: row(logits, b, 3),
      logLik: row(logLik, b, 4),
      whereKl: row(whereKl, b, 3),
      whatKl: row(whatKl, b, 3),
    };
    return { logWeights, elbo: elboTerms(ofImage, logPrior).elbo };
  });
}

const mean = (values: number[]) => values.reduce((a, b) => a + b) / values.length;

const options: InferOptions = { mode: 'mean', samples: 1, seed: 1 };

const all = (model: Model, changes: Partial<InferOptions> = {}): Promise<Latent[]> =>
  infer(model, bars(IMAGES), INDICES, { ...options, ...changes });

onEachBackend(() => {
  for (const mode of ['mean', 'sample'] as const) {
    it(`gives an image the same result whatever the batch (${mode})`, async () => {
      const model = trainedModel();
      const whole = await all(model, { mode, samples: 2 });
      assert.ok(new Set(whole.map(({ terms }) => terms?.elbo)).size === IMAGES, 'images differ');
      for (const size of [1, 3]) {
        const cut: Latent[] = [];
        for (let b = 0; b < IMAGES; b += size) {
          const indices = INDICES.slice(b, b + size);
          cut.push(...(await infer(model, bars(indices.length, b), indices, { mode, samples: 2, seed: 1 })));
        }
        assert.deepEqual(cut, whole, `batches of ${size}`);
      }
    });
  }

  describe('the latents', () => {
    it('are those of a pass without noise in mean mode, whatever the seed', async () => {
      const model = trainedModel();
      const explained = await all(model);
      assert.deepEqual(
        (await all(model, { seed: 2, samples: 0 })).map(({ steps, q }) => ({ steps, q })),
        explained.map(({ steps, q }) => ({ steps, q })),
      );
      const pass = unroll(model, toIntensities(bars(IMAGES), TINY.canvas), makeNoise(TINY, IMAGES));
      for (const [t, { where, what, decoded }] of pass.steps.entries()) {
        const [loc, code, window] = [await read(where.loc), await read(what.loc), await read(decoded.windows)];
        explained.forEach(({ steps }, b) => {
          assertCloseOverall(steps[t].where, loc.slice(3 * b, 3 * b + 3), 1e-6, 'z_where');
          assertCloseOverall(steps[t].what, code.slice(4 * b, 4 * b + 4), 1e-6, 'z_what');
          assert.deepEqual(steps[t].box, boxOf(steps[t].where, TINY.canvas));
          assertCloseOverall(
            steps[t].window as Uint8Array,
            window.slice(25 * b, 25 * b + 25).map((v) => 255 * v),
            0.51 / 255,
            'window',
            255,
          );
        });
      }
    });

    it('have a box that is the side of z_where wide, where that is sides and centre', async () => {
      const config = { ...TINY, zWhere: 'sides' as const };
      const model = makeModel(config, initialParams(config, 15));
      const [height, width] = config.canvas;
      for (const { steps } of await all(model)) {
        for (const { where, whereScale, box } of steps) {
          assert.deepEqual([where.length, whereScale.length], [4, 4]);
          const [sx, x, sy, y] = where;
          assert.ok(sx > 0 && sx < 1 && sy > 0 && sy < 1, 'means of sides are squashed');
          const [left, top] = [(width * (1 + x - sx)) / 2, (height * (1 + y - sy)) / 2];
          assertCloseOverall([...box], [left, top, width * sx, height * sy], 1e-6, 'box');
        }
      }
    });

    it('are draws that the seed and the index decide in sample mode', async () => {
      const model = trainedModel();
      const [one, again, other] = [
        await all(model, { mode: 'sample' }),
        await all(model, { mode: 'sample' }),
        await all(model, { mode: 'sample', seed: 2 }),
      ];
      assert.deepEqual(again, one);
      one.forEach(({ steps }, b) => {
        assert.notDeepEqual(steps[0].where, other[b].steps[0].where);
        const z = (steps[0].where[0] - other[b].steps[0].where[0]) / steps[0].whereScale[0];
        assert.ok(Math.abs(z) < 8, 'two draws of one posterior');
      });
    });

    it('say how many: n is the most probable, p the probability of at least t', async () => {
      for (const { n, q, steps } of await all(trainedModel())) {
        assertCloseEach(
          q.reduce((a, b) => a + b),
          1,
          1e-12,
          'sum of q',
        );
        assert.equal(q[n], Math.max(...q));
        steps.forEach(({ p }, t) => {
          assertCloseEach(
            p,
            q.slice(t + 1).reduce((a, b) => a + b),
            1e-12,
            'p',
          );
        });
      }
    });

    it('come with the mean image of the first n objects', async () => {
      const model = undecidedModel();
      const explained = await all(model);
      const pass = unroll(model, toIntensities(bars(IMAGES), TINY.canvas), makeNoise(TINY, IMAGES));
      const canvases = await Promise.all(pass.steps.map(({ canvas }) => read(canvas)));
      const counts = new Set(explained.map(({ n }) => n));
      assert.deepEqual(counts, new Set([0, 1, 3]));
      explained.forEach(({ n, reconstruction }, b) => {
        const canvas = n === 0 ? Array(120).fill(0) : canvases[n - 1].slice(120 * b, 120 * b + 120);
        const bytes = canvas.map((value) => 255 * Math.min(1, value));
        assertCloseOverall(reconstruction as Uint8Array, bytes, 0.51 / 255, 'reconstruction', 255);
      });
    });
  });

  describe('the evidence', () => {
    for (const samples of [1, 4]) {
      it(`is the logarithm of the mean weight of ${samples} draws, summed over n`, async () => {
        const model = trainedModel();
        const explained = await all(model, { samples });
        const draws = await Promise.all(
          Array.from({ length: samples }, (_, s) =>
            weightsOf(
              model,
              INDICES.map((i) => new Draws(1, 'inferNoise', i, s)),
            ),
          ),
        );
        explained.forEach(({ bound, terms, evidence, nEvidence }, b) => {
          const perCount = [0, 1, 2, 3].map((n) => {
            const logWeights = draws.map((ofDraw) => ofDraw[b].logWeights[n]);
            const largest = Math.max(...logWeights);
            return largest + Math.log(mean(logWeights.map((each) => Math.exp(each - largest))));
          });
          const largest = Math.max(...perCount);
          const expected = largest + Math.log(perCount.reduce((sum, each) => sum + Math.exp(each - largest), 0));
          assertCloseEach(bound as number, expected, 1e-4, 'bound');
          assert.equal(evidence?.length, 4);
          for (const n of [0, 1, 2, 3]) assertCloseEach(evidence?.[n] as number, perCount[n], 1e-4, `evidence of ${n}`);
          assertCloseEach(terms?.elbo as number, mean(draws.map((ofDraw) => ofDraw[b].elbo)), 1e-5, 'ELBO', 10);
          assert.equal(nEvidence, samples === 1 ? undefined : perCount.indexOf(largest));
        });
      });
    }

    it('is above the ELBO on average, and rises with the number of draws', async () => {
      const model = trainedModel();
      const boundOf = async (samples: number) =>
        mean((await all(model, { samples })).map(({ bound }) => bound as number));
      const elbo = mean((await all(model, { samples: 40 })).map(({ terms }) => terms?.elbo as number));
      const [few, many] = [await boundOf(5), await boundOf(40)];
      assert.ok(elbo < few && few < many, `ELBO ${elbo}, bounds ${few} and ${many}`);
    });

    it('is left out where no draws are asked for', async () => {
      for (const explained of await all(trainedModel(), { samples: 0 })) {
        for (const field of ['terms', 'bound', 'evidence', 'nEvidence']) assert.ok(!(field in explained), field);
      }
    });
  });

  describe('a model used otherwise than it was trained', () => {
    const latentsOf = (changes: Partial<typeof TINY>) => {
      const { config, params } = undecidedModel();
      return all(makeModel({ ...config, ...changes }, params), { mode: 'sample' }); // q(n) of the very draw that is weighed
    };
    const sum = (values: number[]) => values.reduce((a, b) => a + b, 0);

    it('says the same of its first steps, however many there are', async () => {
      const three = await latentsOf({});
      const priors = Object.fromEntries(
        [1, 2, 3, 6].map((steps) => [steps, geometricLogProbs(TINY.zPresPrior, steps)]),
      );
      for (const modelSteps of [1, 2, 6]) {
        const others = await latentsOf({ modelSteps });
        const shared = Math.min(3, modelSteps);
        others.forEach(({ q, evidence = [], steps, ...latent }, b) => {
          const before = three[b];
          assert.deepEqual([q.length, steps.length, evidence.length], [modelSteps + 1, modelSteps, modelSteps + 1]);
          assertCloseEach(q.slice(0, shared), before.q.slice(0, shared), 1e-12, 'q(n)', 1);
          assertCloseEach(sum(q.slice(shared)), sum(before.q.slice(shared)), 1e-12, 'what is left of q', 1);
          assertCloseEach(sum(q), 1, 1e-12, 'q');
          assert.equal(latent.n, q.indexOf(Math.max(...q)));
          for (let t = 0; t < shared; t++) assert.deepEqual(steps[t].where, before.steps[t].where);
          const likelihoods = (logWeights: number[], logPrior: number[]) => logWeights.map((w, n) => w - logPrior[n]);
          assertCloseEach(
            likelihoods(evidence, priors[modelSteps]).slice(0, shared + 1),
            likelihoods(before.evidence ?? [], priors[3]).slice(0, shared + 1),
            1e-12,
            'evidence but for the prior',
            1e4,
          );
        });
      }
    });

    it('has ELBO and evidence of the prior it is given, and the same q(n)', async () => {
      const [trained, other] = [await latentsOf({}), await latentsOf({ zPresPrior: 1e-5 })];
      const [logPrior, otherPrior] = [TINY.zPresPrior, 1e-5].map((k) => geometricLogProbs(k, 3));
      const change = logPrior.map((log, n) => otherPrior[n] - log);
      other.forEach(({ q, steps, elbo, evidence }, b) => {
        const before = trained[b];
        assert.deepEqual([q, steps], [before.q, before.steps]);
        const expected = (before.evidence ?? []).map((log, n) => log + change[n]);
        assertCloseEach(evidence as number[], expected, 1e-12, 'evidence', 1e4);
        const gain = sum(q.map((p, n) => p * change[n]));
        assertCloseEach(elbo as number, (before.elbo as number) + gain, 1e-12, 'ELBO', 1e4);
      });
    });
  });

  it('does not look at the other images of a batch, or change them', async () => {
    const batch = bars(IMAGES);
    const before = splitImages(batch).map((image) => image.slice());
    await infer(trainedModel(), batch, INDICES, options);
    assert.deepEqual(splitImages(batch), before);
  });

  it('leaves no tensor behind', async () => {
    const model = trainedModel();
    await all(model, { samples: 2 });
    const { numTensors, numDataBuffers } = tf.memory();
    await all(model, { samples: 3, mode: 'sample' });
    assert.deepEqual([tf.memory().numTensors, tf.memory().numDataBuffers], [numTensors, numDataBuffers]);
  });
});
