/** The importance-weighted bound against float64 and finite differences of itself, and q(n) against the cross-entropy's slope. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import * as tf from '@tensorflow/tfjs';
import { logCountProbs, logSumExp } from '#air/core/count.js';
import { estimate, type Given } from '#air/core/estimators/estimator.js';
import { iwae } from '#air/core/estimators/iwae.js';
import { toIntensities } from '#air/core/images.js';
import { makeModel } from '#air/core/model.js';
import { iwaeGradOp } from '#air/core/ops/iwae.js';
import type { NamedTensors } from '#air/core/ops/weights.js';
import type { Outcome } from '#air/core/outcome.js';
import { takeRows } from '#air/core/rows.js';
import { unroll } from '#air/core/unroll.js';
import { PRESETS } from '#air/presets.js';
import { assertCloseOverall } from '../../support/assert-close.js';
import { onEachBackend, read } from '../../support/backends.js';
import { slopes } from '../../support/finite-differences.js';
import { livelyModel, livelyParams, noiseFor } from '../../support/lively-model.js';
import { normals } from '../../support/random.js';
import { bars, TINY } from '../../support/tiny-model.js';

const N = TINY.modelSteps;
const LOG_PRIOR = [0.4, 0.3, 0.2, 0.1].map(Math.log);
const iwaeOf = (iwaeSamples: number) => iwae({ ...PRESETS.fast.training, iwaeSamples });

/** log w_n of one pass: log p(x, n, z_1..n) - log q(z_1..n), n = 0..N. */
function logWeights({ logLik, whereKl, whatKl }: Outcome, logPrior = LOG_PRIOR): number[] {
  let ratio = 0;
  return logPrior.map((prior, n) => {
    if (n > 0) ratio += whereKl[n - 1] + whatKl[n - 1];
    return logLik[n] + prior - ratio;
  });
}

/** The bound of an image, of its K passes. */
function bound(passes: readonly Outcome[], logPrior = LOG_PRIOR): number {
  return logSumExp(passes.flatMap((pass) => logWeights(pass, logPrior))) - Math.log(passes.length);
}

/** Of all weights of an image, the share of each count of each pass: [K][N+1]. */
function sharesOf(passes: readonly Outcome[], logPrior = LOG_PRIOR): number[][] {
  const total = bound(passes, logPrior) + Math.log(passes.length);
  return passes.map((pass) => logWeights(pass, logPrior).map((log) => Math.exp(log - total)));
}

/** What q(n) is worth that is asked to be like `shares`, and lessons beside. */
function crossEntropy(passes: readonly Outcome[], shares: number[][], lessons: readonly number[]): number {
  const worth = (logQ: readonly number[], k: number) =>
    logQ.reduce((sum, log, n) => sum + (shares[k][n] + lessons[n] / passes.length) * log, 0);
  return passes.reduce((sum, { zPresLogits }, k) => sum + worth(logCountProbs(zPresLogits), k), 0);
}

onEachBackend(() => {
  for (const draws of [1, 4]) {
    describe(`of ${draws} passes`, () => {
      it('is the slope of the bound by likelihoods and KLs, and of the cross-entropy by logits, in float64', async () => {
        const [images, scale] = [6, -0.25];
        const rows = images * draws;
        // weights of about one size, and some of very different sizes far from 0
        const far = Array.from({ length: rows * (N + 1) }, (_, i) => (i < (rows * (N + 1)) / 2 ? 600 : 0));
        const given = {
          zPresLogits: normals(rows * N, 2),
          logLik: normals(rows * (N + 1), 3).map((value, i) => Math.fround(value + far[i])),
          whereKl: normals(rows * N, 2),
          whatKl: normals(rows * N, 2),
        };
        const lessons = normals(images * (N + 1), 3);
        const widthOf = (name: string) => (name === 'logLik' ? N + 1 : N);
        const tensors = Object.fromEntries(
          Object.entries(given).map(([name, values]) => [name, tf.tensor2d(values, [rows, widthOf(name)])]),
        ) as unknown as Parameters<typeof iwaeGradOp>[0];
        const countWeights = tf.tensor2d(lessons, [images, N + 1]);
        const results = await Promise.all(
          iwaeGradOp({ ...tensors, countWeights }, { logPrior: LOG_PRIOR, scale, draws }).map(read),
        );

        const passesAt = (b: number, at = given): Outcome[] =>
          Array.from({ length: draws }, (_, k) => {
            const row = (name: keyof typeof given) => {
              const width = widthOf(name);
              return at[name].slice((b * draws + k) * width, (b * draws + k + 1) * width);
            };
            const [zPresLogits, logLik, whereKl, whatKl] = (
              ['zPresLogits', 'logLik', 'whereKl', 'whatKl'] as const
            ).map(row);
            return { zPresLogits, logLik, whereKl, whatKl };
          });
        const all = Array.from({ length: images }, (_, b) => b);
        const constant = all.map((b) => sharesOf(passesAt(b)));
        const objective = (name: keyof typeof given) => (values: number[]) =>
          all.reduce((sum, b) => {
            const passes = passesAt(b, { ...given, [name]: values });
            const lesson = lessons.slice(b * (N + 1), (b + 1) * (N + 1));
            return sum + scale * (bound(passes) + crossEntropy(passes, constant[b], lesson));
          }, 0);
        for (const [i, name] of (['zPresLogits', 'logLik', 'whatKl'] as const).entries()) {
          assertCloseOverall(results[i], slopes(objective(name), given[name], 1e-4), 2e-4, `gradient by ${name}`);
        }
        const [, dLogLik] = results;
        const ofImage = dLogLik.slice(0, draws * (N + 1)).reduce((sum, value) => sum + value, 0);
        assert.ok(Math.abs(ofImage - scale) < 1e-5, `shares of an image make up ${ofImage / scale}`);
      });

      it('goes through the whole pass: the slope of the objective, weight by weight', async () => {
        // other inputs stop the gradient at what they see; wide normals leave some weight to every pass
        const wide = { likelihoodSd: 1, scalePriorSd: 1 };
        const config = { ...TINY, ...wide, guideInput: 'image' as const };
        const [batch, estimator] = [2, iwaeOf(draws)];
        const params = livelyParams(config);
        const images = toIntensities(bars(batch), config.canvas);
        const noise = noiseFor(config, batch * draws);
        const lessons = [0, 2, 0, 1];
        /** By image and pass, one by one. */
        const passesAt = async (weights: NamedTensors): Promise<Outcome[][]> => {
          const copies = tf.tidy(() =>
            tf.concat(Array.from({ length: batch * draws }, (_, row) => tf.slice(images, Math.floor(row / draws), 1))),
          );
          const rows = await takeRows(unroll(makeModel(config, weights), copies, noise, { klKind: 'sampled' }).outcome);
          return Array.from({ length: batch }, (_, b) => rows.slice(b * draws, (b + 1) * draws));
        };
        const now = await passesAt(params);
        // a prior that makes up for what objects cost, so that all counts matter
        const costs = now.flat().map((pass) => logWeights(pass, [0, 0, 0, 0]));
        const logPrior = LOG_PRIOR.map((_, n) => -costs.reduce((sum, ofPass) => sum + ofPass[n], 0) / costs.length);
        const constant = now.map((passes) => sharesOf(passes, logPrior));
        const ofCounts = LOG_PRIOR.map((_, n) => constant.flat().reduce((sum, shares) => sum + shares[n], 0));
        assert.ok(ofCounts.filter((share) => share > 0.05).length > 1, `shares of the counts: ${ofCounts}`);
        const given: Given = {
          ...{ logPrior, scale: -1, countWeights: tf.tensor2d(Array(batch).fill(lessons)) },
          uniforms: () => {
            throw new Error('the count is summed over, not drawn');
          },
        };
        const objectiveAt = async (weights: NamedTensors) =>
          (await passesAt(weights)).reduce(
            (sum, passes, b) => sum + bound(passes, logPrior) + crossEntropy(passes, constant[b], lessons),
            0,
          );
        const { gradients } = estimate(estimator, makeModel(config, params), { images, noise }, given);
        for (const [name, gradient] of Object.entries(gradients)) {
          const [length] = await read(tf.norm(gradient));
          const step = 0.003 / length;
          const moved = (by: number) => ({ ...params, [name]: tf.sub(params[name], tf.mul(gradient, by / length)) });
          const slope = ((await objectiveAt(moved(step))) - (await objectiveAt(moved(-step)))) / (2 * step);
          assert.ok(Math.abs(slope - length) < 0.006 * length, `${name}: slope ${slope}, gradient ${length}`);
        }
      });
    });
  }

  it('says of each image what its first pass did, and leaves nothing behind', async () => {
    const [model, images] = [livelyModel(TINY), toIntensities(bars(3), TINY.canvas)];
    const noise = noiseFor(TINY, 6);
    const given: Given = { logPrior: LOG_PRIOR, scale: -1, uniforms: () => tf.zeros([3, N]) };
    const before = tf.memory().numTensors;
    const { gradients, outcome, fit } = estimate(iwaeOf(2), model, { images, noise }, given);
    assert.equal(fit, undefined);
    assert.equal(tf.memory().numTensors, before + Object.keys(gradients).length + Object.keys(outcome).length);
    const first = noise.map(({ where, what }) => ({
      where: tf.gather(where, [0, 2, 4]),
      what: tf.gather(what, [0, 2, 4]),
    }));
    const expected = await takeRows(unroll(model, images, first, { klKind: 'sampled' }).outcome);
    for (const [b, ofImage] of (await takeRows(outcome)).entries()) {
      for (const name of ['zPresLogits', 'logLik', 'whereKl', 'whatKl'] as const) {
        assertCloseOverall(ofImage[name], expected[b][name], 1e-5, `${name} of image ${b}`, 1);
      }
    }
  });
});
