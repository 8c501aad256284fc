/** What is taken for a single object, by hand. */
import assert from 'node:assert/strict';
import { it } from 'node:test';
import { logCountProbs } from '#air/core/count.js';
import { joinImages } from '#air/core/images.js';
import { PRESETS } from '#air/presets.js';
import { SingleScores } from '#air/scores/singles.js';
import { ImageSums } from '#air/train/image-sums.js';

it('counts images that are surely counted as one, by what they hold', () => {
  const scores = new SingleScores();
  assert.equal(scores.singles, undefined);
  scores.add([0.95, 0.05, 0], 1);
  scores.add([0.05, 0.89, 0.06], 1);
  assert.deepEqual(scores.singles, { images: 0, holding: [0, 0, 0] });
  for (const truth of [1, 1, 2, 0, 4]) scores.add([0.04, 0.91, 0.05], truth);
  assert.deepEqual(scores.singles, { images: 5, holding: [1, 2, 1, 0, 1] });
});

it('takes those that training takes', () => {
  // q(1) from 0 to 1, past .9
  const logits = Array.from({ length: 200 }, (_, i) => [6, -i / 20, -9]);
  const image = Uint8Array.of(1);
  const sums = new ImageSums({ config: { ...PRESETS.small.model, canvas: [1, 1] }, training: PRESETS.small.training });
  const scores = new SingleScores();
  for (const zPresLogits of logits) {
    const before = scores.singles?.images ?? 0;
    scores.add(logCountProbs(zPresLogits).map(Math.exp), 1);
    sums.remember(joinImages([image]), [{ zPresLogits, logLik: [], whereKl: [], whatKl: [] }]);
    assert.equal((scores.singles?.images ?? 0) - before, sums.singles.length, `${zPresLogits}`);
  }
  const taken = scores.singles?.images ?? 0;
  assert.ok(taken > 100 && taken < 200, `${taken} of 200`);
});
