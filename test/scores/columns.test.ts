/** Cells of a table, and what several seeds have in common. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { COLUMN_NAMES, columnOf, defaultColumns, successColumn, summarise } from '#air/scores/columns.js';
import { Scoreboard } from '#air/scores/scoreboard.js';

const MERGED = [
  [10, 0, 0],
  [0, 10, 0],
  [0, 9, 1],
];
const RIGHT = [
  [10, 0, 0],
  [0, 10, 0],
  [0, 0, 10],
];

test('every column has a cell for what a scoreboard says, and none of a run without scores', () => {
  const board = new Scoreboard();
  const steps = [
    { box: [0, 0, 4, 4] as const, p: 0.9, where: new Float32Array(3), whereScale: new Float32Array(3) },
  ].map((step) => ({ ...step, what: new Float32Array(2), whatScale: new Float32Array(2) }));
  const truth = { count: 1, objects: [{ ink: [0, 0, 4, 4] as const }] };
  const evidence = { evidence: [-9, -1], nEvidence: 1, bound: -1 };
  board.add({ n: 1, q: [0.1, 0.9], elbo: -2, ...evidence, steps, ...truth });
  const run = { ...board.scores, step: 10, seconds: 3 };
  for (const name of [...COLUMN_NAMES, '1as1']) {
    assert.notEqual(columnOf(name)?.of(run), null, name);
    assert.equal(columnOf(name)?.of({}), null, name);
  }
  assert.deepEqual(
    ['count', 'sampled', 'evidence', 'elbo', 'iou', 'ap', '1as1', '1as0'].map((name) => columnOf(name)?.of(run)),
    [1, 0.9, 1, -2, 1, 1, 1, 0],
  );
  assert.equal(columnOf('1as'), undefined);
  assert.equal(columnOf('toString'), undefined);
});

test('a collapse is told from the confusion matrix, or by who made the file', () => {
  const { of } = columnOf('collapse') as NonNullable<ReturnType<typeof columnOf>>;
  assert.deepEqual(of({ confusion: RIGHT }), { is: false, text: 'no' });
  assert.deepEqual(of({ confusion: MERGED }), { is: true, text: 'two objects are counted as one' });
  assert.deepEqual(of({ collapse: 'diverged' }), { is: true, text: 'diverged' });
});

test('success is to count so well, and not to collapse', () => {
  const { of } = successColumn(0.9);
  const answer = (cell: ReturnType<typeof of>) => (cell !== null && typeof cell === 'object' ? cell.is : cell);
  assert.equal(answer(of({ count_accuracy: 0.9, confusion: RIGHT })), true);
  assert.equal(answer(of({ count_accuracy: 0.89, confusion: RIGHT })), false);
  assert.equal(answer(of({ count_accuracy: 0.99, confusion: MERGED })), false);
  assert.equal(answer(of({ collapse: 'diverged' })), false);
  assert.equal(answer(of({ seconds: 3 })), null);
});

test('without a choice, the columns that have something in them', () => {
  const names = defaultColumns([{ count_accuracy: 0.5 }, { elbo: 3, confusion: RIGHT }]).map(({ name }) => name);
  assert.deepEqual(names, ['count', 'elbo', '2as1', '1as2', 'collapse']);
});

test('of several: mean, least and most of those that say something, or how many', () => {
  assert.deepEqual(summarise([1, null, 4, 4]), { mean: 3, least: 1, most: 4 });
  assert.deepEqual(summarise([{ is: true, text: '' }, { is: false, text: '' }, null]), { are: 1, of: 2 });
  assert.equal(summarise([null, null]), null);
});
