/** `air render`: what it draws, says and refuses. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { decodePng } from '#air/formats/png.js';
import type { Header, LatentRecord, Scene } from '#air/formats/records.js';
import { StreamWriter } from '#air/formats/stream.js';

const folder = mkdtempSync(join(tmpdir(), 'air-'));
after(() => rmSync(folder, { recursive: true }));

function render(input: Uint8Array, ...args: string[]): { status: number | null; stdout: Buffer; stderr: string } {
  const { status, stdout, stderr } = spawnSync(process.execPath, ['bin/air.js', 'render', ...args], {
    input,
    maxBuffer: 1 << 28,
  });
  return { status, stdout, stderr: stderr.toString() };
}

function stream(header: Partial<Header>, records: (Scene | LatentRecord)[], side = 20): Buffer {
  const canvas: [number, number] = [side, side];
  const writer = new StreamWriter({
    air: 'scenes',
    version: 1,
    canvas,
    image: { dtype: 'uint8', shape: canvas },
    ...header,
  });
  const parts = [writer.header(), ...records.map((record) => writer.record(record)), writer.end()];
  return Buffer.concat(parts);
}

const scene = (i: number, side = 20): Scene => ({
  i,
  image: new Uint8Array(side * side).fill(50),
  count: 0,
  objects: [],
});

function latent(i: number, n: number, count?: number): LatentRecord {
  const vector = new Float32Array(3);
  const steps = [0, 1].map((t) => ({
    box: [2 + 8 * t, 3, 7, 7] as [number, number, number, number],
    p: t < n ? 1 : 0,
    where: vector,
    whereScale: vector,
    what: vector,
    whatScale: vector,
    window: new Uint8Array(36).fill(90),
  }));
  const image = new Uint8Array(400).fill(50);
  const q = [0, 1, 2].map((m) => (m === n ? 1 : 0));
  return { i, n, q, elbo: 1, steps, image, reconstruction: image, ...(count === undefined ? {} : { count }) };
}

const latentsHeader: Partial<Header> = {
  air: 'latents',
  window: { dtype: 'uint8', shape: [6, 6] },
  what: { dtype: 'float32', shape: [3] },
};
const twelve = stream(
  latentsHeader,
  Array.from({ length: 12 }, (_, i) => latent(i, i % 3, i < 9 ? i % 3 : 1)),
);

test('scenes to stdout and to a file, the same bytes; the messages says how many are shown', async () => {
  const scenes = stream(
    {},
    Array.from({ length: 30 }, (_, i) => scene(i)),
  );
  const { status, stdout, stderr } = render(scenes);
  assert.deepEqual([status, stderr], [0, 'air render: shows the first 20 of 30 images\n']);
  const { width } = await decodePng(stdout, 'stdout');
  assert.ok(width >= 10 * 44 && width < 10 * 44 + 40, `${width}`);
  const file = join(folder, 'scenes.png');
  writeFileSync(join(folder, 'scenes.air'), scenes);
  assert.equal(render(Buffer.from(''), join(folder, 'scenes.air'), '-o', file, '-q').stderr, '');
  assert.deepEqual(readFileSync(file), stdout);
});

test('rows, columns, limit and scale change the picture as they say', async () => {
  const size = async (...args: string[]): Promise<number[]> => {
    const { status, stdout, stderr } = render(twelve, ...args);
    assert.equal(status, 0, stderr);
    const { width, height } = await decodePng(stdout, 'stdout');
    return [width, height];
  };
  const [width, height] = await size();
  // A column of 20-pixel images at scale 2, and its gap; a row of them, with its counts above it.
  assert.deepEqual(await size('--columns', '9'), [width - 44, height]);
  assert.deepEqual(await size('--limit', '8'), [width - 2 * 44, height - (2 * (24 + 40) + 4 + 20)]);
  assert.deepEqual(await size('--scale', '3'), [width + 10 * 20, height + 4 * 20]);
  const steps = await size('--rows', 'input,reconstruction,steps');
  assert.ok(steps[1] > height + 2 * 3 * 12, 'three more rows in each of two bands');
  assert.equal(render(twelve).stderr, 'air render: shows all 12 images\n');
});

test('only the wrong counts', () => {
  // Of images 9, 10 and 11 with counts 0, 1 and 2 the true count is 1.
  const { stderr, stdout } = render(twelve, '--only-errors');
  assert.equal(stderr, 'air render: shows all 2 wrong counts, among 12 images\n');
  const two = stream(latentsHeader, [latent(9, 0, 1), latent(11, 2, 1)]);
  assert.deepEqual(stdout, render(two).stdout);
  const fine = render(stream(latentsHeader, [latent(0, 1, 1)]), '--only-errors');
  assert.deepEqual([fine.status, fine.stderr], [0, 'air render: no wrong count among 1 image\n']);
  assert.ok(fine.stdout.length > 0);
  const blind = render(stream(latentsHeader, [latent(0, 1)]), '--only-errors');
  assert.equal(blind.status, 65);
  assert.match(blind.stderr, /^air render: -: image 0 has no true count, so --only-errors cannot tell/);
});

test('damage at any place, even after the images shown, writes nothing', () => {
  const file = join(folder, 'damaged.png');
  for (const length of [0, 1, 30, 200, 2000, twelve.length - 30, twelve.length - 1]) {
    for (const to of [[], ['-o', file]]) {
      const { status, stdout } = render(twelve.subarray(0, length), '--limit', '1', ...to);
      assert.deepEqual([status, stdout.length, existsSync(file)], [65, 0, false], `${length} bytes`);
    }
  }
  const flipped = Buffer.from(twelve);
  flipped[flipped.length - 600] ^= 1;
  assert.equal(render(flipped, '-o', file).status, 65);
  assert.deepEqual(
    readdirSync(folder).filter((name) => name.includes('damaged')),
    [],
    'no temporary file either',
  );
});

test('of an endless stream no more is read than is drawn', () => {
  const records = Array.from({ length: 12 }, (_, i) => latent(i, i % 3, 1));
  const whole = stream({ ...latentsHeader, count: 'inf' }, records);
  const cut = whole.subarray(0, whole.length - 1000); // into the last record
  const { status, stdout, stderr } = render(cut, '--limit', '5');
  assert.deepEqual([status, stderr], [0, 'air render: shows the first 5 images of an endless stream\n']);
  assert.deepEqual(stdout, render(stream(latentsHeader, records.slice(0, 5))).stdout);
  const errors = render(cut, '--limit', '5', '--only-errors');
  assert.equal(errors.stderr, 'air render: shows the first 5 wrong counts of an endless stream\n');
  assert.equal(render(cut, '--limit', '12').status, 65, 'where it ends before, it is damaged');
  assert.equal(render(whole, '--limit', '13').stderr, 'air render: shows all 12 images\n');
});

test('a picture that was there stays when the input is damaged', () => {
  const file = join(folder, 'kept.png');
  writeFileSync(file, 'old');
  render(twelve.subarray(0, 3000), '-o', file);
  assert.equal(readFileSync(file, 'utf8'), 'old');
});

test('what cannot be drawn is refused by name', () => {
  const scenes = stream({}, [scene(0)]);
  const cases: [Uint8Array, string[], number, RegExp][] = [
    [stream({}, []), [], 65, /-: there are no images in it/],
    [scenes, ['--rows', 'input,reconstruction'], 65, /-: expected a stream of latents, got scenes/],
    [scenes, ['--only-errors'], 65, /-: expected a stream of latents, got scenes/],
    [render(scenes).stdout, [], 65, /-: /],
    [Buffer.concat([scenes, stream({}, [scene(0, 24)], 24)]), [], 65, /a later segment has a canvas of 24 x 24/],
    [scenes, ['--rows', 'input,output'], 64, /--rows: expected some of input, reconstruction, canvas, steps/],
    [scenes, ['--scale', '0'], 64, /--scale: expected a whole number from 1 to 32, got '0'/],
    [scenes, ['missing.air'], 66, /missing.air: /],
    [scenes, ['-o', join(folder, 'no/where.png')], 73, /no\/where.png: /],
  ];
  for (const [input, args, status, message] of cases) {
    const result = render(input, ...args);
    assert.equal(result.status, status, result.stderr);
    assert.match(result.stderr, message);
    assert.equal(result.stdout.length, 0);
  }
});

test('two streams in one make one picture', () => {
  const scenes = stream({}, [scene(0)]);
  assert.equal(render(Buffer.concat([scenes, scenes])).stderr, 'air render: shows all 2 images\n');
});
