/** Scenes on threads: the bytes of one thread, in order, no more than are taken, and errors where they belong. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { PYRO_SCENES, type SceneOptions } from '#air/data/scenes.js';
import { AirError } from '#air/errors.js';
import { type SceneChunk, SceneMaker, type SceneSetup } from '#air/threads/scene-maker.js';
import { makeOnThreads, makeScenes } from '#air/threads/scene-pool.js';
import { onePerLabel, readMnist } from '../support/mnist.js';

const digits = onePerLabel(readMnist('t10k'));

function setupOf(changes: Partial<SceneOptions>): SceneSetup {
  return {
    digits,
    options: { ...PYRO_SCENES, ...changes },
    seed: 3,
  };
}

const setup = setupOf({});

/** What comes, and the error that ends it. */
async function takeAll(
  chunks: AsyncIterable<SceneChunk>,
): Promise<{ records: Buffer; counts: number[]; error: unknown }> {
  const taken: SceneChunk[] = [];
  let error: unknown;
  try {
    for await (const chunk of chunks) taken.push(chunk);
  } catch (caught) {
    error = caught;
  }
  const counts = taken.flatMap((chunk) => chunk.counts);
  return { records: Buffer.concat(taken.map(({ records }) => records)), counts, error };
}

test('the bytes of one thread, whatever the number of threads and the size of chunks', async () => {
  const maker = new SceneMaker(setup);
  const whole = maker.make({ first: 5, end: 105 });
  for (const [threads, scenes] of [
    [1, 7],
    [2, 7],
    [3, 1],
    [3, 200],
  ]) {
    const got = await takeAll(makeOnThreads(setup, maker, { first: 5, end: 105 }, { threads, scenes }));
    assert.deepEqual(got, { records: Buffer.from(whole.records), counts: whole.counts, error: undefined });
  }
});

test('few scenes, many, and none', async () => {
  const maker = new SceneMaker(setup);
  for (const [workers, end] of [
    [1, 300],
    [2, 300],
    [3, 300],
    [3, 10],
    [2, 0],
  ]) {
    const got = await takeAll(makeScenes(setup, { first: 0, end }, workers));
    const { records, counts } = maker.make({ first: 0, end });
    assert.deepEqual(got, { records: Buffer.from(records), counts, error: undefined }, `${end} on ${workers}`);
  }
});

test('a reader that stops early ends an endless run', async () => {
  const chunks = makeOnThreads(setup, new SceneMaker(setup), { first: 0, end: Infinity }, { threads: 2, scenes: 5 });
  let taken = 0;
  for await (const { counts } of chunks) {
    taken += counts.length;
    if (taken >= 50) break;
  }
  assert.equal(taken, 50);
  assert.deepEqual(await chunks.next(), { done: true, value: undefined });
});

test('a scene that cannot be made is refused, after those before it', async () => {
  // Digits of this scale never fit; scenes without any are made.
  const crowd = setupOf({ objects: [0, 0, 0, 0, 1], scaleMean: 0.1, scaleSd: 0.001 });
  const maker = new SceneMaker(crowd);
  const { records, counts } = maker.make({ first: 0, end: 100 });
  assert.ok(counts.length > 0 && counts.length < 100);
  for (const scenes of [100, counts.length, 1]) {
    const got = await takeAll(makeOnThreads(crowd, maker, { first: 0, end: 100 }, { threads: 2, scenes }));
    assert.deepEqual(got.counts, counts);
    assert.deepEqual(got.records, Buffer.from(records));
    assert.ok(got.error instanceof AirError && got.error.kind === 'usage' && got.error.hint !== undefined);
    assert.match(got.error.message, /^a scale of 0.1 \+- 0.001 never gives digits that fit/);
  }
});

test('a thread that fails ends it with an error', async () => {
  const broken = { ...setup, options: { ...setup.options, objects: undefined as unknown as number[] } };
  const part = { first: 0, end: 100 };
  const got = await takeAll(makeOnThreads(broken, new SceneMaker(setup), part, { threads: 2, scenes: 50 }));
  assert.ok(got.error instanceof AirError && got.error.kind === 'bug');
  assert.match(got.error.message, /^a worker thread failed: TypeError/);
});
