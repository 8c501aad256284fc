/** Options of `air train` that depend on the data. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { checkAgainstCanvas } from '#air/commands/train/options.js';
import { PRESETS } from '#air/presets.js';

const config = PRESETS.small.model;

test('the squares that the guide sees fit on the canvas', () => {
  for (const guidePool of [1, 12]) checkAgainstCanvas({ ...config, canvas: [12, 40], guidePool });
  assert.throws(() => checkAgainstCanvas({ ...config, canvas: [12, 40], guidePool: 13 }), {
    kind: 'usage',
    message: '--guide-pool: expected at most 12 for images of 12 x 40 px, got 13',
  });
  assert.throws(() => checkAgainstCanvas({ ...config, canvas: [12, 40], guideInput: 'both', guidePool: 13 }), {
    kind: 'usage',
  });
  checkAgainstCanvas({ ...config, canvas: [12, 40], guideInput: 'image', guidePool: 13 }); // it is not used
});
