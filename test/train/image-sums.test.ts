/** Sums of images: that they are sums, of images counted as one, at the distances asked for, and depend on nothing else. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { joinImages, splitImages } from '#air/core/images.js';
import { PRESETS } from '#air/presets.js';
import type { TrainConfig } from '#air/train/config.js';
import { ImageSums } from '#air/train/image-sums.js';

const CANVAS: [number, number] = [30, 40];
const CONFIG = { ...PRESETS.fast.model, canvas: CANVAS };
const training: TrainConfig = { ...PRESETS.fast.training, sumPairs: 8, sumFrom: 5, sumReach: 12 };

/** A bright square of side 4 in the dark. */
function square(left: number, top: number, value = 200): Uint8Array {
  const image = new Uint8Array(CANVAS[0] * CANVAS[1]);
  for (let y = top; y < top + 4; y++) image.fill(value, y * CANVAS[1] + left, y * CANVAS[1] + left + 4);
  return image;
}

const total = (image: Uint8Array) => image.reduce((sum, value) => sum + value, 0);
const outcome = (...zPresLogits: number[]) => ({ zPresLogits, logLik: [], whereKl: [], whatKl: [] });
const ONE = outcome(9, -9, -9);
const fresh = joinImages([square(2, 3), square(20, 10), square(30, 20), new Uint8Array(CANVAS[0] * CANVAS[1])]);

function taught(settings = training): ImageSums {
  const sums = new ImageSums({ config: CONFIG, training: settings });
  sums.remember(fresh, [ONE, ONE, ONE, outcome(-9, -9, -9)]);
  return sums;
}

test('a sum holds the ink of two images counted as one; beside it stands one of them', () => {
  const { batch, counts } = taught().extend(fresh, 5);
  const images = splitImages(batch);
  assert.equal(images.length, 4 + 2 * 8);
  assert.deepEqual(counts, [-1, -1, -1, -1, ...Array(8).fill([2, 1]).flat()]);
  assert.deepEqual(images.slice(0, 4), splitImages(fresh));
  const singles = splitImages(fresh).slice(0, 3);
  for (let k = 4; k < images.length; k += 2) {
    assert.equal(total(images[k]), 2 * 16 * 200, 'no ink is lost');
    assert.ok(Math.max(...images[k]) <= 200, 'ink does not pile up beyond white');
    assert.ok(singles.some((single) => Buffer.compare(single, images[k + 1]) === 0));
  }
});

test('the two are no further apart than asked for', () => {
  const images = splitImages(taught().extend(fresh, 9).batch).slice(4);
  for (let k = 0; k < images.length; k += 2) {
    const inked = [...images[k].keys()].filter((at) => images[k][at] > 0);
    const [xs, ys] = [inked.map((at) => at % CANVAS[1]), inked.map((at) => Math.floor(at / CANVAS[1]))];
    const [wide, high] = [xs, ys].map((values) => Math.max(...values) - Math.min(...values) + 1 - 4);
    assert.ok(Math.hypot(wide, high) <= training.sumReach + 1, `${wide}, ${high}`);
    assert.ok(Math.hypot(wide, high) >= 5, `${wide}, ${high}`);
  }
});

test('with --sum-places own, each of the two stays where it was', () => {
  const { batch, counts } = taught({ ...training, sumPlaces: 'own' }).extend(fresh, 5);
  const singles = splitImages(fresh).slice(0, 3);
  const pairs = [0, 1, 2].map((out) => {
    const [a, b] = singles.filter((_, k) => k !== out);
    return String(a.map((value, at) => value + b[at]));
  });
  const lessons = splitImages(batch).slice(4);
  assert.equal(lessons.length, 2 * 8);
  assert.deepEqual(counts.slice(4), Array(8).fill([2, 1]).flat());
  for (let k = 0; k < lessons.length; k += 2) assert.ok(pairs.includes(String(lessons[k])));
});

test('a sum of three holds the ink of three, each where it was', () => {
  const settings = { ...training, sumPairs: 0, sumTriples: 3 };
  const { batch, counts } = taught(settings).extend(fresh, 5);
  const [first, second, third] = splitImages(fresh);
  const expected = first.map((value, at) => value + second[at] + third[at]);
  assert.deepEqual(counts, [-1, -1, -1, -1, 3, 3, 3]);
  for (const image of splitImages(batch).slice(4))
    assert.deepEqual(image, expected, 'there are but three to choose from');
});

test('sums of three leave sums of two as they are, and are no lesson for a model of two steps', () => {
  const both = { ...training, sumTriples: 3 };
  const { batch, counts } = taught(both).extend(fresh, 5);
  const pairsAlone = taught().extend(fresh, 5);
  const pairs = splitImages(pairsAlone.batch);
  assert.deepEqual(splitImages(batch).slice(0, pairs.length), pairs);
  assert.deepEqual(counts, [...pairsAlone.counts, 3, 3, 3]);
  const small = new ImageSums({ config: { ...CONFIG, modelSteps: 2 }, training: both });
  small.singles = taught().singles;
  assert.deepEqual(small.extend(fresh, 5).counts, pairsAlone.counts);
});

test('sums of three that exceed white are given up', () => {
  const sums = new ImageSums({ config: CONFIG, training: { ...training, sumPairs: 0, sumTriples: 2 } });
  sums.singles = [200, 201, 202].map((value) => square(2, 3, value));
  assert.equal(sums.extend(fresh, 5).counts.length, 4);
  assert.equal(sums.takeTally().tooBright > 0, true);
});

test('depends on the seed, the step and the images alone', () => {
  const pixels = (settings: TrainConfig, step: number) => taught(settings).extend(fresh, step).batch.pixels;
  assert.deepEqual(pixels(training, 7), pixels(training, 7));
  assert.notDeepEqual(pixels(training, 7), pixels(training, 8));
  assert.notDeepEqual(pixels(training, 7), pixels({ ...training, seed: 1 }, 7));
});

test('only images surely counted as one are remembered', () => {
  const sums = new ImageSums({ config: CONFIG, training });
  sums.remember(fresh, [ONE, outcome(9, 9, -9), outcome(1, -1, -9), outcome(-9, -9, -9)]);
  assert.deepEqual(sums.singles, [splitImages(fresh)[0]]);
  assert.deepEqual(sums.extend(fresh, 9), { batch: fresh, counts: [-1, -1, -1, -1] });
});

test('the tally says how many sums were made, and why others were not', () => {
  const none = { steps: 0, sums: 0, withoutSingles: 0, outside: 0, tooBright: 0 };
  const sums = taught();
  sums.extend(fresh, 4); // before their time
  assert.deepEqual(sums.takeTally(), none);
  sums.extend(fresh, 5);
  sums.extend(fresh, 6);
  const { steps, sums: made, withoutSingles } = sums.takeTally();
  assert.deepEqual([steps, made, withoutSingles], [2, 16, 0]);
  assert.deepEqual(sums.takeTally(), none, 'it is taken');

  const lonely = new ImageSums({ config: CONFIG, training });
  lonely.singles = taught().singles.slice(0, 1);
  for (const step of [5, 6, 7]) lonely.extend(fresh, step);
  assert.deepEqual(lonely.takeTally(), { ...none, steps: 3, withoutSingles: 3 });

  const framed = new ImageSums({ config: CONFIG, training });
  framed.singles = [1, 2].map((value) => new Uint8Array(CANVAS[0] * CANVAS[1]).fill(value));
  framed.extend(fresh, 5);
  const outside = framed.takeTally();
  assert.ok(outside.outside > 0);
  assert.deepEqual({ ...outside, outside: 0 }, { ...none, steps: 1 });

  // bars as long as the reach: moved by less than that they cross or cover each other
  const bright = new ImageSums({ config: CONFIG, training });
  bright.singles = [200, 201].map((value) => {
    const image = new Uint8Array(CANVAS[0] * CANVAS[1]);
    for (let y = 6; y < 24; y++) image.fill(value, y * CANVAS[1] + 11, y * CANVAS[1] + 29);
    return image;
  });
  bright.extend(fresh, 5);
  const tally = bright.takeTally();
  assert.ok(tally.tooBright > 0);
  assert.deepEqual([tally.sums, tally.steps, tally.withoutSingles], [0, 1, 0]);

  const off = taught({ ...training, sumPairs: 0 });
  off.extend(fresh, 9);
  assert.deepEqual(off.takeTally(), none);
});

test('no sums before their time, without pairs, or where two do not fit', () => {
  const none = { batch: fresh, counts: [-1, -1, -1, -1] };
  assert.deepEqual(taught().extend(fresh, 4), none);
  assert.deepEqual(taught({ ...training, sumPairs: 0 }).extend(fresh, 9), none);
  const single = new ImageSums({ config: { ...CONFIG, modelSteps: 1 }, training });
  single.singles = taught().singles;
  assert.deepEqual(single.extend(fresh, 9), none);
  const full = new ImageSums({ config: CONFIG, training });
  full.singles = [0, 1].map(() => new Uint8Array(CANVAS[0] * CANVAS[1]).fill(200));
  assert.equal(full.extend(fresh, 9).counts.length, 4);
});
