/** The variance of gradients against every way in which the counts of two images can be drawn, each with its probability. */
import assert from 'node:assert/strict';
import { it } from 'node:test';
import * as tf from '@tensorflow/tfjs';
import { ESTIMATORS, type EstimatorSettings, GUIDE_INPUTS, type ModelConfig } from '#air/core/config.js';
import { logCountProbs } from '#air/core/count.js';
import { estimate } from '#air/core/estimators/estimator.js';
import { makeEstimator } from '#air/core/estimators/estimators.js';
import { gradientVariance } from '#air/core/estimators/gradient-variance.js';
import type { StepNoise } from '#air/core/guide.js';
import { toIntensities } from '#air/core/images.js';
import { makeModel } from '#air/core/model.js';
import { initialWeights } from '#air/core/parameters.js';
import { takeRows } from '#air/core/rows.js';
import { unroll } from '#air/core/unroll.js';
import { PRESETS } from '#air/presets.js';
import { onEachBackend } from '../../support/backends.js';
import { livelyParams, noiseFor } from '../../support/lively-model.js';
import { bars, TINY } from '../../support/tiny-model.js';

const N = 2;
const BATCH = 2;
const DRAWS = 3;
const COUNTS = [0, 1, 2];
const PAIRS = COUNTS.flatMap((a) => COUNTS.map((b) => [a, b]));
const LOG_PRIOR = [0.5, 0.3, 0.2].map(Math.log);

/** Wide normals, so that counts and passes differ, but not by hundreds of nats. */
function configWith(guideInput: ModelConfig['guideInput']): ModelConfig {
  return { ...TINY, guideInput, modelSteps: N, likelihoodSd: 1, scalePriorSd: 1 };
}

onEachBackend(() => {
  const cases = [
    ...ESTIMATORS.map((estimator) => ({ estimator, guideInput: 'difference' as const })),
    ...GUIDE_INPUTS.map((guideInput) => ({ estimator: 'nvil' as const, guideInput })),
  ];
  for (const { estimator, guideInput } of cases) {
    it(`of ${estimator}, guided by ${guideInput}`, async () => {
      const config = configWith(guideInput);
      const settings: EstimatorSettings = {
        ...PRESETS.fast.training,
        ...{ estimator, iwaeSamples: 2, baselineScalar: 30, blPredictNet: [5] },
      };
      const made = makeEstimator(settings);
      const own = initialWeights(
        made.specs(config).map((spec) => ({ ...spec, bound: spec.bound || 0.5 })),
        5,
      );
      const ofModel = livelyParams(config);
      const model = makeModel(config, { ...ofModel, ...own });
      const images = toIntensities(bars(BATCH), config.canvas);
      const rows = BATCH * made.draws;
      const noise = (draw: number): StepNoise[] => noiseFor(config, rows, draw * rows);
      const before = tf.memory().numTensors;
      const task = { images, logPrior: LOG_PRIOR, draws: DRAWS, noise };
      const variances = await gradientVariance(made, model, task);
      assert.equal(tf.memory().numTensors, before, 'nothing is left behind');
      assert.deepEqual(Object.keys(variances).sort(), Object.keys(ofModel).sort());

      /** Of each draw of noise, every pair of counts: its probability, and the gradient by one weight. */
      const drawn = await Promise.all(
        Array.from({ length: DRAWS }, async (_, draw) => {
          const { zPresLogits } = unroll(model, images, noise(draw).map(firstOfEach)).outcome;
          const q = (await takeRows({ zPresLogits })).map((row) => logCountProbs(row.zPresLogits).map(Math.exp));
          return PAIRS.map((pair) => {
            const uniforms = () => tf.tensor2d(pair.map((n) => Array.from({ length: N }, (_, t) => Number(t >= n))));
            const given = { logPrior: LOG_PRIOR, scale: -1 / BATCH, uniforms };
            const { gradients } = estimate(made, model, { images, noise: noise(draw) }, given);
            return { probability: q[0][pair[0]] * q[1][pair[1]], gradients };
          });
        }),
      );
      function firstOfEach({ where, what }: StepNoise): StepNoise {
        const first = Array.from({ length: BATCH }, (_, b) => b * made.draws);
        return { where: tf.gather(where, first), what: tf.gather(what, first) };
      }
      for (const name of Object.keys(ofModel)) {
        const ofDraws = drawn.map((pairs) =>
          pairs.map(({ probability, gradients }) => ({ probability, g: Array.from(gradients[name].dataSync()) })),
        );
        const size = ofDraws[0][0].g.length;
        const means = ofDraws.map((pairs) =>
          Array.from({ length: size }, (_, i) =>
            pairs.reduce((sum, { probability, g }) => sum + probability * g[i], 0),
          ),
        );
        const within = ofDraws.map((pairs, draw) =>
          pairs.reduce((sum, { probability, g }) => sum + probability * distance(g, means[draw]), 0),
        );
        const mean = means[0].map((_, i) => means.reduce((sum, one) => sum + one[i], 0) / DRAWS);
        const between = means.reduce((sum, one) => sum + distance(one, mean), 0) / (DRAWS - 1);
        const expected = between + within.reduce((sum, one) => sum + one, 0) / DRAWS;
        const isClose = Math.abs(variances[name] - expected) <= 2e-3 * expected + 1e-12;
        assert.ok(isClose, `${name}: expected ${expected}, got ${variances[name]}`);
      }
    });
  }
});

/** |a - b|^2 */
function distance(a: readonly number[], b: readonly number[]): number {
  return a.reduce((sum, value, i) => sum + (value - b[i]) ** 2, 0);
}
