/** Adam against its paper in float64, step by step. */
import assert from 'node:assert/strict';
import { it } from 'node:test';
import * as tf from '@tensorflow/tfjs';
import type { NamedTensors } from '#air/core/ops/weights.js';
import { PRESETS } from '#air/presets.js';
import { adam } from '#air/train/optimisers/adam.js';
import type { Moments } from '#air/train/optimisers/optimiser.js';
import { assertCloseEach } from '../../support/assert-close.js';
import { onEachBackend, read } from '../../support/backends.js';
import { sparseNormals } from '../../support/random.js';

const SETTINGS = { ...PRESETS.fast.training, adamBeta1: 0.9, adamBeta2: 0.999, adamEpsilon: 1e-8 };
const SHAPES = { 'net.weight': [5, 3], 'net.bias': [5], one: [1] };

type Numbers = { [name: string]: number[] };

function tensors(numbers: Numbers): NamedTensors {
  return Object.fromEntries(
    Object.entries(SHAPES).map(([name, shape]) => [name, tf.tensor(numbers[name], shape) as tf.Tensor]),
  );
}

async function numbersOf(named: NamedTensors): Promise<Numbers> {
  const entries = Object.entries(named).map(async ([name, tensor]) => [name, Array.from(await tensor.data())] as const);
  return Object.fromEntries(await Promise.all(entries));
}

/** Algorithm 1 of Kingma & Ba 2015, number by number. */
function referenceSteps(start: Numbers, gradients: Numbers[], rates: number[]): Numbers {
  return Object.fromEntries(
    Object.entries(start).map(([name, weights]) => [
      name,
      weights.map((weight, i) => {
        let [theta, m, v] = [weight, 0, 0];
        gradients.forEach((gradient, s) => {
          const g = gradient[name][i];
          m = 0.9 * m + 0.1 * g;
          v = 0.999 * v + 0.001 * g * g;
          const [mHat, vHat] = [m / (1 - 0.9 ** (s + 1)), v / (1 - 0.999 ** (s + 1))];
          theta -= (rates[s] * mHat) / (Math.sqrt(vHat) + 1e-8);
        });
        return theta;
      }),
    ]),
  );
}

onEachBackend(() => {
  it('takes the steps of the paper', async () => {
    const start = sparseNormals(SHAPES, 1);
    const gradients = [1, 100, 1e-3, 1, 1e-6, 1].map((scale) => sparseNormals(SHAPES, scale));
    const rates = gradients.map((_, s) => 0.01 * (s + 1));
    let weights = tensors(start);
    let moments = adam.start(weights);
    for (const [s, gradient] of gradients.entries()) {
      const pace = { step: s + 1, rate: rates[s] };
      ({ weights, moments } = adam.step({ weights, gradients: tensors(gradient) }, moments, pace, SETTINGS));
    }
    const expected = referenceSteps(start, gradients, rates);
    const actual = await numbersOf(weights);
    for (const name of Object.keys(SHAPES)) {
      const moved = actual[name].map((value, i) => value - start[name][i]);
      assertCloseEach(
        moved,
        expected[name].map((value, i) => value - start[name][i]),
        1e-4,
        name,
        1e-3,
      );
    }
    tf.dispose([weights, moments.m, moments.v]);
  });

  it('moves by the rate at first, whatever the size of the gradient', async () => {
    const weights = { w: tf.tensor1d([0, 0, 0, 0]) };
    const gradients = { w: tf.tensor1d([1e-4, -1e4, 1, 0]) };
    const next = adam.step({ weights, gradients }, adam.start(weights), { step: 1, rate: 0.5 }, SETTINGS);
    assertCloseEach(await read(next.weights.w), [-0.5, 0.5, -0.5, 0], 2e-4, 'step', 1e-6);
  });

  it('keeps the moments of all weights one after the other', async () => {
    const [start, gradient] = [sparseNormals(SHAPES, 1), sparseNormals(SHAPES, 1)];
    const weights = tensors(start);
    const initial = adam.start(weights);
    assert.deepEqual([initial.m.shape, initial.v.shape], [[21], [21]]);
    assert.ok([...(await initial.m.data()), ...(await initial.v.data())].every((value) => value === 0));
    const given = { weights, gradients: tensors(gradient) };
    const { weights: next, moments } = adam.step(given, initial, { step: 1, rate: 0.1 }, SETTINGS);
    const inOrder = Object.keys(SHAPES).flatMap((name) => gradient[name]);
    assertCloseEach(
      await read(moments.m),
      inOrder.map((g) => 0.1 * g),
      1e-6,
      'm',
    );
    assertCloseEach(
      await read(moments.v),
      inOrder.map((g) => 0.001 * g * g),
      1e-6,
      'v',
    );
    assert.deepEqual(
      Object.entries(next).map(([name, { shape }]) => [name, shape]),
      Object.entries(SHAPES),
    );
    tf.dispose(next);
  });

  it('goes on from moments that went through the host, byte for byte', async () => {
    const start = sparseNormals(SHAPES, 1);
    const gradients = [1, 2, 3, 4, 5].map((scale) => sparseNormals(SHAPES, scale));
    const run = async (stopAfter: number | undefined) => {
      let weights = tensors(start);
      let moments: Moments = adam.start(weights);
      for (const [s, gradient] of gradients.entries()) {
        const pace = { step: s + 1, rate: 0.01 };
        ({ weights, moments } = adam.step({ weights, gradients: tensors(gradient) }, moments, pace, SETTINGS));
        if (s + 1 === stopAfter) {
          const kept = await numbersOf(weights);
          tf.dispose(weights);
          weights = tensors(kept);
          moments = { m: tf.tensor1d(await read(moments.m)), v: tf.tensor1d(await read(moments.v)) };
        }
      }
      return [await numbersOf(weights), await read(moments.m), await read(moments.v)];
    };
    assert.deepEqual(await run(3), await run(undefined));
  });

  it('consumes what it is given, and nothing else', async () => {
    const before = tf.memory().numTensors;
    const weights = tensors(sparseNormals(SHAPES, 1));
    const kept = tf.clone(weights['net.weight']);
    const old = await read(tf.clone(kept));
    const given = { weights, gradients: tensors(sparseNormals(SHAPES, 1)) };
    const { weights: next, moments } = adam.step(given, adam.start(weights), { step: 1, rate: 0.1 }, SETTINGS);
    assert.equal(tf.memory().numTensors, before + 3 + 2 + 1, 'weights and moments, and the clone');
    assert.deepEqual(await read(kept), old, 'a clone of a weight keeps its numbers');
    assert.notDeepEqual(await read(next['net.weight']), old);
    delete next['net.weight'];
    tf.dispose([next, moments.m, moments.v]);
    assert.equal(tf.memory().numTensors, before);
  });
});
