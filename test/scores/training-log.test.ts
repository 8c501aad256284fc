/** Validations in the log of a training, and the time until each. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { MetricsLine } from '#air/formats/metrics-log.js';
import { lastWithin, validations } from '#air/scores/training-log.js';

const report = (step: number, ms: number, more = {}): MetricsLine => ({ step, elbo: 1, ms_per_step: ms, ...more });
const valid = (step: number, accuracy: number, more = {}): MetricsLine => ({
  step,
  valid_count_accuracy: accuracy,
  valid_elbo: 100 * accuracy,
  valid_confusion: [[1]],
  ...more,
});
const brief = (lines: MetricsLine[]) =>
  validations(lines).map(({ step, seconds, count_accuracy: accuracy }) => [step, Number(seconds.toFixed(6)), accuracy]);

test('time is the sum over reports of their steps', () => {
  const lines = [report(10, 100), valid(10, 0.1), report(20, 50), report(30, 50), valid(30, 0.3)];
  assert.deepEqual(brief(lines), [
    [10, 1, 0.1],
    [30, 2, 0.3],
  ]);
});

test('a validation between two reports has its share of the time between them', () => {
  assert.deepEqual(brief([report(10, 100), valid(15, 0.1), valid(18, 0.2), report(20, 200)]), [
    [15, 2, 0.1],
    [18, 2.6, 0.2],
  ]);
});

test('tries before the last are time, but no result', () => {
  const again = { retry: 1 };
  const lines = [report(10, 100), valid(10, 0.1), report(10, 300, again), valid(10, 0.9, again)];
  assert.deepEqual(brief(lines), [[10, 4, 0.9]]);
});

test('the last validation within a time, its end included; before the first one only the time is known', () => {
  const all = validations([report(10, 100), valid(10, 0.1), report(20, 100), valid(20, 0.2)]);
  assert.equal(lastWithin(all, 1.99).count_accuracy, 0.1);
  assert.equal(lastWithin(all, 2).count_accuracy, 0.2);
  assert.equal(lastWithin(all, Number.POSITIVE_INFINITY).step, 20);
  assert.deepEqual(lastWithin(all, 0.5), { seconds: 0.5 });
});

test('what is no number, or no matrix, is not there', () => {
  const odd = { valid_elbo: 'x', valid_sampled_count_accuracy: {}, valid_confusion: [[1], null] };
  const [{ seconds: _, step: __, ...scores }] = validations([report(10, 100), valid(10, 0.1, odd)]);
  assert.deepEqual(scores, { count_accuracy: 0.1, sampled_count_accuracy: null, elbo: null, confusion: [] });
});
