/** A training whose images do not come: it stops when it is told to, with what it has done saved; and there is only one of it. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { readdirSync, symlinkSync } from 'node:fs';
import { watch } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { readStream } from '#air/formats/stream.js';
import { air, airOk, jsonLines, metadataOf } from '../../support/air.js';
import { ended, startAir } from '../../support/child.js';
import { freshFolder } from '../../support/folder.js';

const TRAIN = 'train -o m --preset small --backend wasm';

test('the input is silent: one signal is enough, and so is --max-time', async (t) => {
  for (const [signal, expected] of [
    ['SIGINT', 130],
    ['SIGTERM', 143],
    ['SIGHUP', 129],
    [undefined, 75],
  ] as const) {
    const folder = freshFolder(t);
    const changes = watch(folder);
    const child = startAir([...TRAIN.split(' '), ...(signal === undefined ? ['--max-time', '1s'] : [])], folder);
    const killed = setTimeout(() => child.kill('SIGKILL'), 60_000); // it would wait for ever
    const ending = ended(child);
    for await (const { filename } of changes) if (filename === 'm.lock') break;
    if (signal !== undefined) child.kill(signal);
    const { code, stderr } = await ending;
    clearTimeout(killed);
    assert.equal(code, expected, signal);
    assert.match(stderr, /^air train: (stopped|--max-time was over) while it waited for input\n$/);
    assert.deepEqual(readdirSync(folder), []);
  }
});

/** The beginning of an endless stream, and how many scenes in it are whole. */
async function beginning(folder: string): Promise<{ bytes: Buffer; scenes: number }> {
  const child = startAir('gen-data --count inf -q'.split(' '), folder);
  const [bytes] = (await once(child.stdout as NodeJS.ReadableStream, 'data')) as [Buffer];
  child.kill();
  let scenes = 0;
  const chunks = (async function* () {
    yield bytes;
  })();
  try {
    for await (const { type } of readStream(chunks, { name: 'cut' })) if (type === 'record') scenes++;
  } catch {
    // it is cut
  }
  return { bytes, scenes };
}

test('an endless input stalls: what is done is saved', async (t) => {
  const { bytes, scenes } = await beginning(freshFolder(t));
  const steps = Math.floor(scenes / 4);
  assert.ok(steps > 1, `${scenes} scenes`);
  const line = `${TRAIN} --steps 1000 --batch-size 4 --sum-pairs 0 --report-every 1 --metrics log.jsonl`;
  for (const signal of ['SIGTERM', undefined] as const) {
    const folder = freshFolder(t);
    const changes = watch(folder);
    const limit = signal === undefined ? ' --max-time 5s' : '';
    const child = startAir((line + limit).split(' '), folder);
    const killed = setTimeout(() => child.kill('SIGKILL'), 60_000);
    child.stdin?.write(bytes);
    const ending = ended(child);
    // With a time limit it may be slower than that; without, all that can be done is done.
    for await (const { filename } of changes) {
      if (signal === undefined) break;
      if (filename === 'log.jsonl' && jsonLines(join(folder, 'log.jsonl')).length === steps) break;
    }
    if (signal !== undefined) child.kill(signal);
    const { code, stderr } = await ending;
    clearTimeout(killed);
    assert.equal(code, signal === undefined ? 75 : 143, stderr);
    if (signal === undefined && !readdirSync(folder).includes('m.state')) continue;
    const { step } = metadataOf(join(folder, 'm.state'));
    assert.equal(
      stderr,
      `air train: stopped after step ${step} of 1000; saved in m.state\n  the same command again goes on from there\n`,
    );
    if (signal !== undefined) assert.equal(Number(step), steps);
    assert.deepEqual(readdirSync(folder).sort(), ['log.jsonl', 'm.state']);
  }
});

test('one training at a time writes a model, whatever it is called', async (t) => {
  const folder = freshFolder(t);
  const scenes = await airOk(folder, 'gen-data --count 8 -q');
  symlinkSync('m', join(folder, 'one'));
  symlinkSync(join(folder, 'm'), join(folder, 'two'));
  const changes = watch(folder);
  const line = `${TRAIN} --steps 2 --batch-size 4 -q`;
  const first = startAir(line.split(' '), folder);
  const ending = ended(first);
  for await (const { filename } of changes) if (filename === 'm.lock') break;
  for (const name of ['m', './m', 'one', 'two', join(folder, 'm')]) {
    const { code, stderr } = await air(folder, line.replace('-o m', `-o ${name}`), scenes);
    assert.equal(stderr.split('\n')[0], `air train: ${name}: another run (process ${first.pid}) is writing it`);
    assert.equal(code, 73);
  }
  first.stdin?.end(scenes);
  const { code, stderr } = await ending;
  assert.deepEqual([code, stderr], [0, '']);
  assert.deepEqual(readdirSync(folder).sort(), ['m', 'one', 'two']);
});
