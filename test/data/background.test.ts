/** What is behind the digits: against formulas in plain numbers, and the same digits before every background. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { BACKGROUND_DEFAULTS, BACKGROUNDS } from '#air/data/background.js';
import { PAINT_BACKGROUND } from '#air/data/paint-background.js';
import { type ComposedScene, PYRO_SCENES, SceneComposer, type SceneOptions } from '#air/data/scenes.js';
import { onePerLabel, readMnist } from '../support/mnist.js';

const ten = onePerLabel(readMnist('t10k'));

function scenes(options: Partial<SceneOptions>, count = 40): ComposedScene[] {
  const composer = new SceneComposer(ten, { ...PYRO_SCENES, ...options });
  return Array.from({ length: count }, (_, i) => composer.compose(5, i));
}

const black = scenes({});

test('the digits and the truth about them are the same before every background', () => {
  for (const background of BACKGROUNDS) {
    const truths = scenes({ background }).map(({ image, ...truth }) => truth);
    assert.deepEqual(
      truths,
      black.map(({ image, ...truth }) => truth),
      background,
    );
  }
});

test('a background depends on seed and index only, and no two are the same', () => {
  for (const background of ['noise', 'grid'] as const) {
    const composer = new SceneComposer(ten, { ...PYRO_SCENES, objects: [0], background });
    const forward = Array.from({ length: 20 }, (_, i) => composer.compose(7, i).image);
    const lent = new Uint8Array(2500).fill(77);
    for (let i = 19; i >= 0; i--) assert.deepEqual(composer.compose(7, i, lent).image, forward[i]);
    assert.notDeepEqual(
      forward.map((_, i) => composer.compose(8, i).image),
      forward,
    );
    const different = new Set(forward.map((image) => Buffer.from(image).toString('hex'))).size;
    assert.ok(background === 'noise' ? different === 20 : different > 10, `${background}: ${different}`);
  }
});

test('noise: every pixel is .8 x + .1 + sd n, clipped to 0..1 and rounded to bytes', () => {
  const image = Uint8Array.of(0, 128, 255, 0, 255, 100);
  const normals = [0, 1, 0, -3, 4, -0.25];
  let next = 0;
  const draws = { normal: () => normals[next++], integer: () => assert.fail('no other number is drawn') };
  PAINT_BACKGROUND.noise(image, 0, { ...BACKGROUND_DEFAULTS, noiseSd: 0.2 }, draws);
  const expected = [0.1, 0.8 * (128 / 255) + 0.3, 0.9, 0, 1, 0.8 * (100 / 255) + 0.05];
  assert.deepEqual(
    [...image],
    expected.map((x) => Math.round(255 * x)),
  );
});

test('noise: mean and spread on black and on ink, with an sd that clips nothing', () => {
  const sd = 0.02;
  const noisy = scenes({ background: 'noise', noiseSd: sd });
  for (const [ink, mean] of [
    [0, 0.1],
    [255, 0.9],
  ]) {
    const values = noisy.flatMap(({ image }, k) => [...image].filter((_, p) => black[k].image[p] === ink));
    assert.ok(values.length > 300, `${values.length} pixels of ${ink}`);
    const average = values.reduce((sum, x) => sum + x, 0) / values.length / 255;
    const variance = values.reduce((sum, x) => sum + (x / 255 - average) ** 2, 0) / values.length;
    const standardError = sd / Math.sqrt(values.length);
    assert.ok(Math.abs(average - mean) < 4 * standardError, `${average} is far from ${mean}`);
    assert.ok(Math.abs(Math.sqrt(variance) / sd - 1) < 4 / Math.sqrt(2 * values.length), `sd ${Math.sqrt(variance)}`);
  }
});

test('noise: with the sd of SuPAIR, as many pixels are clipped as the normal distribution says', () => {
  const pixels = scenes({ background: 'noise', objects: [0] }).flatMap(({ image }) => [...image]);
  // black, .1 + .2 n: rounds to 0 below .5 / 255, where n < -.4902; Phi(-.4902) = .31200
  const share = pixels.filter((x) => x === 0).length / pixels.length;
  assert.ok(Math.abs(share - 0.312) < 4 * Math.sqrt((0.312 * 0.688) / pixels.length), `${share}`);
  const neighbours = pixels.slice(1).reduce((sum, x, p) => sum + (x - 38) * (pixels[p] - 38), 0);
  const spread = pixels.reduce((sum, x) => sum + (x - 38) ** 2, 0);
  assert.ok(Math.abs(neighbours / spread) < 0.02, 'pixels are independent');
});

test('grid: lines of the level where the image is darker, one in so many pixels along both axes', () => {
  for (const [gridSpacing, gridLevel] of [
    [5, 0.4],
    [7, 1],
    [1, 0.1],
  ]) {
    const offsets = new Set<string>();
    for (const [k, { image }] of scenes({ background: 'grid', gridSpacing, gridLevel }).entries()) {
      // the offsets are those of the one grid that fits
      const fits: string[] = [];
      for (let top = 0; top < gridSpacing; top++) {
        for (let left = 0; left < gridSpacing; left++) {
          const isRight = image.every((value, p) => {
            const onLine = Math.floor(p / 50) % gridSpacing === top || (p % 50) % gridSpacing === left;
            return value === (onLine ? Math.max(black[k].image[p], Math.round(255 * gridLevel)) : black[k].image[p]);
          });
          if (isRight) fits.push(`${top},${left}`);
        }
      }
      assert.equal(fits.length, 1, `scene ${k}`);
      offsets.add(fits[0]);
    }
    assert.ok(gridSpacing === 1 ? offsets.size === 1 : offsets.size > 15, `${offsets.size} offsets`);
  }
});

test('the overlap rule is about digits, not about what is behind them', () => {
  // one place for each digit, which every rule allows; on a white ground all would meet
  for (const overlap of ['saturate', 'ink', 'boxes'] as const) {
    const options = { background: 'grid', gridSpacing: 1, gridLevel: 1, objects: [1], overlap } as const;
    const [{ image, count }] = scenes(options, 1);
    assert.equal(count, 1);
    assert.ok(image.every((value) => value === 255));
  }
});
