/** `air gen-data`: the same scenes however they are made, and an end when it is time. */
import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { copyFileSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import type { Header, Scene } from '#air/formats/records.js';
import { readStream } from '#air/formats/stream.js';

type Run = { status: number | null; stdout: Buffer; stderr: string };

function genData(...args: string[]): Run {
  const { status, stdout, stderr } = spawnSync(process.execPath, ['bin/air.js', 'gen-data', ...args], {
    maxBuffer: 1 << 28,
  });
  return { status, stdout, stderr: stderr.toString() };
}

async function read(bytes: Uint8Array): Promise<{ headers: Header[]; records: Scene[] }> {
  const headers: Header[] = [];
  const records: Scene[] = [];
  const chunks = (async function* () {
    yield bytes;
  })();
  for await (const event of readStream(chunks, { name: 'test', expect: 'scenes' })) {
    if (event.type === 'header') headers.push(event.header);
    else if (event.type === 'record') records.push(event.record as Scene);
  }
  return { headers, records };
}

test('the header says how the scenes were made, and the messages how many there are', async () => {
  const { status, stdout, stderr } = genData('--count', '6', '--objects', '0,3', '--canvas', '60', '--seed', '9');
  assert.equal(status, 0);
  const { headers, records } = await read(stdout);
  assert.deepEqual(headers, [
    {
      air: 'scenes',
      version: 1,
      canvas: [60, 60],
      image: { dtype: 'uint8', shape: [60, 60] },
      seed: 9,
      objects: [0, 3],
      generator: { split: 'train', scale_mean: 1.3, scale_sd: 0.1, overlap: 'saturate' },
      provenance: ['air gen-data --count 6 --objects 0,3 --canvas 60 --seed 9'],
    },
  ]);
  assert.deepEqual(
    records.map(({ i }) => i),
    [0, 1, 2, 3, 4, 5],
  );
  const threes = records.filter(({ count }) => count === 3).length;
  assert.equal(stderr, `air gen-data: 6 scenes: ${6 - threes} with 0, ${threes} with 3\n`);
});

test('the shards in order hold the records of the whole, byte for byte, and --count does not change a scene', () => {
  const whole = genData('--count', '50', '--no-provenance');
  const shards = [1, 2, 3].map((k) => genData('--count', '50', '--no-provenance', '--shard', `${k}/3`));
  // All headers and, but for their numbers, all ends are the same bytes: what is left is the records.
  const empty = genData('--count', '0', '--no-provenance').stdout;
  const endLength = 'end'.length + 1 + 1 + ('records'.length + 1 + 1) + ('crc32'.length + 1 + 5) + 1;
  const headerLength = empty.length - endLength;
  const records = ({ stdout }: Run): Buffer => stdout.subarray(headerLength, stdout.length - endLength);
  assert.deepEqual(Buffer.concat(shards.map(records)), records(whole));
  const longer = genData('--count', '60', '--no-provenance');
  assert.deepEqual(records(longer).subarray(0, records(whole).length), records(whole));
});

test('the number of threads changes nothing', () => {
  const [one, three] = ['1', '3'].map((workers) => genData('--count', '600', '--no-provenance', '--workers', workers));
  assert.equal(one.status, 0);
  assert.ok(one.stdout.equals(three.stdout));
  assert.deepEqual([three.status, three.stderr], [one.status, one.stderr]);
});

test('more shards than scenes: some are empty, none fails', async () => {
  const parts = [1, 2, 3, 4, 5].map((k) => genData('--count', '2', '--shard', `${k}/5`));
  assert.deepEqual(
    parts.map(({ status }) => status),
    [0, 0, 0, 0, 0],
  );
  const { records } = await read(Buffer.concat(parts.map(({ stdout }) => stdout)));
  assert.deepEqual(
    records.map(({ i }) => i),
    [0, 1],
  );
});

test('test digits are other digits', async () => {
  const [train, held] = ['train', 'test'].map((split) => genData('--count', '20', '--split', split).stdout);
  const [a, b] = [await read(train), await read(held)];
  assert.deepEqual(
    a.records.map(({ count }) => count),
    b.records.map(({ count }) => count),
  );
  assert.notDeepEqual(
    a.records.map(({ image }) => image),
    b.records.map(({ image }) => image),
  );
});

test('a reader that goes away ends an endless run quietly', () => {
  for (const workers of ['1', '2']) {
    const run = '"$0" bin/air.js gen-data --count inf --workers "$1" | head -c 3000000 | wc -c';
    const { stdout, stderr } = spawnSync('bash', [
      '--norc',
      '-c',
      `${run}; echo "$\{PIPESTATUS[@]}"`,
      process.execPath,
      workers,
    ]);
    assert.equal(stdout.toString(), '3000000\n0 0 0\n');
    assert.equal(stderr.toString(), '');
  }
});

test('a signal ends it, threads and all', async () => {
  const child = spawn(process.execPath, ['bin/air.js', 'gen-data', '--count', 'inf', '--workers', '2']);
  let bytes = 0;
  child.stdout.on('data', (chunk: Buffer) => {
    bytes += chunk.length;
    if (bytes > 3_000_000) child.kill('SIGINT');
  });
  assert.deepEqual(await once(child, 'close'), [130, null]);
});

test('digits from a folder, plain or gzip; each thing wrong with them has its exit code', () => {
  const folder = mkdtempSync(join(tmpdir(), 'air-'));
  const images = join(folder, 'train-images-idx3-ubyte');
  const labels = join(folder, 'train-labels-idx1-ubyte');
  const run = (): Run => genData('--count', '3', '--digits', folder, '--objects', '1');
  try {
    assert.equal(run().status, 66);
    const hint = '  a folder of digits holds IDX files of images and labels named as those of MNIST\n';
    assert.equal(run().stderr, `air gen-data: ${images}: no such file, nor train-images-idx3-ubyte.gz\n${hint}`);
    copyFileSync('fixtures/mnist/t10k-images-idx3-ubyte.gz', `${images}.gz`);
    copyFileSync('fixtures/mnist/t10k-labels-idx1-ubyte.gz', `${labels}.gz`);
    const gzip = run();
    assert.equal(gzip.status, 0);
    const one = (magic: number[], rest: number[]): Buffer => Buffer.from([0, 0, 8, ...magic, ...rest]);
    writeFileSync(images, one([3, 0, 0, 0, 1, 0, 0, 0, 2, 0, 0, 0, 2], [9, 200, 0, 255]));
    assert.equal(run().status, 65, 'counts differ');
    writeFileSync(labels, one([1, 0, 0, 0, 1], [7]));
    assert.equal(run().status, 0);
    writeFileSync(labels, one([1, 0, 0, 0, 1], [17]));
    assert.equal(run().stderr, `air gen-data: ${labels}: label 0: expected 0 to 9, got 17\n`);
    writeFileSync(images, one([3, 0, 0, 0, 1, 0, 0, 0, 2, 0, 0, 0, 2], [9, 200]));
    assert.equal(run().status, 65, 'cut short');
    writeFileSync(images, Buffer.from('no digits'));
    assert.equal(run().status, 65, 'not IDX');
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test('what cannot be asked for', () => {
  const cases: [string[], RegExp][] = [
    [['--count', 'inf', '--shard', '1/2'], /^air gen-data: --shard: there is no part of --count inf\n/],
    [['--shard', '3/2'], /--shard: expected I\/N with 1 <= I <= N, such as 2\/4, got '3\/2'/],
    [['--scale-mean=-1'], /--scale-mean: expected a number above 0, got '-1'/],
    [['--scale-sd', 'nan'], /--scale-sd: expected a number at least 0, got 'nan'/],
    [['--objects', '2..1'], /--objects: expected whole numbers from 0 to 100/],
    [['--objects', '60', '--canvas', '20'], /found no room for 60 objects on a canvas of 20 x 20/],
  ];
  for (const [args, message] of cases) {
    const { status, stdout, stderr } = genData(...args);
    assert.equal(status, 64, stderr);
    assert.match(stderr, message);
    assert.ok(stdout.length < 1000);
  }
});

test('each split has digits of its own, and full those of train and valid', async () => {
  // a set of 24 digits of one pixel: the i-th is as bright as i + 1
  const folder = mkdtempSync(join(tmpdir(), 'air-digits-'));
  const pixels = Array.from({ length: 24 }, (_, i) => i + 1);
  const idx = (shape: number[], bytes: number[]) =>
    Buffer.from([0, 0, 8, shape.length, ...shape.flatMap((n) => [0, 0, 0, n]), ...bytes]);
  for (const [name, digits] of [
    ['train', pixels],
    ['t10k', pixels.map((pixel) => pixel + 100)],
  ] as const) {
    writeFileSync(join(folder, `${name}-images-idx3-ubyte`), idx([24, 1, 1], digits));
    writeFileSync(join(folder, `${name}-labels-idx1-ubyte`), idx([24], Array(24).fill(0)));
  }
  const brightnesses = async (split: string) => {
    const of = ['--count', '400', '--objects', '1', '--digits', folder, '--scale-mean', '1', '--scale-sd', '0'];
    const { stdout, stderr } = genData('--split', split, '--canvas', '4', ...of);
    assert.match(stderr, /400 scenes/);
    const { records } = await read(stdout);
    return new Set(records.map(({ image }) => Math.max(...image)));
  };
  assert.deepEqual(
    [...(await brightnesses('train'))].sort((a, b) => a - b),
    pixels.slice(0, 22),
  );
  assert.deepEqual(
    [...(await brightnesses('valid'))].sort((a, b) => a - b),
    [23, 24],
  );
  assert.deepEqual(
    [...(await brightnesses('full'))].sort((a, b) => a - b),
    pixels,
  );
  assert.ok([...(await brightnesses('test'))].every((pixel) => pixel > 100));
  for (const kind of ['images-idx3', 'labels-idx1']) {
    const few = [11, ...(kind === 'images-idx3' ? [1, 1] : [])];
    writeFileSync(join(folder, `train-${kind}-ubyte`), idx(few, Array(11).fill(0)));
  }
  const refused = genData('--split', 'valid', '--digits', folder);
  rmSync(folder, { recursive: true });
  assert.equal(refused.status, 65);
  assert.match(refused.stderr, /--split valid holds out one training digit in 12, here are 11/);
});
