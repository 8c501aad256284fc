/** What a model draws, against loops in float64. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import * as tf from '@tensorflow/tfjs';
import { decode, drawObject, drawObjectGrad, makeModel } from '#air/core/model.js';
import { LinearTape } from '#air/core/ops/linear.js';
import { initialParams } from '#air/core/parameters.js';
import { PRESETS } from '#air/presets.js';
import { assertCloseOverall } from '../support/assert-close.js';
import { onEachBackend, read } from '../support/backends.js';
import { slopes } from '../support/finite-differences.js';
import { gridSample, placingMap } from '../support/grid-sample.js';
import { normals } from '../support/random.js';
import { TINY } from '../support/tiny-model.js';

onEachBackend(() => {
  describe('the decoder', () => {
    it('draws a nearly blank window before training, whatever z_what', async () => {
      const model = makeModel(PRESETS.fast.model, initialParams(PRESETS.fast.model, 1));
      const pixels = await read(decode(model, tf.tensor2d(normals(50 * 20), [50, 20])).windows);
      const mean = pixels.reduce((a, b) => a + b) / pixels.length;
      assert.ok(mean > 0.05 && mean < 0.2, `mean ${mean}, sigmoid(-2) is 0.119`);
      assert.ok(pixels.every((pixel) => pixel > 0 && pixel < 0.5));
    });

    it('places what it draws, on top of what is there', async () => {
      const model = makeModel(TINY, initialParams(TINY, 1));
      const where = [2.2, 0.3, -0.4];
      const before = normals(120);
      const drawn = drawObject(
        model,
        { affine: tf.tensor2d([where]), zWhat: tf.tensor2d([normals(4)]) },
        tf.tensor3d(before, [1, 12, 10]),
      );
      assert.deepEqual(drawn.decoded.windows.shape, [1, 25]);
      const window = { height: 5, width: 5, values: await read(drawn.decoded.windows) };
      const placed = gridSample(window, placingMap(where), TINY.canvas);
      assertCloseOverall(
        await read(drawn.canvas),
        before.map((value, i) => value + placed[i]),
        1e-5,
        'canvas',
      );
    });

    it('is differentiated by where, by what and by every weight', async () => {
      const names = ['seq.0.weight', 'seq.0.bias', 'seq.2.weight', 'seq.2.bias'].map((name) => `decode.mlp.${name}`);
      const shapes = [[7, 4], [7], [25, 7], [25]];
      const weights = shapes.map(([outputs, inputs = 1]) => normals(outputs * inputs));
      const wheres = [
        [2.2, 0.31, -0.43],
        [1.31, -0.73, 0.57],
      ];
      const [whats, dCanvas] = [normals(2 * 4), normals(2 * 120)];
      /** x weight^T + bias */
      const affine = (x: readonly number[], weight: readonly number[], bias: readonly number[]) =>
        bias.map((start, o) => x.reduce((sum, value, i) => sum + value * weight[o * x.length + i], start));
      /** sum of canvas * dCanvas */
      const weighted = ([where, what, ...[weight, bias, outWeight, outBias]]: readonly number[][]) =>
        [0, 1].reduce((sum, b) => {
          const hidden = affine(what.slice(4 * b, 4 * b + 4), weight, bias).map((value) => Math.max(0, value));
          const logits = affine(hidden, outWeight, outBias).map((value) => value + TINY.decoderOutputBias);
          const values = logits.map((value) => 1 / (1 + Math.exp(-value)));
          const map = placingMap(where.slice(3 * b, 3 * b + 3));
          const placed = gridSample({ height: 5, width: 5, values }, map, TINY.canvas);
          return placed.reduce((total, value, i) => total + value * dCanvas[120 * b + i], sum);
        }, 0);
      const inputs = [wheres.flat(), whats, ...weights];
      const expected = inputs.map((input, k) => slopes((x) => weighted(inputs.with(k, x)), input));

      const params = Object.fromEntries(names.map((name, i) => [name, tf.tensor(weights[i], shapes[i])]));
      const model = makeModel(TINY, params);
      const [map, zWhat] = [tf.tensor2d(wheres), tf.tensor2d(whats, [2, 4])];
      const drawn = drawObject(model, { affine: map, zWhat }, tf.tensor3d(normals(240), [2, 12, 10]));
      const tape = new LinearTape();
      const back = drawObjectGrad(model, drawn, tf.tensor3d(dCanvas, [2, 12, 10]), tape);
      assertCloseOverall(await read(back.dAffine), expected[0], 1e-4, 'gradient by z_where');
      assertCloseOverall(await read(back.dZWhat), expected[1], 1e-4, 'gradient by z_what');
      const gradients = tape.gradients();
      assert.deepEqual(Object.keys(gradients).sort(), names.toSorted());
      for (const [i, name] of names.entries()) {
        assertCloseOverall(await read(gradients[name]), expected[2 + i], 1e-4, `gradient by ${name}`);
      }
    });
  });
});
