/** Scores on held-out scenes against counting by hand. */
import assert from 'node:assert/strict';
import { before, describe, it } from 'node:test';
import { startBackend } from '#air/backends/start.js';
import { splitImages } from '#air/core/images.js';
import { infer } from '#air/core/infer.js';
import { makeModel } from '#air/core/model.js';
import { initialParams } from '#air/core/parameters.js';
import type { Scene } from '#air/formats/records.js';
import { validate } from '#air/train/validate.js';
import { bars, TINY } from '../support/tiny-model.js';

describe('validate', () => {
  before(async () => {
    await startBackend('wasm');
  });
  const images = bars(10);
  const scenes: Scene[] = splitImages(images).map((image, i) => ({ i: 100 + i, image, count: i % 3 }));

  it('counts what explain finds in each scene, whatever the batch size', async () => {
    const model = makeModel(TINY, initialParams(TINY, 1));
    const explained = await infer(
      model,
      images,
      scenes.map(({ i }) => i),
      { mode: 'mean', samples: 1, seed: 4 },
    );
    const confusion = [0, 1, 2].map(() => [0, 0, 0, 0]);
    let [right, sampled, elbo] = [0, 0, 0];
    explained.forEach(({ n, q, terms }, i) => {
      confusion[i % 3][n]++;
      right += Number(n === i % 3);
      sampled += q[i % 3];
      elbo += terms?.elbo as number;
    });
    for (const batchSize of [1, 4, 256]) {
      const validation = await validate(model, scenes, { batchSize, seed: 4 });
      assert.equal(validation.images, 10);
      assert.equal(validation.countAccuracy, right / 10);
      assert.deepEqual(validation.confusion, confusion);
      assert.ok(Math.abs(validation.sampledCountAccuracy - sampled / 10) < 1e-12);
      assert.ok(Math.abs(validation.terms.elbo - elbo / 10) < 1e-9);
    }
  });
});
