/** Scores of counting, by hand. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CountScores } from '#air/scores/counts.js';
import { assertCloseEach } from '../support/assert-close.js';

/** To within 1e-12: scores are in 0..1. */
const near = (actual: number, expected: number): void => assertCloseEach(actual, expected, 1e-12, 'score', 1);

test('counting by hand', () => {
  const scores = new CountScores();
  assert.ok(Number.isNaN(scores.accuracy));
  for (const [truth, inferred] of [
    [0, 0],
    [1, 1],
    [1, 2],
    [2, 2],
    [2, 1],
    [2, 2],
  ]) {
    scores.add(truth, inferred);
  }
  near(scores.accuracy, 4 / 6);
  assert.equal(scores.total, 6);
  assert.deepEqual(scores.matrix(), [
    [1, 0, 0],
    [0, 1, 1],
    [0, 1, 2],
  ]);
  assert.deepEqual(scores.matrix(4)[2], [0, 1, 2, 0]);
  scores.add(4, 3, 0.5);
  assert.deepEqual(scores.matrix(), [
    [1, 0, 0, 0],
    [0, 1, 1, 0],
    [0, 1, 2, 0],
    [0, 0, 0, 0],
    [0, 0, 0, 0.5],
  ]);
  near(scores.accuracy, 4 / 6.5);
});
