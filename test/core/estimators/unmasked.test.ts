/** Without masking a pass follows the drawn count: over all counts it is the slope of what that costs, weight by weight. */
import assert from 'node:assert/strict';
import { it } from 'node:test';
import * as tf from '@tensorflow/tfjs';
import type { EstimatorSettings } from '#air/core/config.js';
import { logCountProbs } from '#air/core/count.js';
import { estimate, type Given } from '#air/core/estimators/estimator.js';
import { makeEstimator } from '#air/core/estimators/estimators.js';
import { toIntensities } from '#air/core/images.js';
import { makeModel } from '#air/core/model.js';
import type { NamedTensors } from '#air/core/ops/weights.js';
import { initialWeights } from '#air/core/parameters.js';
import { takeRows } from '#air/core/rows.js';
import { unroll } from '#air/core/unroll.js';
import { PRESETS } from '#air/presets.js';
import { assertCloseOverall } from '../../support/assert-close.js';
import { onEachBackend, read } from '../../support/backends.js';
import { livelyModel, livelyParams, noiseFor } from '../../support/lively-model.js';
import { bars, TINY } from '../../support/tiny-model.js';

const N = TINY.modelSteps;
const COUNTS = Array.from({ length: N + 1 }, (_, n) => n);
const LOG_PRIOR = [0.4, 0.3, 0.2, 0.1].map(Math.log);

const settingsWith = (baseline: 'lstm' | 'none'): EstimatorSettings => ({
  ...PRESETS.fast.training,
  ...{ estimator: 'nvil', masking: false, baseline, baselineScalar: 30, blPredictNet: [5] },
});

/** Uniform numbers that make the count of every image n, whatever its logits. */
const forcing = (n: number, batch: number) =>
  tf.tensor2d(Array.from({ length: batch }, () => Array.from({ length: N }, (_, t) => (t < n ? 0 : 1))));

onEachBackend(() => {
  for (const baseline of ['none', 'lstm'] as const) {
    it(`is unbiased, with baseline ${baseline}`, async () => {
      // other inputs stop the gradient at what they see
      const config = { ...TINY, guideInput: 'image' as const, likelihoodSd: 1, scalePriorSd: 1 };
      const nvil = makeEstimator(settingsWith(baseline));
      const params = livelyParams(config);
      const own = initialWeights(nvil.specs(config), 5);
      const images = toIntensities(bars(1, 4), config.canvas);
      const noise = noiseFor(config, 1);
      /** Of each count: log q(n), and what it brings along its own path. */
      const along = async (weights: NamedTensors, n: number) => {
        const options = { klKind: 'sampled', uniforms: forcing(n, 1) } as const;
        const [said] = await takeRows(unroll(makeModel(config, weights), images, noise, options).outcome);
        const kl = COUNTS.slice(1).reduce((sum, t) => sum + said.whereKl[t - 1] + said.whatKl[t - 1], 0);
        // logits up to the stop decide of this count; later ones are not asked
        const logQ = logCountProbs(said.zPresLogits)[n];
        return { logQ, value: said.logLik[n] + LOG_PRIOR[n] - logQ - kl };
      };
      const objectiveAt = async (weights: NamedTensors) => {
        let sum = 0;
        for (const n of COUNTS) {
          const { logQ, value } = await along(weights, n);
          sum += Math.exp(logQ) * value;
        }
        return sum;
      };
      const given = (n: number): Given => ({ logPrior: LOG_PRIOR, scale: 1, uniforms: () => forcing(n, 1) });
      const model = makeModel(config, { ...params, ...own });
      const gradients: NamedTensors[] = [];
      for (const n of COUNTS) {
        const { logQ } = await along(params, n);
        const estimated = estimate(nvil, model, { images, noise }, given(n)).gradients;
        gradients.push(
          Object.fromEntries(Object.entries(estimated).map(([name, g]) => [name, tf.mul(g, Math.exp(logQ))])),
        );
      }
      for (const name of Object.keys(params)) {
        const gradient = tf.addN(gradients.map((ofCount) => ofCount[name]));
        const [length] = await read(tf.norm(gradient));
        const step = 0.003 / length;
        const moved = (by: number) => ({ ...params, [name]: tf.add(params[name], tf.mul(gradient, by / length)) });
        const slope = ((await objectiveAt(moved(step))) - (await objectiveAt(moved(-step)))) / (2 * step);
        assert.ok(Math.abs(slope - length) < 0.006 * length, `${name}: slope ${slope}, gradient ${length}`);
      }
    });
  }

  it('places nothing after the stop, and shows the LSTM that nothing is there', async () => {
    const [model, images] = [livelyModel(TINY), toIntensities(bars(2), TINY.canvas)];
    const noise = noiseFor(TINY, 2);
    const { steps } = unroll(model, images, noise, { uniforms: forcing(1, 2) });
    assert.deepEqual(await read(tf.concat(steps.map(({ zPres }) => zPres))), [1, 1, 0, 0, 0, 0]);
    for (const later of steps.slice(1)) {
      assert.deepEqual(await later.canvas.array(), await steps[0].canvas.array());
    }
    const ofInput = steps.map(({ memory }) => tf.slice(memory.x, [0, memory.x.shape[1] - 1], [-1, 1]));
    assert.deepEqual(await read(tf.concat(ofInput)), [1, 1, 1, 1, 0, 0]);
  });

  it('reports what every count would cost, which the all-present path says', async () => {
    const model = livelyModel(TINY);
    const images = toIntensities(bars(2), TINY.canvas);
    const noise = noiseFor(TINY, 2);
    const given: Given = { logPrior: LOG_PRIOR, scale: 1, uniforms: () => forcing(1, 2) };
    const before = tf.memory().numTensors;
    const { gradients, outcome } = estimate(makeEstimator(settingsWith('none')), model, { images, noise }, given);
    assert.equal(tf.memory().numTensors, before + Object.keys(gradients).length + Object.keys(outcome).length);
    const expected = await takeRows(unroll(model, images, noise, { klKind: 'sampled' }).outcome);
    for (const [b, said] of (await takeRows(outcome)).entries()) {
      for (const name of ['zPresLogits', 'logLik', 'whereKl', 'whatKl'] as const) {
        assertCloseOverall(said[name], expected[b][name], 1e-6, name);
      }
    }
  });
});
