/** Estimators that draw the count: over all counts, weighted with how likely they are drawn, each is the enumeration, exactly. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import * as tf from '@tensorflow/tfjs';
import type { BaselineName, EstimatorName, EstimatorSettings } from '#air/core/config.js';
import { logCountPrior, logCountProbs, trialLogProbs, trialLogs } from '#air/core/count.js';
import { enumerate } from '#air/core/estimators/enumerate.js';
import { type Estimate, type Estimator, estimate, type Given } from '#air/core/estimators/estimator.js';
import { makeEstimator } from '#air/core/estimators/estimators.js';
import { toIntensities } from '#air/core/images.js';
import { makeModel } from '#air/core/model.js';
import { nvilGradOp } from '#air/core/ops/nvil.js';
import type { NamedTensors } from '#air/core/ops/weights.js';
import { initialWeights, paramSpecs } from '#air/core/parameters.js';
import { Draws } from '#air/core/rng.js';
import { takeRows } from '#air/core/rows.js';
import { makeNoise } from '#air/core/unroll.js';
import { assertCloseOverall } from '../../support/assert-close.js';
import { onEachBackend, read } from '../../support/backends.js';
import { normals } from '../../support/random.js';
import { bars, TINY } from '../../support/tiny-model.js';

const N = TINY.modelSteps;
const COUNTS = Array.from({ length: N + 1 }, (_, n) => n);

const settingsWith = (baseline: BaselineName, estimator: EstimatorName = 'nvil'): EstimatorSettings => ({
  estimator,
  ...{ baseline, baselineScalar: 30, blPredictNet: [5], iwaeSamples: 1, masking: true },
});

/** Uniform numbers that make the count of every image n, whatever its logits. */
const forcing = (n: number, batch: number) =>
  tf.tensor2d(Array.from({ length: batch }, () => Array.from({ length: N }, (_, t) => (t < n ? 0 : 1))));

/** Weights of everything, the baseline's too; far from the initial zeros of the state. */
function randomWeights(estimator: Estimator): NamedTensors {
  const specs = [...paramSpecs(TINY), ...estimator.specs(TINY)];
  return initialWeights(
    specs.map((spec) => ({ ...spec, bound: spec.bound || 0.5 })),
    7,
  );
}

describe('trialLogs', () => {
  for (const [name, logPrior] of [
    ['geometric', logCountPrior({ ...TINY, zPresPrior: 1e-6 })],
    ['geometric, objects next to impossible', logCountPrior({ ...TINY, zPresPrior: 1e-120 })],
    ['trials', trialLogProbs(0.3, N)],
    ['any', [0.1, 0.2, 0.3, 0.4].map(Math.log)],
  ] as const) {
    it(`makes a chain of a prior over the count: ${name}`, () => {
      const { more, stop } = trialLogs(logPrior);
      COUNTS.forEach((n) => {
        const chain = more.slice(0, n).reduce((sum, log) => sum + log, 0) + (n < N ? stop[n] : 0);
        assert.ok(
          Math.abs(chain - logPrior[n]) <= 1e-12 * (1000 + Math.abs(logPrior[n])),
          `${n}: ${chain}, ${logPrior[n]}`,
        );
      });
      for (const [t, log] of more.entries()) assert.ok(Math.abs(Math.exp(log) + Math.exp(stop[t]) - 1) < 1e-12);
    });
  }
});

onEachBackend(() => {
  it('pays and scores every drawn count as written out', async () => {
    const [batch, scale] = [80, -0.25];
    const logPrior = [0.4, 0.3, 0.2, 0.1].map(Math.log);
    const given = {
      ...{ zPresLogits: normals(batch * N, 2), logLik: normals(batch * (N + 1), 50) },
      ...{ whereKl: normals(batch * N, 5), whatKl: normals(batch * N, 5) },
      ...{ uniforms: normals(batch * N).map((x) => Math.abs(x) % 1), baseline: normals(batch * N, 40) },
      countWeights: normals(batch * (N + 1), 3),
    };
    const widths = { logLik: N + 1, countWeights: N + 1 } as { [name: string]: number | undefined };
    const tensors = Object.fromEntries(
      Object.entries(given).map(([name, values]) => [name, tf.tensor2d(values, [batch, widths[name] ?? N])]),
    ) as unknown as Parameters<typeof nvilGradOp>[0];
    const results = await Promise.all(nvilGradOp(tensors, { logPrior, scale, masking: true }).map(read));

    const expected: number[][] = [[], [], [], [], [], []];
    const counts = new Set<number>();
    for (let b = 0; b < batch; b++) {
      const row = (values: readonly number[], width = N) => values.slice(b * width, (b + 1) * width);
      const [logits, logLik, baseline] = [row(given.zPresLogits), row(given.logLik, N + 1), row(given.baseline)];
      const kl = row(given.whereKl).map((where, t) => where + row(given.whatKl)[t]);
      const p = logits.map((logit) => 1 / (1 + Math.exp(-logit)));
      const stopped = row(given.uniforms).findIndex((u, t) => u >= p[t]);
      const n = stopped === -1 ? N : stopped;
      counts.add(n);
      const logQ = logCountProbs(logits);
      const tail = (logs: readonly number[], from: number) =>
        Math.log(logs.slice(from).reduce((sum, log) => sum + Math.exp(log), 0));
      const weights = row(given.countWeights, N + 1);
      for (let t = 1; t <= N; t++) {
        const isActive = t <= n + 1;
        const kls = kl.slice(t - 1, n).reduce((sum, value) => sum + value, 0);
        const cost = logLik[n] + logPrior[n] - tail(logPrior, t - 1) - (logQ[n] - tail(logQ, t - 1)) - kls;
        const [z, error] = [Number(t <= n), isActive ? cost - baseline[t - 1] : 0];
        const more = weights.slice(t).reduce((sum, weight) => sum + weight, 0) * (1 - p[t - 1]);
        expected[0].push(scale * ((z - p[t - 1]) * error + more - weights[t - 1] * p[t - 1]));
        expected[2].push(-scale * z);
        expected[3].push(2 * scale * error);
        expected[4].push(isActive ? cost : 0);
        expected[5].push(Number(isActive));
      }
      for (const m of COUNTS) expected[1].push(m === n ? scale : 0);
    }
    assert.equal(counts.size, N + 1, `counts ${[...counts]}`);
    for (const [i, values] of results.entries()) assertCloseOverall(values, expected[i], 1e-5, `output ${i}`);
  });

  for (const [estimator, baseline] of [
    ['nvil', 'lstm'],
    ['nvil', 'none'],
    ['nvil', 'mlp'],
    ['reinforce', 'lstm'],
    ['nvil-analytic', 'none'],
    ['nvil-analytic', 'lstm'],
    ['nvil-analytic', 'mlp'],
  ] as const) {
    it(`summed over the counts is the enumeration, by every weight: ${estimator}, baseline ${baseline}`, async () => {
      const nvil = makeEstimator(settingsWith(baseline, estimator));
      const model = makeModel(TINY, randomWeights(nvil));
      const images = toIntensities(bars(1, 4), TINY.canvas);
      const noise = makeNoise(TINY, [new Draws(1, 'bench', 77)]);
      const countWeights = tf.tensor2d([[1, -2, 3, 0.5]]);
      const given = (n: number): Given => ({
        ...{ logPrior: logCountPrior(TINY), scale: -1, countWeights },
        uniforms: () => forcing(n, 1),
      });
      const sameKl: Estimator = { ...enumerate, klKind: nvil.klKind };
      const ofModel = paramSpecs(TINY).map(({ name }) => [name, model.params[name]]);
      const alone = makeModel(TINY, Object.fromEntries(ofModel));
      const exact = estimate(sameKl, alone, { images, noise }, given(0));
      const { zPresLogits } = (await takeRows({ ...exact.outcome }))[0];
      const q = logCountProbs(zPresLogits).map(Math.exp);
      const estimates: Estimate[] = COUNTS.map((n) => estimate(nvil, model, { images, noise }, given(n)));
      for (const { name } of paramSpecs(TINY)) {
        const sum = tf.addN(estimates.map(({ gradients }, n) => tf.mul(gradients[name], q[n])));
        assertCloseOverall(await read(sum), await read(exact.gradients[name]), 2e-4, `gradient by ${name}`);
      }
      const own = nvil.specs(TINY).map(({ name }) => name);
      const hasBaseline = estimator !== 'reinforce' && baseline !== 'none';
      assert.equal(own.length > 0, hasBaseline);
      for (const { fit, gradients } of estimates) {
        assert.equal(fit !== undefined, hasBaseline);
        for (const name of own)
          assert.ok(
            (await read(gradients[name])).some((value) => value !== 0),
            name,
          );
      }
    });
  }

  it('leaves no tensor behind but what it returns', () => {
    const nvil = makeEstimator(settingsWith('lstm'));
    const model = makeModel(TINY, randomWeights(nvil));
    const images = toIntensities(bars(3), TINY.canvas);
    const noise = makeNoise(TINY, 3);
    const before = tf.memory().numTensors;
    const given: Given = { logPrior: logCountPrior(TINY), scale: -1, uniforms: () => forcing(1, 3) };
    const { gradients, outcome, fit } = estimate(nvil, model, { images, noise }, given);
    const kept = Object.keys(gradients).length + Object.keys(outcome).length + Object.keys(fit ?? {}).length;
    assert.equal(tf.memory().numTensors, before + kept);
    tf.dispose([gradients, outcome, fit ?? {}]);
    assert.equal(tf.memory().numTensors, before);
  });
});
