/** RMSProp against its formulas in float64, step by step. */
import assert from 'node:assert/strict';
import { it } from 'node:test';
import * as tf from '@tensorflow/tfjs';
import { PRESETS } from '#air/presets.js';
import { rmsprop } from '#air/train/optimisers/rmsprop.js';
import { assertCloseEach } from '../../support/assert-close.js';
import { onEachBackend, read } from '../../support/backends.js';
import { sparseNormals } from '../../support/random.js';

const SETTINGS = { ...PRESETS.fast.training, rmspropDecay: 0.8, rmspropMomentum: 0.7, rmspropEpsilon: 1e-4 };
const SHAPES = { 'net.weight': [5, 3], 'net.bias': [5], one: [1] };

/** One weight after some gradients; squares begin at 1, as in TensorFlow 1. */
function reference(weight: number, gradients: readonly number[], rates: readonly number[]): number {
  let [mean, square, move] = [0, 1, 0];
  let theta = weight;
  gradients.forEach((g, s) => {
    mean = 0.8 * mean + 0.2 * g;
    square = 0.8 * square + 0.2 * g * g;
    move = 0.7 * move + (rates[s] * g) / Math.sqrt(square - mean * mean + 1e-4);
    theta -= move;
  });
  return theta;
}

onEachBackend(() => {
  it('takes the steps of its formulas', async () => {
    const start = sparseNormals(SHAPES, 1);
    const gradients = [1, 10, 1e-2, 1, 0.1, 1].map((scale) => sparseNormals(SHAPES, scale));
    const rates = gradients.map((_, s) => 0.01 * (s + 1));
    const tensors = (numbers: typeof start) =>
      Object.fromEntries(
        Object.entries(SHAPES).map(([name, shape]) => [name, tf.tensor(numbers[name], shape) as tf.Tensor]),
      );
    let weights = tensors(start);
    let moments = rmsprop.start(weights);
    for (const [s, gradient] of gradients.entries()) {
      const pace = { step: s + 1, rate: rates[s] };
      ({ weights, moments } = rmsprop.step({ weights, gradients: tensors(gradient) }, moments, pace, SETTINGS));
    }
    assert.deepEqual(Object.keys(moments), [...rmsprop.moments]);
    for (const name of Object.keys(SHAPES)) {
      const moved = (await read(weights[name])).map((value, i) => value - start[name][i]);
      const expected = start[name].map((value, i) => {
        const ofWeight = gradients.map((gradient) => gradient[name][i]);
        return reference(value, ofWeight, rates) - value;
      });
      assertCloseEach(moved, expected, 2e-4, name, 1e-3);
    }
  });

  it('stays finite where the gradient does not change, so that its variance is 0 or less by rounding', async () => {
    let weights: { [name: string]: tf.Tensor } = { w: tf.tensor1d([0, 0, 0]) };
    let moments = rmsprop.start(weights);
    for (let step = 1; step <= 200; step++) {
      const gradients = { w: tf.tensor1d([3.3, 1e3, 0]) };
      ({ weights, moments } = rmsprop.step({ weights, gradients }, moments, { step, rate: 1e-6 }, SETTINGS));
    }
    const values = await read(weights.w);
    assert.ok(values.every(Number.isFinite), String(values));
    assert.equal(values[2], 0);
  });
});
