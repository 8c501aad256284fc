/** Sides and centres: squashed as their formula says, turned into maps that undo themselves, and back by finite differences. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import * as tf from '@tensorflow/tfjs';
import { sidesToAffine, sidesToAffineGrad, squashSides, squashSidesGrad } from '#air/core/ops/sides.js';
import { assertCloseOverall } from '../../support/assert-close.js';
import { onEachBackend, read } from '../../support/backends.js';
import { slopes } from '../../support/finite-differences.js';
import { normals } from '../../support/random.js';

const sigmoid = (x: number) => 1 / (1 + Math.exp(-x));

/** Column 0 is a logit, 1 and 3 are sides, 2 and 4 centres, the rest raw scales. */
function squashed(head: readonly number[]): number[] {
  return head.map((value, i) => {
    const column = i % 9;
    if (column === 1 || column === 3) return sigmoid(value);
    return column === 2 || column === 4 ? Math.tanh(value) : value;
  });
}

/** u = (X - x) / sx, axis by axis. */
function affineOf(sides: readonly number[]): number[] {
  return sides.map((value, i) => {
    const side = sides[i - (i % 2)];
    const held = (side < 0 ? -1 : 1) * Math.min(Math.max(Math.abs(side), 0.1), 5);
    return i % 2 === 0 ? 1 / held : -value / held;
  });
}

const dot = (a: readonly number[], b: readonly number[]) => a.reduce((sum, value, i) => sum + value * b[i], 0);

/** (sx, x, sy, y): ordinary, mirrored, out of bounds on either side of 0 and beyond the largest. */
const SIDES = [
  [0.4, 0.1, 0.56, -0.3],
  [-0.7, 0.9, 1.3, -1.2],
  [0.03, 0.5, -0.06, 0.4],
  [0, -0.5, 0.11, 0.4],
  [6.5, 0.3, -5.5, 0.2],
].map((row) => row.map(Math.fround));

onEachBackend(() => {
  describe('the head', () => {
    const head = normals(3 * 9, 2);

    it('has sides through a sigmoid, centres through a tanh, and the rest as it was', async () => {
      const actual = await read(squashSides(tf.tensor2d(head, [3, 9])));
      assertCloseOverall(actual, squashed(head), 1e-6, 'head');
      for (const column of [0, 5, 6, 7, 8]) assert.equal(actual[column], Math.fround(head[column]));
    });

    it('is differentiated', async () => {
      const dy = normals(3 * 9);
      const gradient = squashSidesGrad(tf.tensor2d(dy, [3, 9]), squashSides(tf.tensor2d(head, [3, 9])));
      const expected = slopes((x) => dot(squashed(x), dy), head);
      assertCloseOverall(await read(gradient), expected, 1e-4, 'gradient');
    });
  });

  describe('the map of sides and centres', () => {
    it('takes the box to the window: its edges to -1 and 1', async () => {
      const map = await read(sidesToAffine(tf.tensor2d([[0.4, 0.1, -0.5, -0.3]])));
      const at = (axis: number, place: number) => map[2 * axis] * place + map[2 * axis + 1];
      // 0.1 -+ 0.4 across; mirrored down, -0.3 -+ 0.5
      assertCloseOverall([at(0, -0.3), at(0, 0.5), at(1, -0.8), at(1, 0.2)], [-1, 1, 1, -1], 1e-6, 'edges');
    });

    it('holds the size of sides within its bounds, and keeps their sign', async () => {
      const map = await read(sidesToAffine(tf.tensor2d(SIDES)));
      assertCloseOverall(map, SIDES.flatMap(affineOf), 1e-6, 'maps');
      assert.ok(map.every((value) => Number.isFinite(value)));
      assertCloseOverall([map[8], map[10], map[12]], [10, -10, 10], 1e-6, 'near 0, and 0 itself');
    });

    it('is differentiated; a side that is held has a gradient of exactly 0', async () => {
      const dy = normals(SIDES.length * 4);
      const gradient = await read(sidesToAffineGrad(tf.tensor2d(dy, [SIDES.length, 4]), tf.tensor2d(SIDES)));
      SIDES.forEach((sides, b) => {
        const own = dy.slice(4 * b, 4 * b + 4);
        const expected = slopes((x) => dot(affineOf(x), own), sides);
        if (b !== 3) assertCloseOverall(gradient.slice(4 * b, 4 * b + 4), expected, 1e-4, `gradient at ${sides}`);
      });
      for (const held of [8, 10, 12, 16, 18]) assert.equal(Math.abs(gradient[held]), 0);
      assert.ok(gradient[14] !== 0, 'one within its bounds has one');
    });
  });
});
