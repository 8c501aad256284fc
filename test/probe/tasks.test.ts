/** What is asked of a scene, and what latents look like to who answers. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { joinRows, latentRow, pickRows, standardOf } from '#air/probe/features.js';
import { tasks } from '#air/probe/tasks.js';

const digit = (label: number, left: number, width = 10) => ({ label, frame: [left, 5, width, width] as const });

test('the sum of the digits', () => {
  assert.equal(tasks.sum([]), 0);
  assert.equal(tasks.sum([digit(9, 0), digit(9, 20), digit(1, 30)]), 19);
});

test('ascending is from left to right, whatever the order in the stream, and strictly', () => {
  assert.equal(tasks.ascending([digit(7, 20), digit(3, 5)]), 1);
  assert.equal(tasks.ascending([digit(3, 20), digit(7, 5)]), 0);
  assert.equal(tasks.ascending([digit(3, 20), digit(3, 5)]), 0);
  assert.equal(tasks.ascending([digit(1, 0), digit(2, 10), digit(3, 20)]), 1);
  assert.equal(tasks.ascending([digit(1, 0), digit(3, 10), digit(2, 20)]), 0);
});

test('of two digits it is the middle that is further left, not the edge', () => {
  // a wide frame from 8 to 28 has its middle at 18, a narrow one from 10 to 20 at 15
  assert.equal(tasks.ascending([digit(1, 10, 10), digit(2, 8, 20)]), 1);
});

const step = (where: number[], what: number[]) => ({
  p: 0.9,
  where: Float32Array.from(where),
  what: Float32Array.from(what),
});

test('objects beyond the count are all 0', () => {
  const row = latentRow({ n: 1, steps: [step([3, 1], [5]), step([4, 2], [6])] });
  assert.deepEqual([...row], [1, 3, 1, 5, 0, 0, 0, 0]);
});

test('present objects of the labelled have mean 0 and variance 1, absent ones stay 0', () => {
  const rows = joinRows([
    latentRow({ n: 2, steps: [step([1], [10]), step([3], [10])] }),
    latentRow({ n: 1, steps: [step([5], [10]), step([100], [100])] }),
  ]);
  const { values } = standardOf(rows, 2)(rows);
  const present = [values[1], values[4], values[7]];
  assert.ok(Math.abs(present.reduce((a, b) => a + b)) < 1e-6);
  assert.ok(Math.abs(present.reduce((sum, value) => sum + value * value, 0) / 3 - 1) < 1e-6);
  assert.deepEqual([...values.subarray(9)], [0, 0, 0]);
  // of what never varies only the mean is taken off
  assert.deepEqual([values[2], values[5], values[8]], [0, 0, 0]);
});

test('rows are picked in the order asked for, more than once too', () => {
  const rows = joinRows([Float32Array.of(1, 2), Float32Array.of(3, 4)]);
  assert.deepEqual([...pickRows(rows, [1, 0, 1]).values], [3, 4, 1, 2, 3, 4]);
});
