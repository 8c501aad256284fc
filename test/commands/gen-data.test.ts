/** `air gen-data`: the same scenes however they are made, and an end when it is time. */
import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
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

test('scenes without a background are those of version 0.4.0, header and all', () => {
  for (const [digest, ...args] of [
    ['f6615fc264c2e91b382ad9c8a46f51e790657dd1007e0ee9aedf470d7d29c22d', '--seed', '0'],
    ['443cecefb813c345b90f3b209f383a1410638809cf64d7935543e0671ec79568', '--seed', '7'],
    [
      'bfd6f876c3431e62c2db4f462f1d0d128250a17240af3ad6cf2fbf6c8375c8ad',
      ...['--seed', '5', '--objects', '0,1,3', '--overlap', 'boxes', '--canvas', '64'],
    ],
  ]) {
    const { stdout } = genData('--count', '300', '--no-provenance', ...args);
    assert.equal(createHash('sha256').update(stdout).digest('hex'), digest, args.join(' '));
  }
});

test('the number of threads changes nothing', () => {
  for (const more of [[], ['--background', 'noise', '--stratified'], ['--background', 'grid']]) {
    const [one, three] = ['1', '3'].map((workers) =>
      genData('--count', '300', '--no-provenance', '--workers', workers, ...more),
    );
    assert.equal(one.status, 0);
    assert.ok(one.stdout.equals(three.stdout));
    assert.deepEqual([three.status, three.stderr], [one.status, one.stderr]);
  }
});

test('the header names the background with its settings, and how counts and digits were chosen', async () => {
  const plain = { split: 'train', scale_mean: 1.3, scale_sd: 0.1, overlap: 'saturate' };
  for (const [args, more] of [
    [['--background', 'noise', '--noise-sd', '0.3'], { background: 'noise', noise_sd: 0.3 }],
    [['--background', 'grid'], { background: 'grid', grid_spacing: 5, grid_level: 0.4 }],
    [['--stratified', '--invert'], { invert: true, stratified: true }],
    [['--background', 'none'], {}],
  ] as const) {
    const { headers } = await read(genData('--count', '1', ...args).stdout);
    assert.deepEqual(headers[0].generator, { ...plain, ...more });
  }
});

test('stratified: shards and endless runs have the counts of the whole, which are as many of each', async () => {
  const ask = ['--objects', '0,1,3,4', '--stratified', '--seed', '2', '--canvas', '64'];
  const { stdout, stderr } = genData('--count', '42', ...ask);
  assert.match(stderr, /42 scenes: 1[01] with 0, 1[01] with 1, 1[01] with 3, 1[01] with 4\n$/);
  const { records } = await read(stdout);
  const parts = [1, 2, 3].map((k) => genData('--count', '42', ...ask, '--shard', `${k}/3`).stdout);
  assert.deepEqual((await read(Buffer.concat(parts))).records, records);
  const piped = '"$0" bin/air.js gen-data --count inf "$@" | "$0" bin/air.js view 2> /dev/null | head -n 42';
  const { stdout: endless } = spawnSync('bash', ['--norc', '-c', piped, process.execPath, ...ask]);
  const counts = endless.toString().trimEnd().split('\n');
  assert.deepEqual(
    counts.map((line) => (JSON.parse(line) as Scene).count),
    records.map(({ count }) => count),
  );
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

test('what cannot be asked for', () => {
  const cases: [string[], RegExp][] = [
    [['--count', 'inf', '--shard', '1/2'], /^air gen-data: --shard: there is no part of --count inf\n/],
    [['--shard', '3/2'], /--shard: expected I\/N with 1 <= I <= N, such as 2\/4, got '3\/2'/],
    [['--scale-mean=-1'], /--scale-mean: expected a number above 0, got '-1'/],
    [['--scale-sd', 'nan'], /--scale-sd: expected a number at least 0, got 'nan'/],
    [['--objects', '2..1'], /--objects: expected whole numbers from 0 to 100/],
    [['--objects', '0,1,1'], /--objects: expected whole numbers from 0 to 100, as 0\.\.2 or 0,1,3, got '0,1,1'/],
    [['--noise-sd', '.3', '--background', 'grid'], /--noise-sd is of --background noise, this is grid/],
    [['--grid-level', '.3'], /--grid-level is of --background grid, this is none/],
    [['--objects', '60', '--canvas', '20'], /found no room for 60 objects on a canvas of 20 x 20/],
  ];
  for (const [args, message] of cases) {
    const { status, stdout, stderr } = genData(...args);
    assert.equal(status, 64, stderr);
    assert.match(stderr, message);
    assert.ok(stdout.length < 1000);
  }
});
