/** What an earlier sitting left, damaged or odd: a message that says what to do, and nothing overwritten or begun again unasked. */
import assert from 'node:assert/strict';
import { existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import { air } from '../../support/air.js';
import { freshFolder } from '../../support/folder.js';
import { copyInto, MODELS, OLDER_OPTIONS } from '../../support/older-run.js';
import { resealed } from '../../support/reseal.js';

const MODEL = '0.1.0.safetensors';
const STATE = `${MODEL}.state`;
const state = readFileSync(join(MODELS, STATE));

/** The folder of a run that left these. */
function folderWith(context: TestContext, ...names: string[]): string {
  const folder = freshFolder(context);
  copyInto(folder, 'scenes.air', ...names);
  return folder;
}

const train = (folder: string) => air(folder, `train scenes.air ${OLDER_OPTIONS} -o ${MODEL}`);

async function refusal(folder: string): Promise<string> {
  const { code, stderr } = await train(folder);
  assert.equal(code, 65, stderr);
  return stderr;
}

describe('beside a finished model', () => {
  it('its state is removed', async (t) => {
    const folder = folderWith(t, MODEL, STATE);
    const { code, stderr } = await train(folder);
    assert.equal(code, 0, stderr);
    assert.match(stderr, /is already trained/);
    assert.ok(!existsSync(join(folder, STATE)));
  });

  it('a damaged state stays, and that is said', async (t) => {
    const folder = folderWith(t, MODEL);
    const damaged = Uint8Array.from(state);
    damaged[20_000] ^= 1;
    writeFileSync(join(folder, STATE), damaged);
    const { code, stderr } = await train(folder);
    assert.equal(code, 0, stderr);
    assert.match(stderr, /\.state: the digest does not match.*; it stays there, beside a finished model/);
    assert.deepEqual(new Uint8Array(readFileSync(join(folder, STATE))), damaged);
  });
});

describe('refused, with a way out', () => {
  const wayOut = /\n {2}give another name with -o, or remove that file to begin anew\n$/;

  it('is a state in the place of the model', async (t) => {
    const folder = folderWith(t, STATE);
    renameSync(join(folder, STATE), join(folder, MODEL));
    assert.match(
      await refusal(folder),
      /the state of a run that is not over, not a model\n {2}call it 0\.1\.0\.safetensors\.state/,
    );
  });

  it('is a model in the place of the state', async (t) => {
    const folder = folderWith(t, MODEL);
    renameSync(join(folder, MODEL), join(folder, STATE));
    const said = await refusal(folder);
    assert.match(said, /\.state: a finished model, not the state of a run/);
    assert.match(said, wayOut);
  });

  it('is a state that no run of this air can have left', async (t) => {
    for (const [change, expected] of [
      [{ backend: 'abacus' }, /\.state: was begun on a backend 'abacus' that is not known/],
      [{ backend: undefined }, /\.state: metadata of the checkpoint are damaged: expected data and backend/],
      [{ step: '301' }, /step: expected from 0 to 300, got 301/],
      [{ metrics: '[]' }, /metrics are no JSON object/],
    ] as const) {
      const folder = folderWith(t);
      const odd = resealed(state, (metadata) => {
        Object.assign(metadata, change);
        for (const key of Object.keys(metadata)) if (metadata[key] === undefined) delete metadata[key];
      });
      writeFileSync(join(folder, STATE), odd);
      const said = await refusal(folder);
      assert.match(said, expected);
      assert.match(said, wayOut);
      assert.deepEqual(new Uint8Array(readFileSync(join(folder, STATE))), odd);
    }
  });
});
