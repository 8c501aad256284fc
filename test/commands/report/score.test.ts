/** Which mistakes are shown. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Worst } from '#air/commands/report/score.js';
import type { LatentRecord } from '#air/formats/records.js';
import { answer, scene } from '../../support/run-page.js';

test('of images counted wrong, those are kept that the model was surest of, the surest first', () => {
  // far closer to 1 than a double near 1 can say
  const doubts = Array.from({ length: 60 }, (_, i) => 10 ** -((i * 37) % 60));
  const worst = new Worst(7);
  doubts.forEach((doubt, i) => {
    const q = [doubt / 2, 1 - doubt, doubt / 2];
    worst.add({ ...scene(i, i % 3), ...answer(1), q } as LatentRecord);
    worst.add({ ...scene(i, undefined), ...answer(1), q } as LatentRecord);
  });
  const wrong = doubts.map((doubt, i) => ({ doubt, i })).filter(({ i }) => i % 3 !== 1);
  assert.equal(worst.wrong, wrong.length);
  assert.deepEqual(
    worst.shown.map(({ i }) => i),
    wrong
      .sort((a, b) => a.doubt - b.doubt)
      .slice(0, 7)
      .map(({ i }) => i),
  );
});
