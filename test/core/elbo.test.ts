/** The enumerated ELBO against the expectation over every path of z_pres, its gradient against finite differences of that. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import * as tf from '@tensorflow/tfjs';
import { geometricLogProbs, logCountProbs } from '#air/core/count.js';
import { elboTerms, enumeratedElboGrad, meanTerms } from '#air/core/elbo.js';
import { countLogProbs } from '#air/core/ops/elbo.js';
import { assertCloseEach, assertCloseOverall } from '../support/assert-close.js';
import { onEachBackend, read } from '../support/backends.js';
import { slopes } from '../support/finite-differences.js';
import { elboByPaths, pathsOf } from '../support/paths.js';
import { normals } from '../support/random.js';

const BATCH = 4;

/** One row after the other. */
function rowsOf(values: readonly number[], width: number): number[][] {
  return Array.from({ length: BATCH }, (_, b) => values.slice(b * width, (b + 1) * width));
}

/** Gradients of the ELBO of one image by its logits. */
async function gradientAt(logits: number[], logLik: number[], kl: number[], logPrior: number[]): Promise<number[]> {
  const inputs = {
    zPresLogits: tf.tensor2d([logits]),
    logLik: tf.tensor2d([logLik]),
    whereKl: tf.tensor2d([kl]),
    whatKl: tf.zeros<tf.Rank.R2>([1, kl.length]),
  };
  return read(enumeratedElboGrad(inputs, logPrior, 1).zPresLogits);
}

describe('elboTerms', () => {
  it('adds up, and equals the expectation over every path of z_pres', () => {
    for (const modelSteps of [1, 2, 3, 5]) {
      const zPresLogits = normals(modelSteps, 2);
      const logLik = normals(modelSteps + 1, 300, [500]);
      const [whereKl, whatKl] = [normals(modelSteps, 5, [10]), normals(modelSteps, 5, [20])];
      const k = 1e-4;
      const terms = elboTerms({ zPresLogits, logLik, whereKl, whatKl }, geometricLogProbs(k, modelSteps));
      const kl = whereKl.map((where, t) => where + whatKl[t]);
      assertCloseEach(terms.elbo, elboByPaths({ zPresLogits, logLik, kl }, k), 1e-12, 'ELBO');
      const sum = terms.logLik - terms.countKl - terms.whereKl - terms.whatKl;
      assertCloseEach(sum, terms.elbo, 1e-13, 'sum of the terms');
      const whereOnly = elboByPaths({ zPresLogits, logLik, kl: whereKl }, k);
      assertCloseEach(whereOnly - terms.elbo, terms.whatKl, 1e-10, 'KL of z_what');
    }
  });

  it('has no KL of the count where q(n) is the prior', () => {
    const logPrior = geometricLogProbs(0.25, 2);
    const chain = [Math.log(0.25 + 0.0625), Math.log(0.25)]; // logit of odds k + k^2, then k
    const { countKl } = elboTerms({ zPresLogits: chain, logLik: [0, 0, 0], whereKl: [0, 0], whatKl: [0, 0] }, logPrior);
    assert.ok(Math.abs(countKl) < 1e-15, `${countKl}`);
  });

  it('leaves out what has no probability, infinite or not', () => {
    const outcome = { zPresLogits: [-1000], logLik: [5, Number.NEGATIVE_INFINITY], whereKl: [1e30], whatKl: [1] };
    const { elbo, logLik } = elboTerms(outcome, [0, -10]);
    assert.deepEqual([elbo, logLik], [5, 5]);
  });

  it('is not a number where something is not', () => {
    const outcome = { zPresLogits: [Number.NaN], logLik: [5, 6], whereKl: [1], whatKl: [1] };
    assert.ok(Number.isNaN(elboTerms(outcome, [0, -10]).elbo));
  });

  it('averages term by term', () => {
    const terms = { elbo: 1, logLik: 20, countKl: 300, whereKl: 4000, whatKl: 50000 };
    const more = { elbo: 3, logLik: 40, countKl: 500, whereKl: 6000, whatKl: 70000 };
    assert.deepEqual(meanTerms([terms, more]), { elbo: 2, logLik: 30, countKl: 400, whereKl: 5000, whatKl: 60000 });
  });
});

onEachBackend(() => {
  for (const modelSteps of [1, 2, 3, 4]) {
    for (const k of [0.5, 1e-6]) {
      for (const hasLessons of [false, true]) {
        const what = hasLessons ? 'sum and what lessons add' : 'sum';
        it(`differentiates the ${what} over 0..${modelSteps} objects, k ${k}`, async () => {
          const scale = -0.7;
          const [each, counts] = [BATCH * modelSteps, BATCH * (modelSteps + 1)];
          const values = [
            normals(each, 2), // logits
            normals(counts, 100), // likelihoods
            normals(each, 5, [15]), // KLs
            normals(each, 5, [10]),
          ];
          const lessons = hasLessons ? normals(counts, 30) : Array(counts).fill(0);
          const starts = [0, each, each + counts, 2 * each + counts];
          const cut = (all: readonly number[]) =>
            starts.map((start, i) => rowsOf(all.slice(start, start + values[i].length), values[i].length / BATCH));
          const weighted = (all: readonly number[]) => {
            const [logits, liks, wheres, whats] = cut(all);
            return logits.reduce((sum, row, b) => {
              const kl = wheres[b].map((where, t) => where + whats[b][t]);
              const lesson = pathsOf(row).reduce(
                (total, { n, probability }) => total + lessons[b * (modelSteps + 1) + n] * Math.log(probability),
                0,
              );
              return sum + scale * (elboByPaths({ zPresLogits: row, logLik: liks[b], kl }, k) + lesson);
            }, 0);
          };
          const expected = cut(slopes(weighted, values.flat(), 1e-5)).map((rows) => rows.flat());

          const [zPresLogits, logLik, whereKl, whatKl] = values.map((all) =>
            tf.tensor2d(all, [BATCH, all.length / BATCH]),
          );
          const gradients = enumeratedElboGrad(
            { zPresLogits, logLik, whereKl, whatKl },
            geometricLogProbs(k, modelSteps),
            scale,
            hasLessons ? tf.tensor2d(lessons, [BATCH, modelSteps + 1]) : undefined,
          );
          assert.deepEqual(gradients.kl.shape, [BATCH, modelSteps]);
          const kl = await read(gradients.kl);
          assertCloseOverall(await read(gradients.zPresLogits), expected[0], 1e-5, 'd zPresLogits');
          assertCloseOverall(await read(gradients.logLik), expected[1], 1e-5, 'd logLik');
          assertCloseOverall(kl, expected[2], 1e-5, 'd KL of z_where');
          assertCloseOverall(kl, expected[3], 1e-5, 'd KL of z_what');
        });
      }
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
      assertCloseEach(actual, logCountProbs(logits), 1e-6, `log q(n) for ${logits}`, 1e-6);
    }
  });

  it('keeps its digits at extreme logits', async () => {
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
      const gradient = await gradientAt(logits, logLik, kl, logPrior);
      assertCloseOverall(gradient, slopes(elboOf, logits, 1e-3), 1e-4, `gradient at ${logits}`, 1e-3);
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
      const gradient = await gradientAt(logits, logLik, kl, logPrior);
      assertCloseEach(gradient, slopes(elboOf, logits, 1e-3), 1e-4, `gradient at ${logits}`);
    }
  });
});
