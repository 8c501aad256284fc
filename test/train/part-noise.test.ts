/** The noise of a training step: as much as the estimator needs, and none that was drawn before changes with it. */
import assert from 'node:assert/strict';
import { it } from 'node:test';
import * as tf from '@tensorflow/tfjs';
import { viewRows } from '#air/core/rows.js';
import type { TrainConfig } from '#air/train/config.js';
import { partNoise, partsOf } from '#air/train/learner.js';
import { onEachBackend } from '../support/backends.js';
import { bars, TINY, TINY_TRAINING } from '../support/tiny-model.js';

onEachBackend(() => {
  it('draws for each image as often as the estimator needs, the first time what it always drew', async () => {
    const [, part] = partsOf(bars(6), 4);
    const noiseOf = (changes: Partial<TrainConfig>) =>
      partNoise({ config: TINY, training: { ...TINY_TRAINING, ...changes } }, 5, part);
    const [one, many] = [noiseOf({}), noiseOf({ estimator: 'iwae', iwaeSamples: 3 })];
    for (const [t, { where, what }] of many.entries()) {
      for (const [drawn, always] of [
        [where, one[t].where],
        [what, one[t].what],
      ]) {
        const [rows, first] = [await viewRows(drawn), await viewRows(always)];
        assert.equal(rows.length, 3 * part.images.size);
        assert.deepEqual(
          rows.filter((_, row) => row % 3 === 0),
          first,
        );
        assert.equal(new Set(rows.map(String)).size, rows.length, 'no two draws are the same');
      }
    }
    tf.dispose([one, many]);
  });
});
