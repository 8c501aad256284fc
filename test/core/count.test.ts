/** The posterior over the count against its definition, path by path; the priors against exact fractions. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import {
  argmax,
  chainLogProbs,
  geometricLogProbs,
  geometricTrialProbs,
  logCountPrior,
  logCountProbs,
  logSumExp,
  presenceProbs,
  successLogProbs,
  trialLogProbs,
  trialProbs,
} from '#air/core/count.js';
import { PRESETS } from '#air/presets.js';
import { assertCloseEach } from '../support/assert-close.js';
import { pathsOf } from '../support/paths.js';
import { normals } from '../support/random.js';

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

describe('logCountProbs', () => {
  it('is the probability of the one path with n objects', () => {
    for (const modelSteps of [1, 2, 3, 5]) {
      const logits = normals(modelSteps, 2);
      const expected = Array(modelSteps + 1).fill(0);
      for (const { n, probability } of pathsOf(logits)) expected[n] += probability;
      assertCloseEach(logCountProbs(logits).map(Math.exp), expected, 1e-14, 'q(n)');
    }
  });

  it('keeps its digits where probabilities are 0 or 1', () => {
    // log sigmoid(60) = -e^-60 and log sigmoid(-60) = -60, each to within e^-120
    assertCloseEach(logCountProbs([60, -60]), [-60, -2 * Math.exp(-60), -60], 1e-12, 'log q(n)', 1e-26);
    assertCloseEach(logCountProbs([-1000, 1000]), [0, -2000, -1000], 1e-12, 'log q(n)', 1e-26);
    const ones = logCountProbs([800, 800, 800]);
    assertCloseEach(ones, [-800, -800, -800, 0], 1e-12, 'log q(n)', 1e-26);
  });
});

describe('presenceProbs', () => {
  it('is q(n >= t), which is p_1 .. p_t', () => {
    const logits = [1.5, -0.5, 0.25];
    const p = logits.map((logit) => 1 / (1 + Math.exp(-logit)));
    const present = presenceProbs(logCountProbs(logits).map(Math.exp));
    assertCloseEach(present, [p[0], p[0] * p[1], p[0] * p[1] * p[2]], 1e-14, 'q(n >= t)');
  });
});

describe('the truncated geometric', () => {
  const steps = [1, 2, 3, 10];
  const ks = [1, 0.5, 1e-3, 1e-7, 1e-12];

  it('sums to one, with k between neighbours', () => {
    for (const k of ks) {
      for (const modelSteps of steps) {
        const logProbs = geometricLogProbs(k, modelSteps);
        assert.equal(logProbs.length, modelSteps + 1);
        const total = logProbs.reduce((sum, log) => sum + Math.exp(log), 0);
        assertCloseEach(total, 1, 1e-13, 'sum');
        logProbs.slice(1).forEach((log, n) => {
          assertCloseEach(log - logProbs[n], Math.log(k), 1e-13, `log P(${n + 1}) / P(${n}), k ${k}`, 1);
        });
      }
    }
  });

  it('is a chain of trials whose probabilities keep their digits', () => {
    for (const modelSteps of steps) {
      for (const power of [0, 3, 7, 12]) {
        const exact = exactTrialProbs(1n, 10n ** BigInt(power), modelSteps);
        assertCloseEach(geometricTrialProbs(10 ** -power, modelSteps), exact, 1e-14, `k 1e-${power}`);
      }
      assertCloseEach(geometricTrialProbs(0.25, modelSteps), exactTrialProbs(1n, 4n, modelSteps), 1e-14, 'k 1/4');
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
        assertCloseEach(chain, geometricLogProbs(k, modelSteps), 1e-12, `log P(n), k ${k}`, 1);
      }
    }
  });
});

describe('the prior of trials', () => {
  const steps = [1, 2, 3, 10];
  const ps = [0.5, 0.99, 1e-3, 1e-12];

  it('sums to one', () => {
    for (const p of ps) {
      for (const modelSteps of steps) {
        const logProbs = trialLogProbs(p, modelSteps);
        assert.equal(logProbs.length, modelSteps + 1);
        assertCloseEach(
          logProbs.reduce((sum, log) => sum + Math.exp(log), 0),
          1,
          1e-13,
          `sum, p ${p}`,
        );
      }
    }
  });

  it('is p^n (1 - p), and p^N for the last', () => {
    assertCloseEach(trialLogProbs(0.25, 3).map(Math.exp), [3 / 4, 3 / 16, 3 / 64, 1 / 64], 1e-14, 'P(n)');
    // what log(1 - p) would round away: -p - p^2/2
    assertCloseEach(trialLogProbs(1e-12, 1), [-1e-12 - 5e-25, Math.log(1e-12)], 1e-15, 'log P(n)');
  });

  it('is the probability of the one path of trials with n objects', () => {
    for (const p of ps) {
      for (const modelSteps of [1, 2, 3, 5]) {
        const expected = Array(modelSteps + 1).fill(0);
        const logit = Math.log(p) - Math.log1p(-p);
        for (const { n, probability } of pathsOf(Array(modelSteps).fill(logit))) expected[n] += probability;
        assertCloseEach(trialLogProbs(p, modelSteps).map(Math.exp), expected, 1e-13, `P(n), p ${p}`);
      }
    }
  });

  it('is one of those that a model may be trained for', () => {
    const config = { ...PRESETS.fast.model, zPresPrior: 0.25, modelSteps: 3 };
    assert.deepEqual(logCountPrior(config), geometricLogProbs(0.25, 3));
    assert.deepEqual(logCountPrior({ ...config, countPrior: 'trials' }), trialLogProbs(0.25, 3));
    assert.deepEqual(logCountPrior({ ...config, countPrior: 'success' }), successLogProbs(0.25, 3));
    assert.notDeepEqual(trialLogProbs(0.25, 3), geometricLogProbs(0.25, 3));
  });
});

describe('the prior of successes', () => {
  it('is 1 - r, r, r^2, ... over their sum', () => {
    const total = 0.75 + 0.25 + 0.25 ** 2 + 0.25 ** 3;
    const expected = [0.75, 0.25, 0.25 ** 2, 0.25 ** 3].map((value) => value / total);
    assertCloseEach(successLogProbs(0.25, 3).map(Math.exp), expected, 1e-14, 'P(n)');
  });

  it('keeps its digits where r is almost 1: nothing is then all but impossible', () => {
    const r = 1 - 1e-15; // in float64 1 - 9.99e-16
    const [none, ...others] = successLogProbs(r, 3);
    assertCloseEach([none], [Math.log((1 - r) / 3)], 1e-14, 'log P(0)');
    assertCloseEach(others.map(Math.exp), [1 / 3, 1 / 3, 1 / 3], 1e-14, 'P(n)');
  });
});

describe('a prior as a chain of trials', () => {
  it('is the same distribution, there and back', () => {
    for (const logProbs of [geometricLogProbs(1e-6, 3), trialLogProbs(0.3, 4), successLogProbs(0.9, 2)]) {
      assertCloseEach(chainLogProbs(trialProbs(logProbs)), logProbs, 1e-8, 'log P(n)');
    }
  });

  it('has the trials of each prior', () => {
    assertCloseEach(trialProbs(trialLogProbs(0.3, 4)), [0.3, 0.3, 0.3, 0.3], 1e-14, 'p');
    assertCloseEach(trialProbs(geometricLogProbs(1e-6, 3)), geometricTrialProbs(1e-6, 3), 1e-13, 'p');
  });
});

describe('logSumExp', () => {
  it('is the logarithm of the sum', () => {
    assertCloseEach(logSumExp([0.5, -1, 2]), Math.log(Math.exp(0.5) + Math.exp(-1) + Math.exp(2)), 1e-15, 'sum');
  });

  it('neither overflows nor vanishes', () => {
    assertCloseEach(logSumExp([1000, 1000]), 1000 + Math.LN2, 1e-15, 'of large numbers');
    assertCloseEach(logSumExp([-1e5, -1e5 - 1]), -1e5 + Math.log1p(Math.exp(-1)), 1e-15, 'of small numbers');
    assert.equal(logSumExp([-Infinity, 3]), 3);
    assert.equal(logSumExp([-Infinity, -Infinity]), -Infinity);
  });
});

describe('argmax', () => {
  it('finds the largest, the first of equals', () => {
    assert.equal(argmax([1, 5, 3]), 1);
    assert.equal(argmax([2, 7, 7]), 1);
    assert.equal(argmax([-3, -2, -Infinity]), 1);
    assert.equal(argmax(Float32Array.of(4)), 0);
  });
});
