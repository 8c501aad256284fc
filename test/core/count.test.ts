/** The posterior over the count against its definition, path by path. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { argmax, geometricLogProbs, logCountProbs, logSumExp, presenceProbs } from '#air/core/count.js';
import { elboTerms, meanTerms } from '#air/core/elbo.js';
import { normals } from '../support/backends.js';
import { assertEachNear } from '../support/finite-differences.js';
import { elboByPaths, pathsOf } from '../support/paths.js';

describe('logCountProbs', () => {
  it('is the probability of the one path with n objects', () => {
    for (const modelSteps of [1, 2, 3, 5]) {
      const logits = normals(modelSteps, 2);
      const expected = Array(modelSteps + 1).fill(0);
      for (const { n, probability } of pathsOf(logits)) expected[n] += probability;
      assertEachNear(logCountProbs(logits).map(Math.exp), expected, 1e-14, 'q(n)');
    }
  });

  it('keeps its digits where probabilities are 0 or 1', () => {
    // log sigmoid(60) = -e^-60 and log sigmoid(-60) = -60, each to within e^-120
    assertEachNear(logCountProbs([60, -60]), [-60, -2 * Math.exp(-60), -60], 1e-12, 'log q(n)', 1e-26);
    assertEachNear(logCountProbs([-1000, 1000]), [0, -2000, -1000], 1e-12, 'log q(n)', 1e-26);
    const ones = logCountProbs([800, 800, 800]);
    assertEachNear(ones, [-800, -800, -800, 0], 1e-12, 'log q(n)', 1e-26);
  });
});

describe('presenceProbs', () => {
  it('is q(n >= t), which is p_1 .. p_t', () => {
    const logits = [1.5, -0.5, 0.25];
    const p = logits.map((logit) => 1 / (1 + Math.exp(-logit)));
    const present = presenceProbs(logCountProbs(logits).map(Math.exp));
    assertEachNear(present, [p[0], p[0] * p[1], p[0] * p[1] * p[2]], 1e-14, 'q(n >= t)');
  });
});

describe('elboTerms', () => {
  it('adds up, and equals the expectation over every path of z_pres', () => {
    for (const modelSteps of [1, 2, 3, 5]) {
      const zPresLogits = normals(modelSteps, 2);
      const logLik = normals(modelSteps + 1, 300, [500]);
      const [whereKl, whatKl] = [normals(modelSteps, 5, [10]), normals(modelSteps, 5, [20])];
      const k = 1e-4;
      const terms = elboTerms({ zPresLogits, logLik, whereKl, whatKl }, geometricLogProbs(k, modelSteps));
      const kl = whereKl.map((where, t) => where + whatKl[t]);
      assertEachNear([terms.elbo], [elboByPaths({ zPresLogits, logLik, kl }, k)], 1e-12, 'ELBO');
      const sum = terms.logLik - terms.countKl - terms.whereKl - terms.whatKl;
      assertEachNear([sum], [terms.elbo], 1e-13, 'sum of the terms');
      const whereOnly = elboByPaths({ zPresLogits, logLik, kl: whereKl }, k);
      assertEachNear([whereOnly - terms.elbo], [terms.whatKl], 1e-10, 'KL of z_what');
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

describe('logSumExp', () => {
  it('is the logarithm of the sum', () => {
    assertEachNear([logSumExp([0.5, -1, 2])], [Math.log(Math.exp(0.5) + Math.exp(-1) + Math.exp(2))], 1e-15, 'sum');
  });

  it('neither overflows nor vanishes', () => {
    assertEachNear([logSumExp([1000, 1000])], [1000 + Math.LN2], 1e-15, 'of large numbers');
    assertEachNear([logSumExp([-1e5, -1e5 - 1])], [-1e5 + Math.log1p(Math.exp(-1))], 1e-15, 'of small numbers');
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
