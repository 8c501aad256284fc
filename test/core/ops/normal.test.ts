/** Distributions against integrals, exact fractions and closed formulas in float64. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import * as tf from '@tensorflow/tfjs';
import { geometricLogProbs, geometricTrialProbs } from '#air/core/count.js';
import { logRatio, normalFromHead, normalFromHeadGrad } from '#air/core/ops/normal.js';
import { normals, onEachBackend, read } from '../../support/backends.js';
import { assertEachNear, assertNear, slopes } from '../../support/finite-differences.js';

const softplus = (x: number) => Math.max(x, 0) + Math.log1p(Math.exp(-Math.abs(x)));

/** log softplus(x); far below zero softplus(x) is e^x to within e^2x. */
const logSoftplus = (x: number) => (x < -40 ? x : Math.log(softplus(x)));

/** The trial probabilities for k = numerator / denominator as fractions, to 17 digits. */
function exactTrialProbs(numerator: bigint, denominator: bigint, modelSteps: number): number[] {
  return Array.from({ length: modelSteps }, (_, t) => {
    // odds = k + ... + k^m = (sum of numerator^j denominator^(m-j)) / denominator^m
    const m = modelSteps - t;
    let odds = 0n;
    for (let j = 1; j <= m; j++) odds += numerator ** BigInt(j) * denominator ** BigInt(m - j);
    const scale = 10n ** 40n;
    return Number((odds * scale) / (odds + denominator ** BigInt(m))) / 1e40;
  });
}

describe('the truncated geometric', () => {
  const steps = [1, 2, 3, 10];
  const ks = [1, 0.5, 1e-3, 1e-7, 1e-12];

  it('sums to one, with k between neighbours', () => {
    for (const k of ks) {
      for (const modelSteps of steps) {
        const logProbs = geometricLogProbs(k, modelSteps);
        assert.equal(logProbs.length, modelSteps + 1);
        const total = logProbs.reduce((sum, log) => sum + Math.exp(log), 0);
        assertEachNear([total], [1], 1e-13, 'sum');
        logProbs.slice(1).forEach((log, n) => {
          assertEachNear([log - logProbs[n]], [Math.log(k)], 1e-13, `log P(${n + 1}) / P(${n}), k ${k}`, 1);
        });
      }
    }
  });

  it('is a chain of trials whose probabilities keep their digits', () => {
    for (const modelSteps of steps) {
      for (const power of [0, 3, 7, 12]) {
        const exact = exactTrialProbs(1n, 10n ** BigInt(power), modelSteps);
        assertEachNear(geometricTrialProbs(10 ** -power, modelSteps), exact, 1e-14, `k 1e-${power}`);
      }
      assertEachNear(geometricTrialProbs(0.25, modelSteps), exactTrialProbs(1n, 4n, modelSteps), 1e-14, 'k 1/4');
    }
  });

  it('gives P(n) as the probability that the chain stops there', () => {
    for (const k of ks) {
      for (const modelSteps of steps) {
        const trials = geometricTrialProbs(k, modelSteps);
        const chain = Array.from({ length: modelSteps + 1 }, (_, n) => {
          const passed = trials.slice(0, n).reduce((sum, p) => sum + Math.log(p), 0);
          return passed + (n < modelSteps ? Math.log1p(-trials[n]) : 0);
        });
        assertEachNear(chain, geometricLogProbs(k, modelSteps), 1e-12, `log P(n), k ${k}`, 1);
      }
    }
  });
});

type Head = { rawLoc: number; rawScale: number };
type Prior = { loc: number; scale: number };

/** KL of N(loc, scale) from its prior; the textbook's formula, with the logarithm kept exact. */
function klFormula({ rawLoc, rawScale }: Head, prior: Prior): number {
  const unit = softplus(rawScale);
  return -logSoftplus(rawScale) + (unit ** 2 + (rawLoc / prior.scale) ** 2) / 2 - 0.5;
}

/** KL as the integral of q log(q/p), by the trapezoid rule over ten standard deviations. */
function klIntegral({ rawLoc, rawScale }: Head, prior: Prior): number {
  const [loc, scale] = [rawLoc + prior.loc, prior.scale * softplus(rawScale)];
  const logDensity = (z: number, mean: number, sd: number) =>
    -0.5 * ((z - mean) / sd) ** 2 - Math.log(sd) - 0.5 * Math.log(2 * Math.PI);
  const step = scale / 100;
  let sum = 0;
  for (let i = -1000; i <= 1000; i++) {
    const z = loc + i * step;
    const logQ = logDensity(z, loc, scale);
    sum += Math.exp(logQ) * (logQ - logDensity(z, prior.loc, prior.scale));
  }
  return sum * step;
}

/** A head of one row: `offset` numbers that are none of its business, locations, raw scales. */
const headOf = (offset: number, heads: readonly Head[]) =>
  tf.tensor2d([
    [...Array(offset).fill(9), ...heads.map(({ rawLoc }) => rawLoc), ...heads.map(({ rawScale }) => rawScale)],
  ]);

const priorOf = (priors: readonly Prior[]) => ({
  loc: tf.tensor1d(priors.map(({ loc }) => loc)),
  scale: tf.tensor1d(priors.map(({ scale }) => scale)),
});

onEachBackend(() => {
  const priors: Prior[] = [
    { loc: 3, scale: 0.2 },
    { loc: 0, scale: 1 },
    { loc: -1, scale: 2.5 },
  ];

  describe('a normal read off a head', () => {
    it('costs the integral of q log(q/p)', async () => {
      for (const rawScale of [-6, -1, 0, 0.5, 3]) {
        for (const offset of [0, 1]) {
          const heads = priors.map((_, d) => ({ rawLoc: [0.3, -2, 0][d], rawScale }));
          const expected = heads.reduce((sum, head, d) => sum + klIntegral(head, priors[d]), 0);
          const { kl } = normalFromHead(headOf(offset, heads), tf.zeros([1, 3]), priorOf(priors), offset);
          assert.deepEqual(kl.shape, [1, 1]);
          assertEachNear(await read(kl), [expected], 2e-5, `KL at raw scale ${rawScale}`);
        }
      }
    });

    it('is where its head and its noise say', async () => {
      const noise = normals(3);
      const heads = priors.map((_, d) => ({ rawLoc: [0.3, -2, 0][d], rawScale: [-1, 0.5, 2][d] }));
      const draw = normalFromHead(headOf(1, heads), tf.tensor2d([noise]), priorOf(priors), 1);
      const loc = heads.map(({ rawLoc }, d) => rawLoc + priors[d].loc);
      const scale = heads.map(({ rawScale }, d) => softplus(rawScale) * priors[d].scale);
      assertEachNear(await read(draw.loc), loc, 1e-6, 'loc');
      assertEachNear(await read(draw.scale), scale, 1e-6, 'scale');
      const sample = loc.map((mean, d) => mean + scale[d] * noise[d]);
      assertEachNear(await read(draw.sample), sample, 1e-6, 'sample', 1);
    });

    it('costs nothing where it is the prior', async () => {
      const rawScale = Math.log(Math.expm1(1)); // softplus of it is 1
      const heads = priors.map(() => ({ rawLoc: 0, rawScale }));
      const { kl } = normalFromHead(headOf(0, heads), tf.zeros([1, 3]), priorOf(priors));
      assertNear(await read(kl), [0], 1e-6, 'KL', 1);
    });

    for (const rawScale of [-80, -40, -16, -14, 15, 30, 80]) {
      it(`keeps its digits at raw scale ${rawScale}`, async () => {
        const heads = priors.map(() => ({ rawLoc: 0.5, rawScale }));
        const noise = [0.5, -1, 2];
        const values = [...heads.map(({ rawLoc }) => rawLoc), ...heads.map((head) => head.rawScale)];
        const loss = (x: readonly number[]) =>
          priors.reduce((sum, prior, d) => {
            const sample = x[d] + prior.loc + prior.scale * softplus(x[3 + d]) * noise[d];
            return sum + klFormula({ rawLoc: x[d], rawScale: x[3 + d] }, prior) + sample * (d + 1);
          }, 0);
        const draw = normalFromHead(headOf(0, heads), tf.tensor2d([noise]), priorOf(priors));
        const kl = heads.reduce((sum, head, d) => sum + klFormula(head, priors[d]), 0);
        assertEachNear(await read(draw.kl), [kl], 1e-6, 'KL');
        assertEachNear(
          await read(draw.scale),
          priors.map(({ scale }) => scale * softplus(rawScale)),
          1e-5,
          'scale',
        );
        const gradient = normalFromHeadGrad(headOf(0, heads), tf.tensor2d([noise]), priorOf(priors), {
          dSamples: [tf.tensor2d([[1, 2, 3]])],
          dKl: tf.ones([1, 1]),
        });
        assertEachNear(await read(gradient), slopes(loss, values, 1e-4), 1e-5, 'gradient', 1);
      });
    }

    for (const offset of [0, 1, 2]) {
      for (const uses of [1, 2, 3]) {
        it(`has the gradient of ${uses} uses of its sample and of its KL, at column ${offset}`, async () => {
          const batch = 4;
          const [heads, noise] = [normals(batch * 6), normals(batch * 3)];
          const dSamples = Array.from({ length: uses }, () => normals(batch * 3));
          const [dKl, dBefore] = [normals(batch), normals(batch * offset)];
          const loss = (x: readonly number[]) => {
            let sum = 0;
            for (let b = 0; b < batch; b++) {
              priors.forEach((prior, d) => {
                const head = { rawLoc: x[6 * b + d], rawScale: x[6 * b + 3 + d] };
                const sample = head.rawLoc + prior.loc + prior.scale * softplus(head.rawScale) * noise[3 * b + d];
                for (const dSample of dSamples) sum += dSample[3 * b + d] * sample;
                sum += dKl[b] * klFormula(head, prior);
              });
            }
            return sum;
          };
          const slope = slopes(loss, heads);
          const [wide, expected] = [heads, slope].map((values, i) =>
            Array.from({ length: batch }, (_, b) => {
              const first = (i === 0 ? normals(batch * offset) : dBefore).slice(b * offset, (b + 1) * offset);
              return [...first, ...values.slice(6 * b, 6 * b + 6)];
            }),
          );
          const gradient = normalFromHeadGrad(
            tf.tensor2d(wide, [batch, offset + 6]),
            tf.tensor2d(noise, [batch, 3]),
            priorOf(priors),
            {
              dSamples: dSamples.map((values) => tf.tensor2d(values, [batch, 3])),
              dKl: tf.tensor2d(dKl, [batch, 1]),
              dBefore: offset > 0 ? tf.tensor2d(dBefore, [batch, offset]) : undefined,
            },
          );
          assert.deepEqual(gradient.shape, [batch, offset + 6]);
          assertNear(await read(gradient), expected.flat(), 1e-5, 'gradient');
        });
      }
    }
  });

  describe('logRatio', () => {
    const logDensity = (z: number, mean: number, sd: number) =>
      -0.5 * ((z - mean) / sd) ** 2 - Math.log(sd * Math.sqrt(2 * Math.PI));

    it('is log p(z) - log q(z)', async () => {
      const batch = 4;
      const heads = Array.from({ length: batch }, () => [...normals(3), ...normals(3)]);
      const noise = Array.from({ length: batch }, () => normals(3));
      const prior = priorOf(priors);
      const noiseTensor = tf.tensor2d(noise);
      const draw = normalFromHead(tf.tensor2d(heads), noiseTensor, prior);
      const expected = heads.map((head, b) =>
        priors.reduce((sum, { loc, scale }, d) => {
          const [mean, sd] = [head[d] + loc, scale * softplus(head[3 + d])];
          const z = mean + sd * noise[b][d];
          return sum + logDensity(z, loc, scale) - logDensity(z, mean, sd);
        }, 0),
      );
      assertEachNear(await read(logRatio(draw, noiseTensor, prior)), expected, 2e-5, 'log ratio', 1);
    });

    it('averages to minus the KL', async () => {
      const draws = 20000;
      const noise = tf.tensor2d(normals(3 * draws), [draws, 3]);
      const prior = priorOf(priors);
      const head = tf.tile(tf.tensor2d([[0.1, -0.5, 1, -1, 0.2, 0.5]]), [draws, 1]) as tf.Tensor2D;
      const draw = normalFromHead(head, noise, prior);
      const ratios = await read(logRatio(draw, noise, prior));
      const mean = ratios.reduce((a, b) => a + b) / draws;
      const sd = Math.sqrt(ratios.reduce((sum, ratio) => sum + (ratio - mean) ** 2, 0) / draws);
      const [kl] = await read(draw.kl);
      assert.ok(Math.abs(mean + kl) < (4 * sd) / Math.sqrt(draws), `mean ${mean}, KL ${kl}`);
    });

    it('stays finite for a scale that has nearly vanished', async () => {
      const heads = priors.map(() => ({ rawLoc: 0, rawScale: -80 }));
      const noise = tf.tensor2d([[1, -1, 0.5]]);
      const prior = priorOf(priors);
      const ratio = await read(logRatio(normalFromHead(headOf(0, heads), noise, prior), noise, prior));
      // log(scale / prior) = -80 each, and the noise's own density
      assertEachNear(ratio, [-240 + (1 + 1 + 0.25) / 2], 1e-5, 'log ratio');
    });
  });
});
