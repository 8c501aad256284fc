/** Beginning with another model's weights (--init), and again with another seed (--retries). */
import assert from 'node:assert/strict';
import { copyFileSync, existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { decodeSafetensors } from '#air/formats/safetensors.js';
import { air, airOk, jsonLines, metadataOf } from '../../support/air.js';
import { freshFolder } from '../../support/folder.js';

const shared = mkdtempSync(join(tmpdir(), 'air-test-'));
const [SCENES, VALID, OTHER] = ['scenes.air', 'valid.air', 'other.safetensors'].map((name) => join(shared, name));
const RUN = `train ${SCENES} -o m.safetensors --preset small --backend wasm --no-provenance --batch-size 16`;

before(async () => {
  await airOk(shared, 'gen-data --count 100 --seed 1 -q -o scenes.air');
  await airOk(shared, 'gen-data --count 40 --seed 2 --split valid -q -o valid.air');
  const recipe = '--preset small --estimator nvil --sum-pairs 0 --backend wasm --steps 4 --batch-size 16';
  await airOk(shared, `train scenes.air -o other.safetensors ${recipe} --seed 5 -q`);
});
after(() => rmSync(shared, { recursive: true }));

const weightsOf = (file: string) => decodeSafetensors(readFileSync(file), file).tensors;

describe('--init', () => {
  it('begins with the weights of a model, whose baseline stays behind', async (t) => {
    const folder = freshFolder(t);
    await airOk(folder, `${RUN} --init ${OTHER} --steps 1 --learning-rate 1e-30 -q`);
    const [made, begun] = [weightsOf(join(folder, 'm.safetensors')), weightsOf(OTHER)];
    for (const [name, { data }] of made) assert.deepEqual(data, begun.get(name)?.data, name);
    assert.ok(
      [...begun.keys()].some((name) => name.startsWith('bl_')) &&
        ![...made.keys()].some((name) => name.startsWith('bl_')),
    );
  });

  it('gives an estimator that needs more weights new ones, and says so', async (t) => {
    const folder = freshFolder(t);
    await airOk(folder, `${RUN} --steps 1 -q`);
    copyFileSync(join(folder, 'm.safetensors'), join(folder, 'plain.safetensors'));
    rmSync(join(folder, 'm.safetensors'));
    const nvil = `${RUN} --init plain.safetensors --estimator nvil --sum-pairs 0 --steps 1`;
    const { code, stderr } = await air(folder, nvil);
    assert.equal(code, 0, stderr);
    assert.match(stderr, /plain\.safetensors: has no such baseline, it begins anew/);
  });

  it('refuses a model of other sizes, by the first weight that does not fit', async (t) => {
    const folder = freshFolder(t);
    const { code, stderr } = await air(folder, `${RUN} --init ${OTHER} --z-what-size 11 --steps 1`);
    assert.equal(code, 65);
    assert.match(
      stderr,
      /other\.safetensors: expected weights \S+ of \[\S+\] for this recipe, got \[\S+\]\n {2}give the sizes/,
    );
  });

  it('is part of what a run is: another model to begin with is another run', async (t) => {
    const folder = freshFolder(t);
    await airOk(folder, `${RUN} --init ${OTHER} --steps 1 -q`);
    const again = await air(folder, `${RUN} --init ${OTHER} --steps 1`);
    assert.equal(again.code, 0);
    assert.match(again.stderr, /already trained/);
    const without = await air(folder, `${RUN} --steps 1`);
    assert.equal(without.code, 64);
    assert.match(without.stderr, /was made with --init/);
  });
});

describe('--retries', () => {
  // a guide that never sees an object counts every image as empty
  const COLLAPSING = `${RUN} --z-pres-bias=-60 --steps 6 --valid ${VALID} --valid-every 3 --report-every 3`;

  it('begins again with the next seed, logs every try, and keeps the last as it is', async (t) => {
    const folder = freshFolder(t);
    const { code, stderr } = await air(folder, `${COLLAPSING} --retries 2 --metrics m.jsonl --seed 7`);
    assert.equal(code, 0, stderr);
    assert.match(stderr, /every image is counted as empty/);
    assert.match(
      stderr,
      /begins again with --seed 8, retry 1 of 2\n(?:.*\n)*.*begins again with --seed 9, retry 2 of 2\n/,
    );
    const lines = jsonLines(join(folder, 'm.jsonl'));
    const tries = [undefined, 1, 2].map((retry) => lines.filter((line) => line.retry === retry));
    assert.deepEqual(
      tries.map((ofTry) => ofTry.some(({ collapse }) => typeof collapse === 'string')),
      [true, true, true],
    );
    assert.equal(lines.length, tries.flat().length);
    assert.equal(JSON.parse(metadataOf(join(folder, 'm.safetensors')).training).seed, 9);
    assert.ok(!existsSync(join(folder, 'm.safetensors.state')));
    const again = await air(folder, `${COLLAPSING} --retries 2 --metrics m.jsonl --seed 7`);
    assert.match(again.stderr, /already trained/);
  });

  it('ends with the bytes of that seed by itself', async (t) => {
    const [retried, plain] = [freshFolder(t), freshFolder(t)];
    await airOk(retried, `${COLLAPSING} --retries 1 --seed 7 -q`);
    await airOk(plain, `${COLLAPSING} --seed 8 -q`);
    const [a, b] = [retried, plain].map((folder) => readFileSync(join(folder, 'm.safetensors')));
    assert.ok(a.equals(b));
  });

  it('needs scenes with truth, which alone show that a model does not count', async (t) => {
    const folder = freshFolder(t);
    const blind = await air(folder, `${RUN} --retries 1 --steps 1`);
    assert.deepEqual([blind.code, /--retries does nothing without --valid/.test(blind.stderr)], [64, true]);
  });
});
