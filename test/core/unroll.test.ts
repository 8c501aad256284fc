/** The pass that explains: what the guide sees, the canvases it builds, and where its gradient does not go. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import * as tf from '@tensorflow/tfjs';
import type { GuideInputName, ModelConfig } from '#air/core/config.js';
import { logCountProbs } from '#air/core/count.js';
import { geometricLogProbs } from '#air/core/distributions.js';
import { enumeratedElbo } from '#air/core/elbo.js';
import { elboGradients } from '#air/core/estimators/enumerate.js';
import { guideInputs } from '#air/core/guide-input.js';
import { toIntensities } from '#air/core/images.js';
import { initialParams } from '#air/core/parameters.js';
import { Draws } from '#air/core/rng.js';
import { makeModel, makeNoise, unroll } from '#air/core/unroll.js';
import { normals, onEachBackend, read } from './backends.js';
import { assertNear } from './finite-differences.js';
import { bars, TINY } from './tiny-model.js';

const rows = (size: number, from = 0) =>
  Array.from({ length: size }, (_, b) => new Draws(1, 'trainNoise', 1, from + b));

/** Weights large enough that every part of the model has something to say, and no ReLU is dead for every image. */
function livelyParams(config: ModelConfig): { [name: string]: tf.Tensor } {
  return Object.fromEntries(
    Object.entries(initialParams(config, 1)).map(([name, initial], i) => {
      const draws = new Draws(2, 'initialValues', i);
      const values = draws.fillNormal(new Float32Array(initial.size)).map((value) => 0.1 * value);
      const shift = name.endsWith('0.bias') ? 0.3 : 0;
      return [name, tf.add(tf.add(tf.mul(initial, 3), tf.tensor(values, initial.shape)), shift)];
    }),
  );
}

onEachBackend(() => {
  describe('unroll', () => {
    it('scores the canvas of every count, the empty one first', async () => {
      const model = makeModel(TINY, livelyParams(TINY));
      const images = toIntensities(bars(3), TINY.canvas);
      const { steps, logLik } = unroll(model, images, makeNoise(TINY, rows(3)));
      assert.deepEqual(logLik.shape, [3, 4]);
      const x = await read(tf.clone(images));
      const placed = await Promise.all(steps.map((step) => read(step.placed)));
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
      assertNear(await read(logLik), expected, 1e-5, 'log p(x | z_1..n)');
    });

    it('gives an image the same results whatever else is in the batch', async () => {
      const model = makeModel(TINY, livelyParams(TINY));
      const elboOf = async (size: number, from: number) => {
        const pass = unroll(model, toIntensities(bars(size, from), TINY.canvas), makeNoise(TINY, rows(size, from)));
        const kl = tf.add(pass.whereKl, pass.whatKl) as tf.Tensor2D;
        return read(enumeratedElbo({ ...pass, kl }, geometricLogProbs(0.1, 3)));
      };
      const all = await elboOf(7, 0);
      assert.deepEqual(await elboOf(1, 4), all.slice(4, 5));
      assert.deepEqual(await elboOf(3, 2), all.slice(2, 5));
    });
  });

  describe('what the guide sees', () => {
    const images = () => toIntensities(bars(2), TINY.canvas);
    const canvas = () => tf.tensor3d(normals(240, 0.2), [2, 12, 10]);

    it('is the image, what the canvas leaves of it, or both', async () => {
      const config = { ...TINY, embedNet: [] };
      const seen = async (name: GuideInputName) =>
        read(guideInputs[name].look({}, config, images())(tf.mul(images(), 0.25) as tf.Tensor3D));
      const pixels = await read(images());
      const pooled = [0, 1].flatMap((b) =>
        Array.from({ length: 30 }, (_, i) => {
          const [row, column] = [2 * Math.floor(i / 5), 2 * (i % 5)];
          const at = (r: number, c: number) => pixels[120 * b + 10 * (row + r) + column + c];
          return (0.75 * (at(0, 0) + at(0, 1) + at(1, 0) + at(1, 1))) / 4;
        }),
      );
      assert.deepEqual(await seen('image'), pixels);
      assertNear(await seen('difference'), pooled, 1e-6, 'difference');
      const both = [0, 1].flatMap((b) => [
        ...pixels.slice(120 * b, 120 * b + 120),
        ...pooled.slice(30 * b, 30 * b + 30),
      ]);
      assertNear(await seen('both'), both, 1e-6, 'both');
    });

    for (const guideInput of ['image', 'difference', 'both'] as const) {
      it(`lets no gradient through to the canvas (${guideInput})`, async () => {
        const config = { ...TINY, guideInput };
        const params = initialParams(config, 1);
        const gradient = tf.grad((given) => {
          const seen = guideInputs[guideInput].look(params, config, images())(given as tf.Tensor3D);
          return tf.add(tf.sum(tf.square(seen)), tf.sum(given)) as tf.Scalar;
        })(canvas());
        assert.deepEqual(await read(gradient), Array(240).fill(1), 'of the plain sum alone');
      });

      it(`has a size that the LSTM expects, and trains every weight (${guideInput})`, async () => {
        const config = { ...TINY, guideInput };
        const model = makeModel(config, livelyParams(config));
        const logPrior = geometricLogProbs(0.1, 3);
        const { gradients } = elboGradients(model, images(), makeNoise(config, rows(2)), logPrior, 2);
        for (const [name, gradient] of Object.entries(gradients)) {
          assert.deepEqual(gradient.shape, model.params[name].shape);
          assert.ok(
            (await read(gradient)).some((value) => value !== 0),
            `${name} gets a gradient`,
          );
        }
      });
    }
  });

  describe('elboGradients', () => {
    const config = { ...TINY, guideInput: 'image' as const }; // the others stop the gradient at what they see
    const divisor = 5;

    for (const known of [undefined, { counts: [2, -1, 0], weight: 10 }]) {
      const objective = known ? 'ELBO, and of log q of known counts,' : 'ELBO';
      it(`is minus the slope of the ${objective} over the divisor, weight by weight`, async () => {
        const params = livelyParams(config);
        const images = toIntensities(bars(3), config.canvas);
        const noise = makeNoise(config, rows(3));
        const logPrior = geometricLogProbs(0.1, 3);
        const at = (weights: { [name: string]: tf.Tensor }) =>
          elboGradients(makeModel(config, weights), images, noise, logPrior, divisor, known);
        const objectiveAt = async (weights: { [name: string]: tf.Tensor }) => {
          const { outcome } = at(weights);
          const [elbos, logits] = [await read(outcome.elbo), await read(outcome.zPresLogits)];
          return elbos.reduce((sum, elbo, b) => {
            const count = known?.counts[b] ?? -1;
            const lesson = count < 0 ? 0 : 10 * logCountProbs(logits.slice(3 * b, 3 * b + 3))[count];
            return sum + (elbo + lesson) / divisor;
          }, 0);
        };
        const { gradients } = at(params);
        for (const [name, gradient] of Object.entries(gradients)) {
          // along the gradient itself the slope is its length; a step of 0.003 nats is hundreds of roundings
          const [length] = await read(tf.norm(gradient));
          const step = 0.003 / length;
          const moved = (by: number) => ({ ...params, [name]: tf.sub(params[name], tf.mul(gradient, by / length)) });
          const slope = ((await objectiveAt(moved(step))) - (await objectiveAt(moved(-step)))) / (2 * step);
          assert.ok(Math.abs(slope - length) < 0.004 * length, `${name}: slope ${slope}, gradient ${length}`);
        }
      });
    }
  });

  describe('makeNoise', () => {
    it('gives each image the draws of its own sequence, step by step', async () => {
      const noise = makeNoise(TINY, rows(2, 5));
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
