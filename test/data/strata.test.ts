/** Stratified counts: exact, in no order, and a function of seed and index. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { PYRO_SCENES, SceneComposer } from '#air/data/scenes.js';
import { stratifiedCount } from '#air/data/strata.js';
import { onePerLabel, readMnist } from '../support/mnist.js';

function countsFrom(objects: readonly number[], seed: number, first: number, length: number): number[] {
  return Array.from({ length }, (_, k) => stratifiedCount(objects, seed, first + k));
}

test('every run of as many scenes as there are counts has each once', () => {
  for (const objects of [[2], [0, 1, 2], [0, 1, 3], [0, 1, 2, 3, 4], Array.from({ length: 101 }, (_, n) => n)]) {
    for (const run of [0, 1, 2, 77, 2 ** 40]) {
      const counts = countsFrom(objects, 3, run * objects.length, objects.length);
      assert.deepEqual(
        counts.toSorted((a, b) => a - b),
        objects,
      );
    }
  }
});

test('however many scenes there are, no count is more than one ahead', () => {
  const seen = [0, 0, 0];
  for (const count of countsFrom([0, 1, 2], 9, 0, 400)) {
    seen[count]++;
    assert.ok(Math.max(...seen) - Math.min(...seen) <= 1, `${seen}`);
  }
});

test('all orders of a run are as frequent', () => {
  const orders = new Map<string, number>();
  for (let run = 0; run < 6000; run++) {
    const order = countsFrom([0, 1, 2], 4, 3 * run, 3).join();
    orders.set(order, (orders.get(order) ?? 0) + 1);
  }
  // chi-square of 5 degrees of freedom: above 20.5 once in a thousand
  const chiSquare = [...orders.values()].reduce((sum, n) => sum + (n - 1000) ** 2 / 1000, 0);
  assert.ok(orders.size === 6 && chiSquare < 20.5, `${chiSquare}`);
  assert.notDeepEqual(countsFrom([0, 1, 2], 4, 0, 60), countsFrom([0, 1, 2], 5, 0, 60));
});

test('scenes have these counts', () => {
  const composer = new SceneComposer(onePerLabel(readMnist('t10k')), {
    ...PYRO_SCENES,
    objects: [0, 1, 3],
    isStratified: true,
  });
  const made = Array.from({ length: 30 }, (_, i) => composer.compose(6, i).objects.length);
  assert.deepEqual(made, countsFrom([0, 1, 3], 6, 0, 30));
});
