/** The pass that explains: what the guide sees, the canvases it builds, and its gradient. */
import assert from 'node:assert/strict';
import { before, describe, it } from 'node:test';
import * as tf from '@tensorflow/tfjs';
import { startBackend } from '#air/backends/start.js';
import type { GuideInputName, ModelConfig } from '#air/core/config.js';
import { geometricLogProbs, logCountProbs } from '#air/core/count.js';
import { elboTerms } from '#air/core/elbo.js';
import { elboGradients } from '#air/core/estimators/enumerate.js';
import { guideInputs } from '#air/core/guide-input.js';
import { toIntensities } from '#air/core/images.js';
import type { ElboInputs } from '#air/core/ops/elbo.js';
import { placeWindows } from '#air/core/ops/place-windows.js';
import { initialParams } from '#air/core/parameters.js';
import { Draws } from '#air/core/rng.js';
import { makeModel, makeNoise, unroll, unrollGrad } from '#air/core/unroll.js';
import { normals, onEachBackend, read } from '../support/backends.js';
import { assertNear } from '../support/finite-differences.js';
import { plainPass } from '../support/plain-pass.js';
import { bars, TINY } from '../support/tiny-model.js';

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

/** Of one image. */
type Told = { elbo: number; logits: number[] };

/** The ELBO of each image, and its logits. */
async function elbosOf(outcome: ElboInputs, logPrior: readonly number[]): Promise<Told[]> {
  const { zPresLogits, logLik, whereKl, whatKl } = outcome;
  const [logits, liks, wheres, whats] = (await Promise.all(
    [zPresLogits, logLik, whereKl, whatKl].map((tensor) => tensor.array()),
  )) as number[][][];
  return logits.map((row, b) => {
    const ofImage = { zPresLogits: row, logLik: liks[b], whereKl: wheres[b], whatKl: whats[b] };
    return { elbo: elboTerms(ofImage, logPrior).elbo, logits: row };
  });
}

onEachBackend((backend) => {
  describe('unroll', () => {
    it('scores the canvas of every count, the empty one first', async () => {
      const model = makeModel(TINY, livelyParams(TINY));
      const images = toIntensities(bars(3), TINY.canvas);
      const { steps, logLik } = unroll(model, images, makeNoise(TINY, rows(3)));
      assert.deepEqual(logLik.shape, [3, 4]);
      const x = await read(tf.clone(images));
      const canvases = await Promise.all(steps.map((step) => read(tf.clone(step.canvas))));
      const placed = await Promise.all(
        steps.map(async ({ decoded, where }, t) => {
          const drawn = placeWindows(decoded.y, where.sample, [5, 5], tf.zeros([3, 12, 10]));
          const alone = await read(drawn);
          assertNear(
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
      assertNear(await read(logLik), expected, 1e-5, 'log p(x | z_1..n)');
    });

    it('gives an image the same results whatever else is in the batch', async () => {
      const model = makeModel(TINY, livelyParams(TINY));
      const elboOf = async (size: number, from: number) => {
        const pass = unroll(model, toIntensities(bars(size, from), TINY.canvas), makeNoise(TINY, rows(size, from)));
        return elbosOf(pass, geometricLogProbs(0.1, 3));
      };
      // the products of a library depend on the size of the batch in their last bits; ours, and plain loops, do not
      const isExact = backend === 'cpu' || backend === 'wasm';
      const areSame = (some: Told[], same: Told[]) => {
        const numbers = (all: Told[]) => all.flatMap(({ elbo, logits }) => [elbo, ...logits]);
        if (isExact) assert.deepEqual(some, same);
        else assertNear(numbers(some), numbers(same), 1e-5, 'in another batch');
      };
      const all = await elboOf(7, 0);
      areSame(await elboOf(1, 4), all.slice(4, 5));
      areSame(await elboOf(3, 2), all.slice(2, 5));
    });
  });

  describe('what the guide sees', () => {
    const images = () => toIntensities(bars(2), TINY.canvas);

    it('is the image, what the canvas leaves of it, or both', async () => {
      const config = { ...TINY, embedNet: [] };
      const seen = async (name: GuideInputName) =>
        read(guideInputs[name].view({}, config, images()).observe(tf.mul(images(), 0.25)));
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

  const seeing = (['image', 'difference', 'both'] as const).flatMap((guideInput) =>
    [[6], [9, 6], []].map((embedNet) => ({ guideInput, embedNet })),
  );
  for (const changes of [
    ...seeing,
    { modelSteps: 1 },
    { predictNet: [], encoderNet: [], decoderNet: [] },
    { predictNet: [6, 5], encoderNet: [7, 6], decoderNet: [5, 7] },
    { guidePool: 1 },
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
        noise: makeNoise(config, rows(3)),
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
        const { zPresLogits, logLik, whereKl, whatKl } = unroll(makeModel(config, params), images, noise);
        const actual = await Promise.all([zPresLogits, logLik, tf.add(whereKl, whatKl)].map(read));
        for (const i of [0, 1, 2]) assertNear(actual[i], outputs[i], 1e-5, ['logits', 'log-likelihoods', 'KLs'][i]);
      });

      it('has the gradient of plain ops by every weight', async () => {
        const { params, images, noise, d } = given();
        const model = makeModel(config, params);
        const gradients = unrollGrad(model, images, noise, unroll(model, images, noise), d);
        assert.deepEqual(Object.keys(gradients).sort(), Object.keys(expected).sort());
        for (const [name, gradient] of Object.entries(gradients)) {
          assert.deepEqual(gradient.shape, params[name].shape);
          assertNear(await read(gradient), expected[name], 1e-4, `gradient by ${name}`);
        }
      });
    });
  }

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
          return (await elbosOf(at(weights).outcome, logPrior)).reduce((sum, { elbo, logits }, b) => {
            const count = known?.counts[b] ?? -1;
            const lesson = count < 0 ? 0 : 10 * logCountProbs(logits)[count];
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
