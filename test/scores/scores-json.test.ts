/** Scores from JSON: what the scoreboard prints is taken, what is not of its kind is named. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Scoreboard } from '#air/scores/scoreboard.js';
import { checkScores } from '#air/scores/scores-json.js';

test('what a scoreboard says is taken as it is, after a way through JSON', () => {
  const board = new Scoreboard();
  for (const count of [1, 0]) board.add({ n: 1, q: [0.2, 0.8], steps: [], count });
  const scores = JSON.parse(JSON.stringify(board.scores));
  assert.deepEqual(checkScores(scores), { scores });
});

test('what is not there is not asked for, but images or a collapse', () => {
  for (const scores of [{ images: 3 }, { collapse: 'diverged' }]) assert.deepEqual(checkScores(scores), { scores });
  for (const none of [{}, [], null, 3, 'a']) assert.deepEqual(checkScores(none), { wrong: 'no images' });
});

test('what is of another kind is named', () => {
  const bin = { from: 0, to: 1, images: 1, mean_probability: null, accuracy: null };
  const calibration = (more: object) => ({
    calibration: { q: { brier: 0, reliability: [bin], ...more }, evidence: null },
  });
  assert.ok('scores' in checkScores({ images: 1, ...calibration({}) }));
  for (const [field, wrong] of [
    ['images', { images: 'many' }],
    ['images', JSON.parse('{"images": 1e999}')],
    ['elbo', { elbo: 'high' }],
    ['confusion', { confusion: null }],
    ['confusion', { confusion: [[1, 2], [3]] }],
    ['terms', { terms: { bound: 'x' } }],
    ['calibration', { calibration: null }],
    ['calibration', { calibration: { q: {} } }],
    ['calibration', calibration({ brier: 'x' })],
    ['calibration', calibration({ reliability: [{ ...bin, images: 'x' }] })],
    ['collapse', { collapse: 3 }],
  ] as const) {
    const checked = checkScores({ images: 1, ...wrong });
    assert.ok('wrong' in checked && checked.wrong.startsWith(`${field} that is no `), JSON.stringify(wrong));
  }
});
