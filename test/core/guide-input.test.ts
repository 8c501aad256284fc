/** What the guide sees: the image, what the canvas leaves of it, or both. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import * as tf from '@tensorflow/tfjs';
import type { GuideInputName } from '#air/core/config.js';
import { geometricLogProbs } from '#air/core/count.js';
import { guideInputs } from '#air/core/guide-input.js';
import { toIntensities } from '#air/core/images.js';
import { assertCloseOverall } from '../support/assert-close.js';
import { onEachBackend, read } from '../support/backends.js';
import { elboGradients } from '../support/estimates.js';
import { livelyModel, noiseFor } from '../support/lively-model.js';
import { bars, TINY } from '../support/tiny-model.js';

onEachBackend(() => {
  describe('what the guide sees', () => {
    const images = () => toIntensities(bars(2), TINY.canvas);

    it('is the image, what the canvas leaves of it, or both', async () => {
      const config = { ...TINY, embedNet: [] };
      const seen = async (name: GuideInputName) =>
        read(guideInputs[name].view({ config, params: {} }, images(), '').observe(tf.mul(images(), 0.25)));
      const pixels = await read(images());
      const pooled = [0, 1].flatMap((b) =>
        Array.from({ length: 30 }, (_, i) => {
          const [row, column] = [2 * Math.floor(i / 5), 2 * (i % 5)];
          const at = (r: number, c: number) => pixels[120 * b + 10 * (row + r) + column + c];
          return (0.75 * (at(0, 0) + at(0, 1) + at(1, 0) + at(1, 1))) / 4;
        }),
      );
      assert.deepEqual(await seen('image'), pixels);
      assertCloseOverall(await seen('difference'), pooled, 1e-6, 'difference');
      const both = [0, 1].flatMap((b) => [
        ...pixels.slice(120 * b, 120 * b + 120),
        ...pooled.slice(30 * b, 30 * b + 30),
      ]);
      assertCloseOverall(await seen('both'), both, 1e-6, 'both');
    });

    for (const guideInput of ['image', 'difference', 'both'] as const) {
      it(`has a size that the LSTM expects, and trains every weight (${guideInput})`, async () => {
        const config = { ...TINY, guideInput };
        const model = livelyModel(config);
        const logPrior = geometricLogProbs(0.1, 3);
        const { gradients } = elboGradients(model, images(), noiseFor(config, 2), logPrior, 2);
        for (const [name, gradient] of Object.entries(gradients)) {
          assert.deepEqual(gradient.shape, model.params[name].shape);
          assert.ok(
            (await read(gradient)).some((value) => value !== 0),
            `${name} gets a gradient`,
          );
        }
      });
    }
  });
});
