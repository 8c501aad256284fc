/** What a run says of its baseline. */
import assert from 'node:assert/strict';
import { it } from 'node:test';
import { baselineWatch } from '#air/commands/train/report.js';

it('warns of a baseline that stays below nothing, once, and not of one that is slow', () => {
  const watch = baselineWatch();
  assert.equal(watch(undefined), undefined);
  for (let report = 0; report < 9; report++) assert.equal(watch(-0.2), undefined);
  assert.equal(watch(0.1), undefined, 'it has learnt');
  for (let report = 0; report < 9; report++) assert.equal(watch(-0.1), undefined);
  assert.match(
    watch(-0.25) as string,
    /explains less than nothing of the costs' variance \(-25.00 %\).*--baseline-scalar/,
  );
  for (let report = 0; report < 30; report++) assert.equal(watch(-0.3), undefined, 'said once');
});
