/** A probe learns what can be learnt, and nothing from labels that say nothing; the same from the same seed. */
import assert from 'node:assert/strict';
import { before, test } from 'node:test';
import * as tf from '@tensorflow/tfjs';
import { Draws } from '#air/core/rng.js';
import { joinRows } from '#air/probe/features.js';
import type { Examples } from '#air/probe/fit.js';
import { fitsOf, type ProbePlan, probe } from '#air/probe/probe.js';

before(async () => {
  tf.enableProdMode();
  await tf.setBackend('cpu');
});

const PLAN: ProbePlan = {
  labels: [90],
  draws: 2,
  networks: ['mlp'],
  widths: [16],
  weightDecays: [0, 0.1],
  fit: { steps: 200, batchSize: 30, learningRate: 1e-2, validEvery: 10, patience: 20 },
  seed: 1,
};

/** Points around three corners of a triangle, and which it is: a linear classifier tells them apart. */
function corners(count: number, seed: number): Examples {
  const draws = new Draws(seed, 'prior');
  const classes = Int32Array.from({ length: count }, () => draws.integer(3));
  const rows = [...classes].map((c) => {
    const [x, y] = [Math.cos((2 * Math.PI * c) / 3), Math.sin((2 * Math.PI * c) / 3)];
    return Float32Array.of(4 * x + draws.normal() / 4, 4 * y + draws.normal() / 4, draws.normal());
  });
  return { rows: joinRows(rows), classes };
}

/** The same points, with classes that have nothing to do with them. */
function shuffled(examples: Examples, seed: number): Examples {
  const order = new Draws(seed, 'shuffle').permutation(examples.classes.length);
  return { ...examples, classes: Int32Array.from(order, (i) => examples.classes[i]) };
}

const asTheyAre = { standardFor: () => (rows: Examples['rows']) => rows, onFit: () => {} };
const sets = (of: (count: number, seed: number) => Examples) => ({
  ...{ train: of(100, 1), valid: of(200, 2), test: of(400, 3) },
});

test('what is linearly decodable is learnt to 100 %', async () => {
  const [score] = await probe(sets(corners), PLAN, asTheyAre);
  assert.equal(score.mean, 1);
  assert.deepEqual(score.accuracies, [1, 1]);
});

test('shuffled labels give chance', async () => {
  const [score] = await probe(
    sets((count, seed) => shuffled(corners(count, seed), seed)),
    PLAN,
    asTheyAre,
  );
  // 400 test points of 3 classes: one standard deviation is 2.4 %
  for (const accuracy of score.accuracies) assert.ok(Math.abs(accuracy - 1 / 3) < 0.12, String(accuracy));
});

test('a network that diverged answers nothing right, not even by chance', async () => {
  const fit = { ...PLAN.fit, steps: 10, learningRate: 1e300 };
  const [score] = await probe(sets(corners), { ...PLAN, fit }, asTheyAre);
  assert.deepEqual([score.accuracies, score.valid], [[0, 0], 0]);
});

test('pixels: convolutions learn where a dot is from', async () => {
  const dots = (count: number, seed: number): Examples => {
    const draws = new Draws(seed, 'prior');
    const rows: Float32Array[] = [];
    const classes = Int32Array.from({ length: count }, () => {
      const image = new Float32Array(12 * 12);
      const [x, y] = [draws.integer(11), draws.integer(11)];
      for (const at of [0, 1, 12, 13]) image[y * 12 + x + at] = 1;
      rows.push(image);
      return x < 5 ? 0 : 1;
    });
    return { rows: joinRows(rows), classes };
  };
  const plan: ProbePlan = { ...PLAN, networks: ['cnn'], draws: 1, weightDecays: [0], labels: [100] };
  const [score] = await probe(sets(dots), plan, asTheyAre);
  assert.equal(score.network, 'cnn');
  assert.ok(score.mean > 0.9, String(score.mean));
});

test('the same seed gives the same scores, another one others', async () => {
  const noisy = sets((count, seed) => {
    const { rows, classes } = corners(count, seed);
    return { rows, classes: classes.map((c, i) => (i % 4 === 0 ? (c + 1) % 3 : c)) };
  });
  const ask = async (seed: number) => probe(noisy, { ...PLAN, labels: [12], seed }, asTheyAre);
  const [one, again, other] = [await ask(1), await ask(1), await ask(2)];
  assert.deepEqual(again, one);
  assert.notDeepEqual(other, one);
});

test('every training is told of, and no tensor stays', async () => {
  const before = tf.memory().numTensors;
  let fits = 0;
  await probe(sets(corners), { ...PLAN, labels: [10, 20] }, { ...asTheyAre, onFit: () => fits++ });
  assert.equal(fits, fitsOf({ ...PLAN, labels: [10, 20] }));
  assert.equal(fits, 2 * (2 + 1));
  assert.equal(tf.memory().numTensors, before);
});
