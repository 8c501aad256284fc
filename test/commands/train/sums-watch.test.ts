/** What a run says of sums that it does not make. */
import assert from 'node:assert/strict';
import { it } from 'node:test';
import { sumsWatch } from '#air/commands/train/sums-watch.js';

const NONE = { steps: 0, sums: 0, withoutSingles: 0, outside: 0, tooBright: 0 };

it('warns once no sum was made in as many steps as lie between reports, and says why, once', () => {
  const watch = sumsWatch(50);
  assert.equal(watch(250, NONE), undefined, 'before their time');
  assert.equal(watch(300, { ...NONE, steps: 1, withoutSingles: 1 }), undefined, 'they have only begun');
  assert.match(
    watch(350, { ...NONE, steps: 50, withoutSingles: 50 }) as string,
    /^no sums of images in steps 300 to 350: no two images .* as one object yet \(a later --sum-from.*--sum-pairs 0/,
  );
  for (let step = 400; step < 800; step += 50) {
    assert.equal(watch(step, { ...NONE, steps: 50, withoutSingles: 50 }), undefined, 'said once');
  }
});

it('has nothing to say while some are made', () => {
  const watch = sumsWatch(50);
  for (let step = 50; step < 500; step += 50) {
    assert.equal(watch(step, { ...NONE, steps: 50, sums: 1, withoutSingles: 49 }), undefined);
  }
  assert.equal(watch(510, { ...NONE, steps: 10, outside: 6400 }), undefined);
  assert.match(watch(560, { ...NONE, steps: 50, outside: 32000 }) as string, /steps 501 to 560: pairs do not fit/);
});

it('names what most of them failed by', () => {
  const reasonOf = (tally: Partial<typeof NONE>) => sumsWatch(50)(60, { ...NONE, steps: 60, ...tally }) as string;
  assert.match(reasonOf({ outside: 900, tooBright: 20 }), /no black border around the ink.*--sum-pairs 0\)$/);
  assert.match(reasonOf({ outside: 20, tooBright: 900, withoutSingles: 3 }), /exceed 255.*a larger --sum-reach/);
  assert.match(reasonOf({ withoutSingles: 40, outside: 900 }), /no two images of a batch/);
});

it('waits for ten steps where there is a report at each', () => {
  const watch = sumsWatch(1);
  for (let step = 1; step < 10; step++) assert.equal(watch(step, { ...NONE, steps: 1, withoutSingles: 1 }), undefined);
  assert.match(watch(10, { ...NONE, steps: 1, withoutSingles: 1 }) as string, /in steps 1 to 10/);
});
