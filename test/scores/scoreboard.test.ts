/** The scoreboard: what of an image goes into which score, and what is left out where the input says nothing of it. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Scoreboard, type Scored } from '#air/scores/scoreboard.js';
import { assertCloseEach } from '../support/assert-close.js';

const near = (actual: number | undefined, expected: number) =>
  assertCloseEach(actual as number, expected, 1e-12, 'score', 1);

/** An image with a given q(n), and no steps worth a look. */
const image = (q: number[], others: Partial<Scored> = {}): Scored => ({
  n: q.indexOf(Math.max(...q)),
  q,
  steps: [],
  ...others,
});

describe('how sure to be of counts', () => {
  it('is scored by q(n) and by the evidence, each by itself', () => {
    const board = new Scoreboard({ abstainBelow: 0.8 });
    // log-weights 1000 nats up: only their differences count
    board.add(image([0.9, 0.1], { count: 0, evidence: [1000 + Math.log(0.3), 1000 + Math.log(0.7)] }));
    board.add(image([0.2, 0.8], { count: 0, evidence: [Number.NEGATIVE_INFINITY, 5] }));
    const { calibration, abstention } = board.scores;
    near(calibration.q?.brier, (2 * 0.1 ** 2 + 2 * 0.8 ** 2) / 2);
    near(calibration.evidence?.brier, (2 * 0.7 ** 2 + 2) / 2);
    assert.deepEqual(abstention, {
      below: 0.8,
      q: { answered: 1, accuracy: 1 / 2 },
      evidence: { answered: 1 / 2, accuracy: 0 },
    });
  });

  it('is null where latents are of an older version, or there is no truth, or nobody asks', () => {
    const [older, blind] = [new Scoreboard(), new Scoreboard({ abstainBelow: 0.5 })];
    older.add(image([0.9, 0.1], { count: 0 }));
    assert.equal(older.scores.calibration.evidence, null);
    assert.notEqual(older.scores.calibration.q, null);
    assert.equal(older.scores.abstention, null);
    blind.add(image([0.9, 0.1]));
    assert.deepEqual(blind.scores.calibration, { q: null, evidence: null });
    assert.deepEqual(blind.scores.abstention, { below: 0.5, q: { answered: 1, accuracy: null }, evidence: null });
  });
});

describe('the ELBO', () => {
  it('is the mean over images, and null as soon as one has none', () => {
    const board = new Scoreboard();
    board.add(image([1, 0], { elbo: 600 }));
    board.add(image([1, 0], { elbo: 610 }));
    assert.equal(board.scores.elbo, 605);
    board.add(image([1, 0]));
    assert.equal(board.scores.elbo, null);
  });
});
