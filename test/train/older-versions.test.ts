/** What earlier versions wrote is read for ever: models are used, and unfinished runs go on. See fixtures/models. */
import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { decodeCheckpoint } from '#air/train/checkpoint.js';
import { air, airOk, recordsOf } from '../support/air.js';
import { freshFolder } from '../support/folder.js';
import { copyInto, MODELS, OLDER_OPTIONS } from '../support/older-run.js';

for (const version of ['0.1.0']) {
  const model = `${version}.safetensors`;
  describe(`version ${version}`, () => {
    it('its model infers and imagines', async (context) => {
      const folder = freshFolder(context);
      copyInto(folder, model, 'scenes.air');
      const latents = await recordsOf(await airOk(folder, `infer ${model} scenes.air --backend wasm -q`));
      assert.equal(latents.length, 40);
      for (const latent of latents) assert.ok('q' in latent && latent.q.length === 4 && latent.steps.length === 3);
      assert.equal((await recordsOf(await airOk(folder, `sample ${model} --count 3 --backend wasm -q`))).length, 3);
    });

    it('its unfinished run goes on, and ends where it would have', async (context) => {
      const folder = freshFolder(context);
      copyInto(folder, `${model}.state`, 'scenes.air');
      const { code, stderr } = await air(folder, `train scenes.air ${OLDER_OPTIONS} -o ${model}`);
      assert.equal(code, 0, stderr);
      assert.match(stderr, /going on after step 140 of 300/);
      assert.equal(existsSync(join(folder, `${model}.state`)), false);
      const [ended, expected] = [folder, MODELS].map((where) =>
        decodeCheckpoint(readFileSync(join(where, model)), model),
      );
      assert.deepEqual([ended.step, ended.config, ended.training], [300, expected.config, expected.training]);
      for (const [name, { values }] of expected.params) {
        const got = ended.params.get(name)?.values as Float32Array;
        const largest = Math.max(...values.map(Math.abs));
        const apart = Math.max(...values.map((value, i) => Math.abs(value - got[i])));
        assert.ok(apart <= 1e-3 * largest, `${name} is off by ${apart} of ${largest}`);
      }
    });
  });
}
