/** The enumerated ELBO against the expectation over every path of z_pres, and its gradient by finite differences. */
import assert from 'node:assert/strict';
import { it } from 'node:test';
import * as tf from '@tensorflow/tfjs';
import { elboTerms, logCountProbs } from '#air/core/count.js';
import { geometricLogProbs } from '#air/core/distributions.js';
import { countLogProbs, enumeratedElbo } from '#air/core/elbo.js';
import { gradientsOf, normals, onEachBackend, read } from './backends.js';
import { assertEachNear, assertNear, slopes } from './finite-differences.js';
import { elboByPaths } from './paths.js';

const BATCH = 4;

/** One row after the other. */
function rowsOf(values: readonly number[], width: number): number[][] {
  return Array.from({ length: BATCH }, (_, b) => values.slice(b * width, (b + 1) * width));
}

function randomInputs(modelSteps: number): { zPresLogits: number[]; logLik: number[]; kl: number[] } {
  return {
    zPresLogits: normals(BATCH * modelSteps, 2),
    logLik: normals(BATCH * (modelSteps + 1), 100),
    kl: normals(BATCH * modelSteps, 5, [15]),
  };
}

onEachBackend(() => {
  for (const modelSteps of [1, 2, 3, 4]) {
    for (const k of [0.5, 1e-6]) {
      const logPrior = geometricLogProbs(k, modelSteps);
      const { zPresLogits, logLik, kl } = randomInputs(modelSteps);
      const perObject: [number, number] = [BATCH, modelSteps];
      const perCount: [number, number] = [BATCH, modelSteps + 1];

      it(`sums over 0..${modelSteps} objects, k ${k}`, async () => {
        const elbo = enumeratedElbo(
          {
            zPresLogits: tf.tensor2d(zPresLogits, perObject),
            logLik: tf.tensor2d(logLik, perCount),
            kl: tf.tensor2d(kl, perObject),
          },
          logPrior,
        );
        assert.deepEqual(elbo.shape, [BATCH]);
        const [logits, liks, kls] = [
          rowsOf(zPresLogits, modelSteps),
          rowsOf(logLik, modelSteps + 1),
          rowsOf(kl, modelSteps),
        ];
        const expected = logits.map((row, b) => elboByPaths({ zPresLogits: row, logLik: liks[b], kl: kls[b] }, k));
        assertNear(await read(elbo), expected, 1e-6, 'ELBO', 100);
      });

      it(`differentiates the sum over 0..${modelSteps} objects, k ${k}`, async () => {
        const weights = normals(BATCH);
        const sizes = [BATCH * modelSteps, BATCH * (modelSteps + 1), BATCH * modelSteps];
        const weighted = (all: readonly number[]) => {
          const logits = rowsOf(all.slice(0, sizes[0]), modelSteps);
          const liks = rowsOf(all.slice(sizes[0], sizes[0] + sizes[1]), modelSteps + 1);
          const kls = rowsOf(all.slice(sizes[0] + sizes[1]), modelSteps);
          return logits.reduce((sum, row, b) => {
            return sum + weights[b] * elboByPaths({ zPresLogits: row, logLik: liks[b], kl: kls[b] }, k);
          }, 0);
        };
        const expected = slopes(weighted, [...zPresLogits, ...logLik, ...kl], 1e-5);
        const actual = await gradientsOf(
          (a, b, c) => {
            const inputs = { zPresLogits: a as tf.Tensor2D, logLik: b as tf.Tensor2D, kl: c as tf.Tensor2D };
            return tf.sum(tf.mul(enumeratedElbo(inputs, logPrior), tf.tensor1d(weights)));
          },
          [
            { shape: perObject, values: zPresLogits },
            { shape: perCount, values: logLik },
            { shape: perObject, values: kl },
          ],
        );
        assertNear(actual[0], expected.slice(0, sizes[0]), 1e-5, 'd zPresLogits');
        assertNear(actual[1], expected.slice(sizes[0], sizes[0] + sizes[1]), 1e-5, 'd logLik');
        assertNear(actual[2], expected.slice(sizes[0] + sizes[1]), 1e-5, 'd kl');
      });
    }
  }

  it('knows log q(n) as the host does, to the extremes', async () => {
    for (const logits of [
      [0.3, -1, 2],
      [60, -60, 60],
      [-60, 60, -60],
      [-15, -16, -17],
      [200, 200, 200],
      [-200, -200, -200],
      [1e4, -1e4, 0],
    ]) {
      const actual = await read(countLogProbs(tf.tensor2d([logits])));
      assertEachNear(actual, logCountProbs(logits), 1e-6, `log q(n) for ${logits}`, 1e-6);
    }
  });

  it('keeps its digits, value and gradient, at extreme logits', async () => {
    const logPrior = geometricLogProbs(1e-6, 3);
    const logLik = [-3000, 200, 620, 640];
    const kl = [40, 45, 50];
    for (const logits of [
      [60, -60, 0],
      [60, 60, 60],
      [-60, -60, -60],
      [60, 60, -60],
      [100, -100, 100],
    ]) {
      const elboOf = (x: readonly number[]) =>
        elboTerms({ zPresLogits: x, logLik, whereKl: kl, whatKl: [0, 0, 0] }, logPrior).elbo;
      const inputs = { logLik: tf.tensor2d([logLik]), kl: tf.tensor2d([kl]) };
      const [gradient] = await gradientsOf(
        (zPresLogits) =>
          tf.sum(enumeratedElbo({ ...inputs, zPresLogits: zPresLogits as tf.Tensor2D }, logPrior)) as tf.Scalar,
        [{ shape: [1, 3], values: logits }],
      );
      const value = enumeratedElbo({ ...inputs, zPresLogits: tf.tensor2d([logits]) }, logPrior);
      assertEachNear(await read(value), [elboOf(logits)], 1e-6, `ELBO at ${logits}`);
      assertNear(gradient, slopes(elboOf, logits, 1e-3), 1e-4, `gradient at ${logits}`, 1e-3);
    }
  });

  it('has a gradient with digits where the model is nearly sure', async () => {
    const logPrior = geometricLogProbs(1e-6, 3);
    const logLik = [500, 560, 610, 640];
    const kl = [20, 21, 22];
    for (const logits of [
      [12, 12, 12],
      [9, 14, -9],
    ]) {
      const elboOf = (x: readonly number[]) =>
        elboTerms({ zPresLogits: x, logLik, whereKl: kl, whatKl: [0, 0, 0] }, logPrior).elbo;
      const inputs = { logLik: tf.tensor2d([logLik]), kl: tf.tensor2d([kl]) };
      const [gradient] = await gradientsOf(
        (zPresLogits) =>
          tf.sum(enumeratedElbo({ ...inputs, zPresLogits: zPresLogits as tf.Tensor2D }, logPrior)) as tf.Scalar,
        [{ shape: [1, 3], values: logits }],
      );
      assertEachNear(gradient, slopes(elboOf, logits, 1e-3), 1e-4, `gradient at ${logits}`);
    }
  });
});
