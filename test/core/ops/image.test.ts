/** What a canvas explains of an image, its likelihood and what it leaves over, against loops in float64. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import * as tf from '@tensorflow/tfjs';
import { bernoulliLogLik, bernoulliLogLikGrad, imageLogLik, imageLogLikGrad, residual } from '#air/core/ops/image.js';
import { assertCloseEach, assertCloseOverall } from '../../support/assert-close.js';
import { onEachBackend, read } from '../../support/backends.js';
import { normals } from '../../support/random.js';

onEachBackend(() => {
  describe('imageLogLik', () => {
    const [batch, height, width, sd] = [3, 50, 50, 0.3];
    const area = height * width;
    const images = normals(batch * area, 0.5, [0.5]);
    const canvas = normals(batch * area, 0.5, [0.5]);

    it('is the sum over pixels of log N(x; mean, sd^2), to seven digits', async () => {
      const expected = [0, 1, 2].map((b) => {
        let sum = 0;
        for (let i = b * area; i < (b + 1) * area; i++) {
          sum += -0.5 * ((images[i] - canvas[i]) / sd) ** 2 - Math.log(sd * Math.sqrt(2 * Math.PI));
        }
        return sum;
      });
      const shape: [number, number, number] = [batch, height, width];
      const logLik = imageLogLik(tf.tensor3d(images, shape), tf.tensor3d(canvas, shape), sd);
      assert.deepEqual(logLik.shape, [batch, 1]);
      assertCloseEach(await read(logLik), expected, 5e-7, 'log-likelihood');
    });

    for (const hasLater of [false, true]) {
      it(`pulls the canvas towards the image${hasLater ? ', on top of what is drawn on it later' : ''}`, async () => {
        const shape: [number, number, number] = [batch, height, width];
        const later = normals(batch * area, 20);
        const gradient = imageLogLikGrad(
          tf.tensor2d([[1], [2], [-3]]),
          {
            images: tf.tensor3d(images, shape),
            canvas: tf.tensor3d(canvas, shape),
            later: hasLater ? tf.tensor3d(later, shape) : undefined,
          },
          sd,
        );
        assert.deepEqual(gradient.shape, shape);
        const expected = canvas.map(
          (mean, i) => ([1, 2, -3][Math.floor(i / area)] * (images[i] - mean)) / sd ** 2 + (hasLater ? later[i] : 0),
        );
        assertCloseOverall(await read(gradient), expected, 1e-6, 'gradient');
      });
    }

    it('of a perfect canvas is the constant alone', async () => {
      const same = tf.tensor3d(images, [batch, height, width]);
      const constant = -area * Math.log(sd * Math.sqrt(2 * Math.PI));
      assertCloseEach(await read(imageLogLik(same, same, sd)), [constant, constant, constant], 1e-7, 'log-likelihood');
    });
  });

  describe('bernoulliLogLik', () => {
    const [batch, height, width] = [2, 9, 7];
    const area = height * width;
    const shape: [number, number, number] = [batch, height, width];
    const images = normals(batch * area).map((x) => Math.min(1, Math.abs(x) / 2));
    // some pixels at and beyond the edges, where objects overlap or there are none
    const canvas = normals(batch * area, 0.4, [0.5]).map((x, i) => (i % 5 === 0 ? Math.round(x) : x));
    const held = (c: number) => Math.min(1 - 1e-6, Math.max(1e-6, c));

    it('is the sum over pixels of x log c + (1 - x) log (1 - c)', async () => {
      const expected = Array.from({ length: batch }, (_, b) => {
        let sum = 0;
        for (let i = b * area; i < (b + 1) * area; i++) {
          // as float32 holds the edges: 1 - 1e-6 there is 1 - 1.013e-6
          const c = Math.fround(held(canvas[i]));
          sum += images[i] * Math.log(c) + (1 - images[i]) * Math.log(1 - c);
        }
        return sum;
      });
      const logLik = bernoulliLogLik(tf.tensor3d(images, shape), tf.tensor3d(canvas, shape));
      assert.deepEqual(logLik.shape, [batch, 1]);
      assertCloseEach(await read(logLik), expected, 1e-5, 'log-likelihood');
    });

    for (const hasLater of [false, true]) {
      it(`pulls the canvas within its edges${hasLater ? ', on top of what is drawn on it later' : ''}`, async () => {
        const later = normals(batch * area, 5);
        const within = canvas.map((c) => c > 1e-6 && c < 1 - 1e-6);
        assert.ok(within.some((is) => is) && within.some((is) => !is));
        const gradient = bernoulliLogLikGrad(tf.tensor2d([[1], [-2]]), {
          images: tf.tensor3d(images, shape),
          canvas: tf.tensor3d(canvas, shape),
          later: hasLater ? tf.tensor3d(later, shape) : undefined,
        });
        const expected = canvas.map((c, i) => {
          const slope = within[i] ? images[i] / c - (1 - images[i]) / (1 - c) : 0;
          return [1, -2][Math.floor(i / area)] * slope + (hasLater ? later[i] : 0);
        });
        assertCloseOverall(await read(gradient), expected, 1e-5, 'gradient');
      });
    }
  });

  describe('residual', () => {
    it('is what the canvas leaves over, averaged over squares', async () => {
      const [images, canvas] = [normals(2 * 5 * 7), normals(2 * 5 * 7)];
      const expected = [0, 1].flatMap((b) =>
        [0, 1].flatMap((row) =>
          [0, 1, 2].map((column) => {
            let sum = 0;
            for (const y of [2 * row, 2 * row + 1]) {
              for (const x of [2 * column, 2 * column + 1])
                sum += images[35 * b + 7 * y + x] - canvas[35 * b + 7 * y + x];
            }
            return sum / 4;
          }),
        ),
      );
      const [left, right] = [images, canvas].map((values) => tf.tensor3d(values, [2, 5, 7]));
      const pooled = residual(left, right, 2);
      assert.deepEqual(pooled.shape, [2, 6]);
      assertCloseOverall(await read(pooled), expected, 1e-6, 'pooled');
      const whole = residual(left, right, 1);
      assert.deepEqual(whole.shape, [2, 35]);
      assertCloseOverall(
        await read(whole),
        images.map((value, i) => value - canvas[i]),
        1e-6,
        'not pooled',
      );
    });
  });
});
