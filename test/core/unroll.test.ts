/** The pass that explains: the canvases it builds, what it says of them, and its gradient. */
import assert from 'node:assert/strict';
import { before, describe, it } from 'node:test';
import * as tf from '@tensorflow/tfjs';
import { startBackend } from '#air/backends/start.js';
import { GUIDE_INPUTS, type ModelConfig } from '#air/core/config.js';
import { geometricLogProbs } from '#air/core/count.js';
import { elboTerms } from '#air/core/elbo.js';
import { toIntensities } from '#air/core/images.js';
import { makeModel } from '#air/core/model.js';
import { placeWindows } from '#air/core/ops/place-windows.js';
import { Draws } from '#air/core/rng.js';
import { takeRows } from '#air/core/rows.js';
import { makeNoise, openPass, unroll, unrollFrom, unrollGrad } from '#air/core/unroll.js';
import { assertCloseOverall } from '../support/assert-close.js';
import { onEachBackend, read } from '../support/backends.js';
import { drawsOf, livelyModel, livelyParams, noiseFor } from '../support/lively-model.js';
import { plainPass } from '../support/plain-pass.js';
import { normals } from '../support/random.js';
import { bars, TINY } from '../support/tiny-model.js';

/** Of one image. */
type Told = { elbo: number; logits: number[] };

onEachBackend((backend) => {
  describe('unroll', () => {
    it('scores the canvas of every count, the empty one first', async () => {
      const model = livelyModel(TINY);
      const images = toIntensities(bars(3), TINY.canvas);
      const { steps, outcome } = unroll(model, images, noiseFor(TINY, 3));
      assert.deepEqual(outcome.logLik.shape, [3, 4]);
      const x = await read(tf.clone(images));
      const canvases = await Promise.all(steps.map((step) => read(tf.clone(step.canvas))));
      const placed = await Promise.all(
        steps.map(async ({ decoded, where }, t) => {
          const drawn = placeWindows(decoded.windows, where.sample, [5, 5], tf.zeros([3, 12, 10]));
          const alone = await read(drawn);
          assertCloseOverall(
            canvases[t],
            alone.map((value, i) => value + (canvases[t - 1]?.[i] ?? 0)),
            1e-6,
            `canvas ${t}`,
          );
          return alone;
        }),
      );
      const expected = [0, 1, 2].flatMap((b) =>
        [0, 1, 2, 3].map((n) => {
          let sum = 0;
          for (let i = 120 * b; i < 120 * (b + 1); i++) {
            const mean = placed.slice(0, n).reduce((canvas, each) => canvas + each[i], 0);
            sum += -0.5 * ((x[i] - mean) / 0.3) ** 2 - Math.log(0.3 * Math.sqrt(2 * Math.PI));
          }
          return sum;
        }),
      );
      assertCloseOverall(await read(outcome.logLik), expected, 1e-5, 'log p(x | z_1..n)');
    });

    for (const guideInput of GUIDE_INPUTS) {
      it(`says the same from an opening that passes share (${guideInput})`, async () => {
        const config: ModelConfig = { ...TINY, guideInput };
        const model = livelyModel(config);
        const images = toIntensities(bars(3), config.canvas);
        const opening = openPass(model, images);
        for (const noise of [makeNoise(config, 3), noiseFor(config, 3)]) {
          const shared = await takeRows(unrollFrom(model, opening, noise).outcome);
          assert.deepEqual(shared, await takeRows(unroll(model, images, noise).outcome));
        }
      });
    }

    it('gives an image the same results whatever else is in the batch', async () => {
      const model = livelyModel(TINY);
      const logPrior = geometricLogProbs(0.1, 3);
      const tell = async (size: number, from: number): Promise<Told[]> => {
        const images = toIntensities(bars(size, from), TINY.canvas);
        const outcomes = await takeRows(unroll(model, images, noiseFor(TINY, size, from)).outcome);
        return outcomes.map((ofImage) => ({
          elbo: elboTerms(ofImage, logPrior).elbo,
          logits: [...ofImage.zPresLogits],
        }));
      };
      // the products of a library depend on the size of the batch in their last bits; ours, and plain loops, do not
      const isExact = backend === 'cpu' || backend === 'wasm';
      const areSame = (some: Told[], same: Told[]) => {
        const numbers = (all: Told[]) => all.flatMap(({ elbo, logits }) => [elbo, ...logits]);
        if (isExact) assert.deepEqual(some, same);
        else assertCloseOverall(numbers(some), numbers(same), 1e-5, 'in another batch');
      };
      const all = await tell(7, 0);
      areSame(await tell(1, 4), all.slice(4, 5));
      areSame(await tell(3, 2), all.slice(2, 5));
    });
  });

  const seeing = (['image', 'difference', 'both'] as const).flatMap((guideInput) =>
    [[6], [9, 6], []].map((embedNet) => ({ guideInput, embedNet })),
  );
  for (const changes of [
    ...seeing,
    { modelSteps: 1 },
    { predictNet: [], encoderNet: [], decoderNet: [] },
    { predictNet: [6, 5], encoderNet: [7, 6], decoderNet: [5, 7] },
    { guidePool: 1 },
    { zWhere: 'absolute' as const },
    { likelihood: 'bernoulli' as const },
    { activation: 'elu' as const },
    { activation: 'softplus' as const },
    { decoderOutput: 'linear' as const, decoderOutputBias: 0.3 },
    { decoderScale: 0.5 },
    { guideFeedback: false },
    { initialState: 'zero' as const },
    { guideFeedback: false, initialState: 'zero' as const, embedNet: [] },
    { zPresBias: 0.75, zScaleBias: 0.5 },
    { zPresBias: 0.75, zWhere: 'absolute' as const },
    { zWhere: 'sides' as const, scalePriorMean: 0, scalePriorSd: 1 },
    { zWhere: 'sides' as const, scalePriorMean: 0.4, scalePriorSd: 0.3, posPriorMean: 0.1, posPriorSd: 0.6 },
    { zWhere: 'sides' as const, guideInput: 'image' as const, guideFeedback: false, zPresBias: 0.75, zScaleBias: 0.5 },
  ]) {
    describe(`the whole pass, ${JSON.stringify(changes)}`, () => {
      const config: ModelConfig = { ...TINY, ...changes };
      const n = config.modelSteps;
      const [ofLogits, ofLogLik, ofKl] = [normals(3 * n), normals(3 * n + 3, 0.1), normals(3 * n)];
      let expected: { [name: string]: number[] };
      let outputs: number[][];

      /** All that the pass is given, and the gradients by what it says. */
      const given = () => ({
        params: livelyParams(config),
        images: toIntensities(bars(3), config.canvas),
        noise: noiseFor(config, 3),
        d: {
          zPresLogits: tf.tensor2d(ofLogits, [3, n]),
          logLik: tf.tensor2d(ofLogLik, [3, n + 1]),
          kl: tf.tensor2d(ofKl, [3, n]),
        },
      });

      before(async () => {
        await startBackend('cpu');
        const { params, images, noise, d } = given();
        const names = Object.keys(params);
        const run = (...tensors: tf.Tensor[]) =>
          plainPass(config, Object.fromEntries(names.map((name, i) => [name, tensors[i]])), images, noise);
        const { zPresLogits, logLik, kl } = run(...Object.values(params));
        outputs = await Promise.all([zPresLogits, logLik, kl].map(read));
        const gradients = tf.grads((...tensors: tf.Tensor[]) => {
          const pass = run(...tensors);
          const weighted = (['zPresLogits', 'logLik', 'kl'] as const).map((key) => tf.sum(tf.mul(pass[key], d[key])));
          return tf.addN(weighted) as tf.Scalar;
        })(Object.values(params));
        const numbers = await Promise.all(gradients.map(read));
        expected = Object.fromEntries(names.map((name, i) => [name, numbers[i]]));
        await startBackend(backend);
      });

      it('says what plain ops say', async () => {
        const { params, images, noise } = given();
        const { zPresLogits, logLik, whereKl, whatKl } = unroll(makeModel(config, params), images, noise).outcome;
        const actual = await Promise.all([zPresLogits, logLik, tf.add(whereKl, whatKl)].map(read));
        for (const i of [0, 1, 2])
          assertCloseOverall(actual[i], outputs[i], 1e-5, ['logits', 'log-likelihoods', 'KLs'][i]);
      });

      it('has the gradient of plain ops by every weight', async () => {
        const { params, images, noise, d } = given();
        const model = makeModel(config, params);
        const gradients = unrollGrad(model, unroll(model, images, noise), d);
        assert.deepEqual(Object.keys(gradients).sort(), Object.keys(expected).sort());
        for (const [name, gradient] of Object.entries(gradients)) {
          assert.deepEqual(gradient.shape, params[name].shape);
          assertCloseOverall(await read(gradient), expected[name], 1e-4, `gradient by ${name}`);
        }
      });
    });
  }

  describe('makeNoise', () => {
    it('gives each image the draws of its own sequence, step by step', async () => {
      const noise = makeNoise(TINY, drawsOf(2, 5));
      for (const b of [0, 1]) {
        const draws = new Draws(1, 'trainNoise', 1, 5 + b);
        for (const { where, what } of noise) {
          const [ofWhere, ofWhat] = [await where.data(), await what.data()];
          assert.deepEqual(ofWhere.slice(3 * b, 3 * b + 3), draws.fillNormal(new Float32Array(3)));
          assert.deepEqual(ofWhat.slice(4 * b, 4 * b + 4), draws.fillNormal(new Float32Array(4)));
        }
      }
    });

    it('without draws is zero: the mean', async () => {
      for (const { where, what } of makeNoise(TINY, 2)) {
        assert.deepEqual(
          [where.shape, what.shape],
          [
            [2, 3],
            [2, 4],
          ],
        );
        assert.ok([...(await read(where)), ...(await read(what))].every((value) => value === 0));
      }
    });
  });
});
