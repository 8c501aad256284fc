/** Baselines learn what they are asked: their gradient is the slope of the squared error of the returns, weight by weight. */
import assert from 'node:assert/strict';
import { it } from 'node:test';
import * as tf from '@tensorflow/tfjs';
import type { EstimatorSettings } from '#air/core/config.js';
import { logCountPrior } from '#air/core/count.js';
import { type Estimate, estimate } from '#air/core/estimators/estimator.js';
import { makeEstimator } from '#air/core/estimators/estimators.js';
import { toIntensities } from '#air/core/images.js';
import { makeModel } from '#air/core/model.js';
import type { NamedTensors } from '#air/core/ops/weights.js';
import { initialWeights } from '#air/core/parameters.js';
import { takeRows } from '#air/core/rows.js';
import { PRESETS } from '#air/presets.js';
import { onEachBackend, read } from '../../support/backends.js';
import { livelyParams, noiseFor } from '../../support/lively-model.js';
import { bars, TINY } from '../../support/tiny-model.js';

/** Of counts 0, 2, 3: at steps that are taken, uniform numbers below every probability but for the last. */
const COUNTS = [0, 2, 3];

onEachBackend(() => {
  // four numbers where they are sides; units without a kink, which the large returns there would have slopes meet
  const sides = { zWhere: 'sides', activation: 'elu' } as const;
  for (const [estimator, baseline, changes] of [
    ['nvil', 'lstm', {}],
    ['nvil', 'mlp', {}],
    ['nvil-analytic', 'lstm', {}],
    ['nvil-analytic', 'mlp', {}],
    ['nvil', 'lstm', sides],
    ['nvil', 'mlp', sides],
  ] as const) {
    it(`${baseline} under ${estimator}, ${JSON.stringify(changes)}`, async () => {
      const config = { ...TINY, ...changes };
      const settings: EstimatorSettings = {
        ...PRESETS.fast.training,
        ...{ estimator, baseline, baselineScalar: 30, blPredictNet: [5] },
      };
      const made = makeEstimator(settings);
      const own = initialWeights(
        made.specs(config).map((spec) => ({ ...spec, bound: spec.bound || 0.5 })),
        5,
      );
      const images = toIntensities(bars(COUNTS.length), config.canvas);
      const noise = noiseFor(config, COUNTS.length);
      const ofModel = livelyParams(config);
      const uniforms = () => tf.tensor2d(COUNTS.map((n) => [0, 1, 2].map((t) => (t < n ? 0 : 1))));
      const at = (weights: NamedTensors): Estimate =>
        estimate(
          made,
          makeModel(config, { ...ofModel, ...weights }),
          { images, noise },
          { logPrior: logCountPrior(config), scale: -0.5, uniforms },
        );
      const now = at(own);
      assert.ok(now.fit);
      const fits = await takeRows(now.fit);
      const outcomes = await takeRows(now.outcome);
      for (const [b, { returns, active, baseline: expected }] of fits.entries()) {
        assert.deepEqual(
          Array.from(active),
          [0, 1, 2].map((t) => Number(t <= COUNTS[b])),
        );
        if (baseline === 'mlp') assert.ok(expected.every((value) => value === expected[0]));
        if (estimator !== 'nvil-analytic') continue;
        const paid = outcomes[b].logLik[COUNTS[b]];
        for (const t of [0, 1, 2]) assert.equal(returns[t], t <= COUNTS[b] ? paid : 0);
      }
      const lossAt = async (weights: NamedTensors) =>
        (await takeRows(at(weights).fit as NonNullable<Estimate['fit']>)).reduce((sum, { baseline: expected }, b) => {
          const errors = Array.from(fits[b].returns, (value, t) => fits[b].active[t] * (value - expected[t]) ** 2);
          return sum + 0.5 * errors.reduce((all, error) => all + error, 0);
        }, 0);
      for (const name of Object.keys(own)) {
        const gradient = now.gradients[name];
        const [length] = await read(tf.norm(gradient));
        assert.ok(length > 0, name);
        const moved = (by: number) => ({ ...own, [name]: tf.sub(own[name], tf.mul(gradient, by / length)) });
        const slope = ((await lossAt(moved(-0.003))) - (await lossAt(moved(0.003)))) / 0.006;
        assert.ok(Math.abs(slope - length) < 0.01 * length, `${name}: slope ${slope}, gradient ${length}`);
      }
    });
  }
});
