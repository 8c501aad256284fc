/** Bytes and intensities, and batches cut and joined. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { boxOf, boxOfSides, joinImages, sliceImages, splitImages, toBytes, toIntensities } from '#air/core/images.js';
import { MIN_SCALE } from '#air/core/ops/sampling.js';
import { MAX_SIDE, MIN_SIDE } from '#air/core/ops/sides.js';
import { onEachBackend } from '../support/backends.js';

onEachBackend(() => {
  it('keeps every byte on the way to intensities and back', async () => {
    const pixels = Uint8Array.from({ length: 256 }, (_, i) => i);
    const intensities = toIntensities({ pixels, size: 2 }, [16, 8]);
    assert.deepEqual(intensities.shape, [2, 16, 8]);
    const values = (await intensities.data()) as Float32Array;
    assert.deepEqual([values[0], values[51], values[255]], [0, Math.fround(0.2), 1]);
    assert.deepEqual(toBytes(values), pixels);
    intensities.dispose();
  });
});

it('rounds intensities to the nearest byte, and clips them', () => {
  const intensities = Float32Array.of(-0.5, 0, 0.4 / 255, 0.6 / 255, 100.4 / 255, 100.6 / 255, 1, 1.7, Number.NaN);
  assert.deepEqual([...toBytes(intensities)], [0, 0, 0, 1, 100, 101, 255, 255, 0]);
});

describe('a batch', () => {
  const images = [Uint8Array.of(1, 2, 3), Uint8Array.of(4, 5, 6), Uint8Array.of(7, 8, 9), Uint8Array.of(10, 11, 12)];

  it('is its images one after the other', () => {
    const batch = joinImages(images);
    assert.deepEqual(batch, { pixels: Uint8Array.from({ length: 12 }, (_, i) => i + 1), size: 4 });
    assert.deepEqual(splitImages(batch), images);
    assert.deepEqual(sliceImages(batch, 1, 3), joinImages(images.slice(1, 3)));
    assert.deepEqual(splitImages(sliceImages(sliceImages(batch, 1, 4), 1, 2)), [images[2]]);
  });

  it('may be empty', () => {
    assert.deepEqual(joinImages([]), { pixels: new Uint8Array(0), size: 0 });
    assert.deepEqual(splitImages(joinImages([])), []);
  });
});

describe('boxOf', () => {
  it('is W/s wide, centred at W/2 (1 - x/s)', () => {
    assert.deepEqual(boxOf([2, 0, 0], [50, 50]), [12.5, 12.5, 25, 25]);
    assert.deepEqual(boxOf([2, 1, -1], [40, 60]), [0, 20, 30, 20], 'to the left and down');
    assert.deepEqual(boxOf([1, 0, 0], [40, 60]), [0, 0, 60, 40], 'the whole canvas');
  });

  it('takes the least scale for anything below', () => {
    assert.deepEqual(boxOf([-1, 0.1, 0], [50, 50]), boxOf([MIN_SCALE, 0.1, 0], [50, 50]));
  });
});

describe('boxOfSides', () => {
  it('is sx W wide, centred at W/2 (1 + x)', () => {
    assert.deepEqual(boxOfSides([0.5, 0, 0.25, 0], [40, 60]), [15, 15, 30, 10]);
    assert.deepEqual(boxOfSides([0.5, -0.5, 0.5, 0.5], [40, 60]), [0, 20, 30, 20], 'to the left and down');
    assert.deepEqual(boxOfSides([1, 0, 1, 0], [40, 60]), [0, 0, 60, 40], 'the whole canvas');
  });

  it('is as large for a mirrored window, and no smaller than the least, no larger than the largest', () => {
    assert.deepEqual(boxOfSides([-0.5, 0.2, 0.25, 0], [40, 60]), boxOfSides([0.5, 0.2, 0.25, 0], [40, 60]));
    assert.deepEqual(boxOfSides([0, 0, -0.01, 0], [40, 60]), boxOfSides([MIN_SIDE, 0, MIN_SIDE, 0], [40, 60]));
    assert.deepEqual(boxOfSides([9, 0, -9, 0], [40, 60]), boxOfSides([MAX_SIDE, 0, MAX_SIDE, 0], [40, 60]));
  });
});
