/** Reading and placing windows against PyTorch's sampling written out, and its derivatives by finite differences. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import * as tf from '@tensorflow/tfjs';
import type { WhereName } from '#air/core/config.js';
import { placeWindows, placeWindowsGrad } from '#air/core/ops/place-windows.js';
import { readWindows, readWindowsGrad } from '#air/core/ops/read-windows.js';
import { MIN_SCALE, type Size } from '#air/core/ops/sampling.js';
import { wheres } from '#air/core/where.js';
import { assertCloseOverall } from '../../support/assert-close.js';
import { onEachBackend, read } from '../../support/backends.js';
import { slopes } from '../../support/finite-differences.js';
import { type Affine, gridSample, placingMap, readingMap, samplingPoints } from '../../support/grid-sample.js';
import { normals } from '../../support/random.js';

const rounded = (maps: number[][]) => maps.map((map) => map.map(Math.fround));

/** Inside, over an edge, larger than the canvas, small, negative coordinates; the last, mirrored, has two scales alone. */
const FORMS = [
  {
    form: '(s, x, y)',
    maps: rounded([
      [3.01, 0.013, -0.027],
      [2.03, 0.71, -0.43],
      [1.31, -1.13, 0.87],
      [0.77, 0.21, 0.11],
      [5.07, -3.9, 4.2],
    ]),
  },
  {
    form: '(sx, x, sy, y)',
    maps: rounded([
      [3.01, 0.013, 2.37, -0.027],
      [2.03, 0.71, 4.11, -0.43],
      [1.31, -1.13, 1.97, 0.87],
      [0.77, 0.21, 0.83, 0.11],
      [-2.61, 0.37, -3.19, -0.77],
    ]),
  },
];

const SIZES: { canvas: Size; window: Size }[] = [
  { canvas: [50, 50], window: [28, 28] },
  { canvas: [9, 13], window: [5, 4] },
];

const area = ([height, width]: Size) => height * width;

/** Derivatives jump where a sampling point meets a pixel; none of ours may be that near. */
function assertAwayFromKinks(map: Affine, input: Size, output: Size): void {
  const [inputSize, outputSize] = [input, output].map(([height, width]) => ({ height, width }));
  const { columns, rows } = samplingPoints(map, inputSize, outputSize);
  for (const point of [...columns, ...rows]) assert.ok(Math.abs(point - Math.round(point)) > 1e-4, `${point}`);
}

/** [B, H, W] of the pictures one after the other. */
function stack(pictures: readonly (readonly number[])[], size: Size): tf.Tensor3D {
  return tf.tensor3d(pictures.flat(), [pictures.length, ...size]);
}

/** [B, h w]: a window per row. */
function rowsOf(windows: readonly (readonly number[])[]): tf.Tensor2D {
  return tf.tensor2d(windows.flat(), [windows.length, windows[0].length]);
}

onEachBackend(() => {
  for (const [{ canvas, window }, { form, maps }] of SIZES.flatMap((size) => FORMS.map((of) => [size, of] as const))) {
    const images = maps.map(() => normals(area(canvas)));
    const windows = maps.map(() => normals(area(window)));
    const numbers = maps[0].length;
    const readOne = (b: number, where: readonly number[]) =>
      gridSample({ height: canvas[0], width: canvas[1], values: images[b] }, readingMap(where), window);
    const placeOne = (values: readonly number[], where: readonly number[]) =>
      gridSample({ height: window[0], width: window[1], values }, placingMap(where), canvas);

    describe(`windows of ${window.join('x')} on ${canvas.join('x')}, ${form}`, () => {
      it('are read as grid_sample reads', async () => {
        const windowsRead = readWindows(stack(images, canvas), tf.tensor2d(maps), window);
        assert.deepEqual(windowsRead.shape, [maps.length, area(window)]);
        const expected = maps.flatMap((where, b) => readOne(b, where));
        assertCloseOverall(await read(windowsRead), expected, 1e-5, 'windows');
      });

      it('are placed as grid_sample places, on top of what is there', async () => {
        const before = maps.map(() => normals(area(canvas)));
        const placed = placeWindows(rowsOf(windows), tf.tensor2d(maps), window, stack(before, canvas));
        assert.deepEqual(placed.shape, [maps.length, ...canvas]);
        const expected = maps.flatMap((where, b) =>
          placeOne(windows[b], where).map((value, i) => before[b][i] + value),
        );
        assertCloseOverall(await read(placed), expected, 1e-5, 'canvases');
      });

      it('are read with the right gradient', async () => {
        const weights = normals(maps.length * area(window));
        const isDifferentiable = ([s]: readonly number[]) => Math.abs(s) > 1; // the larger boxes lose every digit here
        const dy = tf.tensor2d(weights, [maps.length, area(window)]);
        const gradient = await read(readWindowsGrad(dy, stack(images, canvas), tf.tensor2d(maps), window));
        maps.forEach((where, b) => {
          if (!isDifferentiable(where)) return;
          assertAwayFromKinks(readingMap(where), canvas, window);
          const own = weights.slice(b * area(window), (b + 1) * area(window));
          const expected = slopes((z) => readOne(b, z).reduce((sum, value, i) => sum + own[i] * value, 0), where);
          assertCloseOverall(gradient.slice(numbers * b, numbers * (b + 1)), expected, 1e-4, `gradient at ${where}`);
        });
      });

      it('are placed with the right gradient', async () => {
        const weights = normals(maps.length * area(canvas));
        const dy = tf.tensor3d(weights, [maps.length, ...canvas]);
        const back = placeWindowsGrad(dy, rowsOf(windows), tf.tensor2d(maps), window);
        assert.deepEqual(back.dWindows.shape, [maps.length, area(window)]);
        const [dWindows, dWhere] = [await read(back.dWindows), await read(back.dAffine)];
        maps.forEach((where, b) => {
          assertAwayFromKinks(placingMap(where), window, canvas);
          const own = weights.slice(b * area(canvas), (b + 1) * area(canvas));
          const weighted = (placed: readonly number[]) => placed.reduce((sum, value, i) => sum + own[i] * value, 0);
          const byWhere = slopes((z) => weighted(placeOne(windows[b], z)), where);
          assertCloseOverall(dWhere.slice(numbers * b, numbers * (b + 1)), byWhere, 1e-4, `by z_where at ${where}`);
          // placing is linear in the window, so its gradient is the canvas of each single pixel
          const byPixel = windows[b].slice(0, 40).map((_, i) => {
            const single = windows[b].map((_, j) => Number(i === j));
            return weighted(placeOne(single, where));
          });
          const actual = dWindows.slice(b * area(window), (b + 1) * area(window));
          assertCloseOverall(actual.slice(0, 40), byPixel, 1e-5, `by the window at ${where}`, 0.1);
        });
      });
    });
  }

  describe('outside', () => {
    const far = [
      [3, 4.2, 0],
      [3, 0, -4.2],
      [2, 9, 9],
    ];

    it('a window leaves the canvas exactly as it was, and gets a gradient of exactly 0', async () => {
      const windows = tf.tensor2d(normals(3 * 20 * 20, 1, [1]), [3, 400]);
      const before = normals(3 * 50 * 50);
      const placed = placeWindows(windows, tf.tensor2d(far), [20, 20], tf.tensor3d(before, [3, 50, 50]));
      assert.deepEqual(await read(placed), before);
      const dy = tf.tensor3d(normals(3 * 50 * 50), [3, 50, 50]);
      const { dWindows, dAffine } = placeWindowsGrad(dy, windows, tf.tensor2d(far), [20, 20]);
      for (const gradient of [dWindows, dAffine]) assert.ok((await read(gradient)).every((value) => value === 0));
    });

    it('a window reads exactly 0, with a gradient of exactly 0', async () => {
      const images = tf.tensor3d(normals(3 * 50 * 50, 1, [1]), [3, 50, 50]);
      const windows = readWindows(images, tf.tensor2d(far), [20, 20]);
      assert.ok((await read(windows)).every((value) => value === 0));
      const dy = tf.tensor2d(normals(3 * 400), [3, 400]);
      const gradient = readWindowsGrad(dy, images, tf.tensor2d(far), [20, 20]);
      assert.ok((await read(gradient)).every((value) => value === 0));
    });

    it('only the pixels beyond the window stay 0', async () => {
      const placed = await read(
        placeWindows(tf.ones([1, 400]), tf.tensor2d([[2, 0.5, 0]]), [20, 20], tf.zeros([1, 50, 50])),
      );
      // the box spans columns 6.25 to 31.25; half a window pixel (0.625 px) further it has faded out
      const row = placed.slice(25 * 50, 26 * 50);
      row.forEach((value, column) => {
        const isBeyond = column + 0.5 < 6.25 - 0.625 || column + 0.5 > 31.25 + 0.625;
        assert.equal(value === 0, isBeyond, `column ${column}: ${value}`);
      });
    });
  });

  describe('a scale below the least', () => {
    it('reads as the least, and gets no gradient', async () => {
      const images = normals(50 * 50);
      const wheres = [0.05, -3, 0, MIN_SCALE].map((s) => [s, 0.1, -0.05]);
      const all = tf.tensor3d(Array(4).fill(images).flat(), [4, 50, 50]);
      const windows = await read(readWindows(all, tf.tensor2d(wheres), [20, 20]));
      for (const b of [0, 1, 2]) assert.deepEqual(windows.slice(400 * b, 400 * b + 400), windows.slice(1200));
      assert.ok(windows.some((value) => value !== 0));
      const gradient = await read(
        readWindowsGrad(tf.ones([1, 400]), tf.tensor3d(images, [1, 50, 50]), tf.tensor2d(wheres.slice(0, 1)), [20, 20]),
      );
      assert.equal(Math.abs(gradient[0]), 0);
      assert.ok(gradient[1] !== 0 && gradient[2] !== 0, 'the position still has one');
    });
  });

  describe('reading and placing', () => {
    it('undo each other for a smooth window', async () => {
      const [size, where] = [20, [2, 0.31, -0.22]]; // a box of 25 px: finer than the window
      const smooth = Array.from({ length: size * size }, (_, i) => {
        const [row, column] = [Math.floor(i / size) - 9.5, (i % size) - 9.5];
        return Math.exp(-(row ** 2 / 18 + column ** 2 / 30)) * (1 + 0.3 * Math.sin(column / 3));
      });
      const zWhere = tf.tensor2d([where]);
      const placed = placeWindows(tf.tensor2d([smooth]), zWhere, [size, size], tf.zeros([1, 50, 50]));
      assertCloseOverall(await read(readWindows(placed, zWhere, [size, size])), smooth, 0.05, 'window');
    });

    it('put the ink where the box of z_where is', async () => {
      const canvas: Size = [50, 40];
      const all: [WhereName, number[]][] = [
        ['offset', [3, 0, 0]],
        ['offset', [2.03, 0.71, -0.43]],
        ['offset', [4.1, -2.2, 1.7]],
        ['offset', [1.2, 0.05, 0.3]],
        ['sides', [0.3, 0, 0.4, 0]],
        ['sides', [0.41, -0.6, 0.6, 0.37]],
        ['sides', [-0.5, 0.2, 0.7, -0.1]],
        ['sides', [0.01, 0.2, 0.5, -0.1]],
      ];
      for (const [name, where] of all) {
        const { affine, box } = wheres[name];
        const placed = await read(
          placeWindows(tf.ones([1, 784]), affine(tf.tensor2d([where])), [28, 28], tf.zeros([1, ...canvas])),
        );
        const [left, top, width, height] = box(where, canvas);
        placed.forEach((value, i) => {
          const [row, column] = [Math.floor(i / canvas[1]) + 0.5, (i % canvas[1]) + 0.5];
          const isInX = column > left && column < left + width;
          const isInY = row > top && row < top + height;
          // at the edge of its box a window of ones has faded to one half in that direction
          if (isInX && isInY) assert.ok(value > 0.25, `${where}: ${value} at ${column}, ${row} inside`);
          else assert.ok(value < 0.5, `${where}: ${value} at ${column}, ${row} outside`);
        });
        const ink = placed.reduce((a, b) => a + b);
        const boxInside =
          Math.max(0, Math.min(left + width, canvas[1]) - Math.max(left, 0)) *
          Math.max(0, Math.min(top + height, canvas[0]) - Math.max(top, 0));
        assert.ok(Math.abs(ink - boxInside) < 0.1 * boxInside + 2, `${where}: ink ${ink}, box ${boxInside}`);
      }
    });
  });
});
