/** Abstention by hand. */
import assert from 'node:assert/strict';
import { it } from 'node:test';
import { AbstentionScores } from '#air/scores/abstention.js';

const SURE = [0.05, 0.9, 0.05];
const UNSURE = [0.5, 0.4, 0.1];

it('answers where the top probability is at least what is asked for', () => {
  const scores = new AbstentionScores(0.9);
  assert.equal(scores.answers, undefined);
  scores.add(UNSURE, 0);
  assert.deepEqual(scores.answers, { answered: 0, accuracy: null });
  for (const truth of [1, 1, 1, 2]) scores.add(SURE, truth);
  assert.deepEqual(scores.answers, { answered: 4 / 5, accuracy: 3 / 4 });
});

it('needs no truth to say how many are answered', () => {
  const scores = new AbstentionScores(0.9);
  scores.add(SURE, undefined);
  scores.add(UNSURE, undefined);
  assert.deepEqual(scores.answers, { answered: 1 / 2, accuracy: null });
  scores.add(SURE, 1);
  assert.deepEqual(scores.answers, { answered: 2 / 3, accuracy: 1 });
});
