/** Composed scenes: what they depend on, and the statistics of Pyro's. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { OVERLAPS } from '#air/data/overlap.js';
import { Resizer } from '#air/data/resize.js';
import { type ComposedScene, PYRO_SCENES, SceneComposer } from '#air/data/scenes.js';
import { AirError } from '#air/errors.js';
import { onePerLabel, readMnist } from '../support/mnist.js';

const mnist = readMnist('t10k');
const ten = onePerLabel(mnist);

/** The canvases of a scene's objects, each alone, painted anew from frames and labels. */
function layers(scene: ComposedScene, canvas: number): number[][] {
  return scene.objects.map(({ label, frame: [left, top, width, height] }) => {
    assert.ok(label !== undefined);
    const resizer = new Resizer(28, 28);
    resizer.resize(ten.images, 784 * label, height, width);
    const digit = resizer.pixels.subarray(0, height * width);
    const layer = Array<number>(canvas * canvas).fill(0);
    for (const [p, value] of digit.entries()) {
      layer[(top + Math.floor(p / width)) * canvas + left + (p % width)] = value;
    }
    return layer;
  });
}

/** The box of the non-zero pixels. */
function inkBox(layer: number[], canvas: number): number[] {
  const inked = [...layer.keys()].filter((p) => layer[p] > 0);
  const [xs, ys] = [inked.map((p) => p % canvas), inked.map((p) => Math.floor(p / canvas))];
  const [left, top] = [Math.min(...xs), Math.min(...ys)];
  return [left, top, Math.max(...xs) + 1 - left, Math.max(...ys) + 1 - top];
}

for (const overlap of OVERLAPS) {
  test(`overlap ${overlap}: pixels are the sum of the objects, boxes are where they are, the rule holds`, () => {
    const composer = new SceneComposer(ten, { ...PYRO_SCENES, objects: [0, 1, 2, 3], overlap });
    const seen = { touching: 0, clipped: 0, crossingBoxes: 0 };
    for (let i = 0; i < 300; i++) {
      const scene = composer.compose(5, i);
      assert.equal(scene.objects.length, scene.count);
      const parts = layers(scene, 50);
      const sums = Array.from({ length: 2500 }, (_, p) => parts.reduce((sum, part) => sum + part[p], 0));
      assert.deepEqual(
        [...scene.image],
        sums.map((sum) => Math.min(sum, 255)),
      );
      for (const [k, object] of scene.objects.entries()) assert.deepEqual(object.ink, inkBox(parts[k], 50));
      const shares = (p: number): boolean => parts.filter((part) => part[p] > 0).length > 1;
      const inBoxes = (p: number): number => {
        const [x, y] = [p % 50, Math.floor(p / 50)];
        return scene.objects.filter(({ ink: [l, t, w, h] }) => x >= l && x < l + w && y >= t && y < t + h).length;
      };
      const pixels = [...sums.keys()];
      if (pixels.some(shares)) seen.touching++;
      if (sums.some((sum) => sum > 255)) seen.clipped++;
      if (pixels.some((p) => inBoxes(p) > 1)) seen.crossingBoxes++;
    }
    assert.equal(seen.clipped > 0, overlap === 'any');
    assert.equal(seen.touching > 0, overlap === 'any' || overlap === 'saturate');
    assert.equal(seen.crossingBoxes > 0, overlap !== 'boxes');
  });
}

test('a scene depends on seed and index only: in any order, alone, and into a lent buffer', () => {
  const composer = new SceneComposer(mnist, PYRO_SCENES);
  const forward = Array.from({ length: 40 }, (_, i) => composer.compose(11, i));
  const lent = new Uint8Array(2500).fill(77);
  for (let i = 39; i >= 0; i--) assert.deepEqual(composer.compose(11, i, lent), forward[i]);
  assert.deepEqual(new SceneComposer(mnist, PYRO_SCENES).compose(11, 17), forward[17]);
  assert.notDeepEqual(composer.compose(12, 17).image, forward[17].image);
});

test("60,000 default scenes have the statistics of Pyro's", () => {
  // multi_mnist.py's own procedure in Python, Pillow 13: 60,000 scenes sum to 8.946e8; mean 15,189 for one digit and
  // 29,477 for two (less than twice: small digits pass the overlap check more often). Standard errors are 0.3 %.
  const train = readMnist('train');
  const composer = new SceneComposer(train, PYRO_SCENES);
  const image = new Uint8Array(2500);
  const scenes = [0, 0, 0];
  const sums = [0, 0, 0];
  const labels = Array<number>(10).fill(0);
  const sides = new Map<number, number>();
  const offsets = new Set<number>();
  for (let i = 0; i < 60_000; i++) {
    const { count, objects } = composer.compose(0, i, image);
    scenes[count]++;
    for (const value of image) sums[count] += value;
    for (const { label = 0, frame } of objects) {
      labels[label]++;
      if (count === 1) sides.set(frame[2], (sides.get(frame[2]) ?? 0) + 1);
      if (frame[2] === 21) offsets.add(frame[0]);
    }
  }
  for (const n of scenes) assert.ok(Math.abs(n - 20_000) < 500, `${scenes}`);
  const total = sums[1] + sums[2];
  assert.ok(Math.abs(total / 8.946e8 - 1) < 0.012, `${total}`);
  assert.equal(sums[0], 0);
  assert.ok(Math.abs(sums[1] / scenes[1] / 15_189 - 1) < 0.012);
  assert.ok(Math.abs(sums[2] / scenes[2] / 29_477 - 1) < 0.012);
  const placed = scenes[1] + 2 * scenes[2];
  for (let label = 0; label < 10; label++) {
    const expected = train.labels.filter((one) => one === label).length / 60_000;
    assert.ok(Math.abs(labels[label] / placed - expected) < 0.01, `label ${label}`);
  }
  // int(28 / s) = w where 28 / (w + 1) < s <= 28 / w; for w = 21 that is .2380 of N(1.3, 0.1).
  assert.ok(Math.abs((sides.get(21) ?? 0) / scenes[1] - 0.238) < 0.012);
  // Offsets are 0 .. 50 - 21 - 1.
  assert.deepEqual(
    [...offsets].sort((a, b) => a - b),
    Array.from({ length: 29 }, (_, x) => x),
  );
});

test('other counts, canvases and scales', () => {
  const counts = new Set<number>();
  const composer = new SceneComposer(ten, { ...PYRO_SCENES, objects: [0, 1, 3] });
  for (let i = 0; i < 100; i++) counts.add(composer.compose(1, i).count);
  assert.deepEqual([...counts].sort(), [0, 1, 3]);
  // As large as the canvas: there is one place for it.
  const full = new SceneComposer(ten, { ...PYRO_SCENES, canvas: 28, objects: [1], scaleMean: 1, scaleSd: 0 });
  assert.deepEqual(full.compose(1, 0).objects[0].frame, [0, 0, 28, 28]);
  // s may fall anywhere: it is drawn again while the digit does not fit.
  const wild = new SceneComposer(ten, { ...PYRO_SCENES, canvas: 40, objects: [1], scaleMean: 0, scaleSd: 2 });
  for (let i = 0; i < 200; i++) {
    const [left, top, width, height] = wild.compose(1, i).objects[0].frame;
    assert.ok(left >= 0 && top >= 0 && width >= 1 && left + width <= 40 && top + height <= 40 && width === height);
  }
});

test('what cannot be made is refused by name', () => {
  const refusal = (pattern: RegExp) => (error: unknown) =>
    error instanceof AirError && error.kind === 'usage' && pattern.test(error.message) && error.hint !== undefined;
  const crowd = new SceneComposer(ten, { ...PYRO_SCENES, canvas: 24, objects: [6], overlap: 'boxes' });
  assert.throws(() => crowd.compose(0, 3), refusal(/scene 3: found no room for 6 objects on a canvas of 24 x 24/));
  const giant = new SceneComposer(ten, { ...PYRO_SCENES, objects: [1], scaleMean: 0.1, scaleSd: 0.001 });
  assert.throws(() => giant.compose(0, 0), refusal(/a scale of 0.1 \+- 0.001 never gives digits that fit/));
});
