/**
 * What tfjs's wasm backend gets wrong or slow on its own and core/ relies on: products of stacks and transposes, weights
 * that change in place, sums of very many numbers, logarithms of very small ones. Plain tfjs ops, as core/ composes them,
 * against float64; the kernels that cure them are tested in test/backends.
 */
import assert from 'node:assert/strict';
import { it } from 'node:test';
import * as tf from '@tensorflow/tfjs';
import { geometricLogProbs } from '#air/core/count.js';
import { infer } from '#air/core/infer.js';
import { makeModel } from '#air/core/model.js';
import { PRESETS } from '#air/presets.js';
import { Learner } from '#air/train/learner.js';
import type { StepPlan } from '#air/train/plan.js';
import { assertCloseEach, assertCloseOverall } from '../support/assert-close.js';
import { onEachBackend, read } from '../support/backends.js';
import { normals } from '../support/random.js';
import { bars, stepPlan, TINY, TINY_TRAINING } from '../support/tiny-model.js';

/** op(a) op(b) of two stacks of matrices; a stack of one meets all of the other. */
function stackedProducts(
  a: { count: number; values: number[] },
  b: { count: number; values: number[] },
  [m, k, n]: readonly [number, number, number],
  [transposeA, transposeB]: readonly [boolean, boolean],
): number[] {
  const count = Math.max(a.count, b.count);
  return Array.from({ length: count * m * n }, (_, at) => {
    const [s, i, j] = [Math.floor(at / (m * n)), Math.floor(at / n) % m, at % n];
    const left = (p: number) => a.values[(s % a.count) * m * k + (transposeA ? p * m + i : i * k + p)];
    const right = (p: number) => b.values[(s % b.count) * k * n + (transposeB ? j * k + p : p * n + j)];
    let sum = 0;
    for (let p = 0; p < k; p++) sum += left(p) * right(p);
    return sum;
  });
}

onEachBackend(() => {
  for (const [countA, countB] of [
    [1, 1],
    [3, 3],
    [3, 1],
    [1, 3],
  ]) {
    it(`multiplies stacks of ${countA} and ${countB}, transposed or not, and differentiates where tfjs does`, async () => {
      const [m, k, n] = [5, 9, 6];
      for (const transposes of [
        [false, false],
        [true, false],
        [false, true],
        [true, true],
      ] as const) {
        const [a, b] = [normals(countA * m * k), normals(countB * k * n)];
        const shapeA: [number, number, number] = transposes[0] ? [countA, k, m] : [countA, m, k];
        const shapeB: [number, number, number] = transposes[1] ? [countB, n, k] : [countB, k, n];
        const product = (x: tf.Tensor, y: tf.Tensor) => tf.matMul(x, y, transposes[0], transposes[1]);
        const [left, right] = [tf.tensor3d(a, shapeA), tf.tensor3d(b, shapeB)];
        const expected = stackedProducts(
          { count: countA, values: a },
          { count: countB, values: b },
          [m, k, n],
          transposes,
        );
        assertCloseOverall(await read(product(left, right)), expected, 1e-5, `product ${transposes}`);
        if (countA !== countB) continue; // tfjs has no gradient there
        // a product is linear in each factor: <dy, a b> = <da, a>, and the same for b
        const weights = normals(expected.length);
        const loss = (x: tf.Tensor, y: tf.Tensor) =>
          tf.sum(tf.mul(tf.reshape(product(x, y), [-1]), tf.tensor1d(weights))) as tf.Scalar;
        const total = expected.reduce((sum, value, i) => sum + value * weights[i], 0);
        for (const [i, gradient] of tf.grads(loss)([left, right]).entries()) {
          const along = await read(tf.sum(tf.mul(gradient, i === 0 ? left : right)));
          assertCloseOverall(along, [total], 1e-4, `gradient by factor ${i}, ${transposes}`, 10);
        }
      }
    });
  }

  it('explains with the weights as they are after a step, not as they were packed before', async () => {
    const learner = new Learner({ config: TINY, training: TINY_TRAINING });
    const batch = bars(6);
    const look = (params: { [name: string]: tf.Tensor }) =>
      infer(makeModel(TINY, params), batch, [0, 1, 2, 3, 4, 5], { mode: 'mean', samples: 1, seed: 1 });
    const before = await look(learner.params);
    await learner.step(batch, 6, stepPlan(1, 0.1));
    const after = await look(learner.params);
    const copies = [...(await learner.read('params'))].map(([name, { shape, values }]) => [
      name,
      tf.tensor(values, shape),
    ]);
    assert.notDeepEqual(after, before);
    assert.deepEqual(after, await look(Object.fromEntries(copies)));
    learner.dispose();
  });

  it('keeps the digits of the size of a gradient of 300,000 numbers', async () => {
    const { model, training } = PRESETS.fast;
    const learner = new Learner({ config: model, training: { ...training, batchSize: 2 } });
    const batch = bars(2, 0, [50, 50]);
    const plan: StepPlan = {
      step: 1,
      rates: { model: 0, baseline: 0 },
      logPrior: geometricLogProbs(1e-3, model.modelSteps),
      wantsNorm: true,
    };
    const { sum } = await learner.gradients({ images: batch, from: 0, batch: 2 }, plan);
    let squares = 0;
    for (const gradient of Object.values(sum)) {
      for (const value of await gradient.data()) squares += value * value;
    }
    tf.dispose(sum);
    const { gradientNorm } = await learner.step(batch, 2, plan);
    assertCloseEach(gradientNorm as number, Math.sqrt(squares), 1e-5, 'norm');
    learner.dispose();
  });
});
