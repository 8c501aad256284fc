/** `air variance` on real models: which estimators it compares, and that its figures depend on the model, images and seed alone. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, it } from 'node:test';
import type { Figures } from '#air/commands/variance/measure.js';
import { airOk } from '../support/air.js';

const folder = mkdtempSync(join(tmpdir(), 'air-test-'));
const run = (line: string) => airOk(folder, line);
const variance = async (line: string): Promise<Figures> =>
  JSON.parse(String(await run(`variance --json -b 6 --draws 3 --backend wasm ${line}`)));

after(() => rmSync(folder, { recursive: true }));
before(async () => {
  await run('gen-data --count 60 --seed 1 -q -o train.air');
  const train = 'train train.air --preset small --steps 5 --batch-size 8 --warmup 1 --backend wasm -q';
  await run(`${train} -o summed.safetensors`);
  await run(`${train} --estimator nvil --baseline mlp -o drawn.safetensors`);
  await run(`${train} --estimator nvil-analytic -o analytic.safetensors`);
});

it('compares all estimators, with the baselines that the model was trained with', async () => {
  const [summed, drawn, analytic] = await Promise.all(
    ['summed', 'drawn', 'analytic'].map((name) => variance(`${name}.safetensors train.air`)),
  );
  const without = ['enumerate', 'reinforce', 'nvil-analytic', 'iwae'];
  assert.deepEqual([Object.keys(summed.variance), summed.baselines], [without, {}]);
  assert.deepEqual(
    [Object.keys(drawn.variance), drawn.baselines],
    [['enumerate', 'nvil', ...without.slice(1)], { nvil: 'mlp' }],
  );
  assert.deepEqual([Object.keys(analytic.variance), analytic.baselines], [without, { 'nvil-analytic': 'lstm' }]);
  for (const { images, draws, variance: found, times_enumerate: times, parameters } of [summed, drawn, analytic]) {
    assert.deepEqual([images, draws], [6, 3]);
    const { all, ...parts } = parameters;
    const sum = Object.values(parts).reduce((total, count) => total + count, 0);
    assert.equal(all, sum);
    for (const [name, ofParts] of Object.entries(found)) {
      assert.deepEqual(Object.keys(ofParts), Object.keys(parameters));
      const weighted = Object.entries(parts).reduce((total, [part, count]) => {
        return total + count * (ofParts[part as keyof typeof ofParts] as number);
      }, 0);
      assert.ok(Math.abs(weighted / sum - (ofParts.all as number)) < 1e-9 * weighted, name);
      assert.ok(Object.values(ofParts).every((value) => value > 0));
    }
    assert.ok(Object.values(times.enumerate ?? {}).every((ratio) => ratio === 1));
    assert.ok((times.reinforce?.head as number) > 2, 'the score of a drawn count varies more');
  }
});

it('depends on the seed and the first images, not on how often it is asked', async () => {
  const [one, again, other] = [
    await variance('summed.safetensors train.air'),
    await variance('summed.safetensors train.air --seed 0'),
    await variance('summed.safetensors train.air --seed 1'),
  ];
  assert.deepEqual(again, one);
  assert.notDeepEqual(other.variance, one.variance);
  const [some, more] = [await variance('summed.safetensors train.air --iwae-samples 2'), one];
  assert.equal(some.iwae_samples, 2);
  assert.deepEqual(some.variance.enumerate, more.variance.enumerate);
  assert.notDeepEqual(some.variance.iwae, more.variance.iwae);
});
