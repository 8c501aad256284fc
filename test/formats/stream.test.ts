/** Streams as they should be: what is written, what is read back, in whatever pieces it arrives. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { crc32 } from 'node:zlib';
import type { Box } from '#air/core/latent.js';
import { packValue } from '#air/formats/msgpack.js';
import type { Header, Scene } from '#air/formats/records.js';
import { readStream, StreamDecoder, StreamWriter } from '#air/formats/stream.js';
import {
  airErrorOf,
  chunksOf,
  concat,
  drain,
  LATENTS,
  readBytes,
  recordsOf,
  SCENES,
  sampleLatents,
  sampleScenes,
  segment,
  segmentPieces,
} from '../support/samples.js';

test('the bytes of a small stream, by the specification', () => {
  const header: Header = { air: 'scenes', version: 1, canvas: [1, 2], image: { dtype: 'uint8', shape: [1, 2] } };
  const scene: Scene = {
    i: 5,
    image: Uint8Array.of(0, 200),
    count: 1,
    objects: [{ label: 3, frame: [0, 0.5, 1, 1], ink: [0, 0, 2, 1] }],
  };
  const text = (value: string): string => Buffer.from([0xa0 + value.length, ...Buffer.from(value)]).toString('hex');
  const half = 'cb3fe0000000000000';
  const before = [
    `84 ${text('air')} ${text('scenes')} ${text('version')} 01 ${text('canvas')} 92 01 02`,
    `${text('image')} 82 ${text('dtype')} ${text('uint8')} ${text('shape')} 92 01 02`,
    `84 ${text('i')} 05 ${text('image')} c4 02 00c8 ${text('count')} 01 ${text('objects')} 91`,
    `83 ${text('label')} 03 ${text('frame')} 94 00 ${half} 01 01 ${text('ink')} 94 00 00 02 01`,
  ];
  const bytesBefore = Buffer.from(before.join('').replaceAll(' ', ''), 'hex');
  const crc = Buffer.alloc(4);
  crc.writeUInt32BE(crc32(bytesBefore));
  const end = `83 ${text('end')} c3 ${text('records')} 01 ${text('crc32')} ce ${crc.toString('hex')}`;
  const expected = Buffer.concat([bytesBefore, Buffer.from(end.replaceAll(' ', ''), 'hex')]);
  assert.equal(Buffer.from(segment(header, [scene])).toString('hex'), expected.toString('hex'));
});

test('an index is an integer on the wire, however large', async () => {
  for (const [i, bytes] of [
    [2 ** 32 - 1, 'ceffffffff'],
    [2 ** 32, 'd30000000100000000'],
    [Number.MAX_SAFE_INTEGER, 'd3001fffffffffffff'],
  ] as const) {
    const scene = { i, image: new Uint8Array(6) };
    assert.ok(Buffer.from(segment(SCENES, [scene])).includes(Buffer.from(bytes, 'hex')));
    assert.deepEqual(recordsOf((await readBytes(segment(SCENES, [scene]))).got), [scene]);
  }
});

test('keys are written in one order, whatever order they are given in', () => {
  const shuffle = <T extends object>(value: T): T => Object.fromEntries(Object.entries(value).reverse()) as T;
  const scenes = sampleScenes();
  assert.deepEqual(segment(shuffle(SCENES), scenes.map(shuffle)), segment(SCENES, scenes));
  const latents = sampleLatents();
  const shuffled = latents.map((latent) => shuffle({ ...latent, steps: latent.steps.map(shuffle) }));
  assert.deepEqual(segment(LATENTS, shuffled), segment(LATENTS, latents));
});

test('scenes and latents come back as they were', async () => {
  for (const [header, records] of [
    [SCENES, sampleScenes()],
    [LATENTS, sampleLatents()],
  ] as const) {
    const { got, error } = await readBytes(segment(header, [...records]));
    assert.equal(error, undefined);
    assert.deepEqual(got, [
      { type: 'header', header },
      ...records.map((record) => ({ type: 'record', record })),
      { type: 'end' },
    ]);
  }
});

test('the header says how many numbers z_where is, where they are not three', async () => {
  const header = { ...LATENTS, where: { dtype: 'float32', shape: [4] } } as const;
  const four = Float32Array.of(0.5, -0.25, -0.75, 0.1);
  const latents = sampleLatents().map((latent) => ({
    ...latent,
    steps: latent.steps.map((step) => ({ ...step, where: four, whereScale: four.map(Math.abs) })),
  }));
  const { got, error } = await readBytes(segment({ ...header, where: { ...header.where, shape: [4] } }, latents));
  assert.equal(error, undefined);
  assert.deepEqual(recordsOf(got), latents);
  assert.throws(() => segment(LATENTS, latents), /where must be 3 float32 values/);
});

test('a stream may hold no records', async () => {
  const { got, error } = await readBytes(segment(SCENES, []));
  assert.equal(error, undefined);
  assert.deepEqual(
    got.map((event) => event.type),
    ['header', 'end'],
  );
});

test('streams one after the other are a stream', async () => {
  const bytes = concat([segment(SCENES, sampleScenes()), segment(SCENES, []), segment(LATENTS, sampleLatents())]);
  const { got, error } = await readBytes(bytes);
  assert.equal(error, undefined);
  const types = got.map((event) => event.type).join(' ');
  assert.equal(types, 'header record record record record end header end header record record end');
  assert.deepEqual(recordsOf(got), [...sampleScenes(), ...sampleLatents()]);
});

test('the pieces it arrives in do not matter', async () => {
  const bytes = concat([segment(LATENTS, sampleLatents()), segment(SCENES, sampleScenes())]);
  const expected = (await readBytes(bytes)).got;
  for (let cut = 0; cut <= bytes.length; cut++) {
    const two = async function* (): AsyncGenerator<Uint8Array> {
      yield bytes.subarray(0, cut);
      yield bytes.subarray(cut);
    };
    assert.deepEqual(await drain(readStream(two(), { name: '-' })), { got: expected, error: undefined });
  }
  for (const size of [1, 2, 3, 7, 64]) {
    assert.deepEqual(await readBytes(bytes, {}, size), { got: expected, error: undefined });
  }
});

test('events come as soon as their last byte', () => {
  const pieces = segmentPieces(SCENES, sampleScenes());
  const decoder = new StreamDecoder({ name: '-' });
  const types = pieces.map((piece) => {
    decoder.append(piece.subarray(0, -1));
    assert.equal(decoder.next(), undefined);
    decoder.append(piece.subarray(-1));
    return decoder.next()?.type;
  });
  assert.deepEqual(types, ['header', 'record', 'record', 'record', 'record', 'end']);
  decoder.finish();
});

test('a record holds its own bytes: they neither change nor keep the chunk', async () => {
  const bytes = segment(LATENTS, sampleLatents());
  const chunk = new Uint8Array(1 << 20);
  const reused = async function* (): AsyncGenerator<Uint8Array> {
    for (let i = 0; i < bytes.length; i += 50) {
      const piece = bytes.subarray(i, i + 50);
      chunk.fill(0xee);
      chunk.set(piece);
      yield chunk.subarray(0, piece.length);
    }
  };
  const { got } = await drain(readStream(reused(), { name: '-' }));
  assert.deepEqual(recordsOf(got), sampleLatents());
  for (const record of recordsOf(got)) {
    assert.equal(Object.getPrototypeOf(record.image), Uint8Array.prototype);
    assert.ok(record.image.buffer.byteLength < 1000);
  }
});

test('a chunk larger than a piece is read whole', async () => {
  const scene: Scene = { i: 0, image: new Uint8Array(300 * 300).fill(7) };
  const header: Header = {
    air: 'scenes',
    version: 1,
    canvas: [300, 300],
    image: { dtype: 'uint8', shape: [300, 300] },
  };
  const bytes = segment(header, new Array(10).fill(scene));
  const { got, error } = await readBytes(bytes, {}, bytes.length);
  assert.equal(error, undefined);
  assert.deepEqual(recordsOf(got), new Array(10).fill(scene));
});

test('the reader stops its input when it is stopped', async () => {
  let isClosed = false;
  const endless = async function* (): AsyncGenerator<Uint8Array> {
    try {
      for (;;) yield* chunksOf(segment(SCENES, sampleScenes()));
    } finally {
      isClosed = true;
    }
  };
  for await (const event of readStream(endless(), { name: '-' })) if (event.type === 'record') break;
  assert.equal(isClosed, true);
});

test('keys that are not known are ignored, and a header keeps them', async () => {
  const header: Header = { ...SCENES, later: { a: [1, 'x'] }, '7': true };
  const scenes = sampleScenes();
  const { got, error } = await readBytes(segment(header, scenes));
  assert.equal(error, undefined);
  assert.deepEqual(got[0], { type: 'header', header });
});

test('a writer refuses what a reader would', () => {
  const [scene] = sampleScenes();
  const [latent] = sampleLatents();
  const wrongScenes: [unknown, RegExp][] = [
    [{ ...scene, image: new Uint8Array(5) }, /^cannot write record 0: image must be 6 bytes \(2 x 3\), got 5 bytes$/],
    [{ ...scene, i: -1 }, /i must be a whole number, got -1/],
    [{ ...scene, count: 2 }, /count is 2, but there are 1 objects/],
  ];
  for (const [record, message] of wrongScenes) {
    const error = airErrorOf(() => new StreamWriter(SCENES).record(record as Scene));
    assert.equal(error.kind, 'bug');
    assert.match(error.message, message);
  }
  const wrongLatents: [unknown, RegExp][] = [
    [{ ...latent, elbo: Number.NaN }, /elbo must be a finite number, got NaN/],
    [{ ...latent, q: [1] }, /q must be 2 numbers for 1 steps, got an array of 1/],
    [{ ...latent, n: 2 }, /n must be at most 1, got 2/],
    [{ ...latent, q: [0.5, 0.4] }, /q must add up to 1, got 0\.9/],
    [{ ...latent, count: 256, objects: undefined }, /count must be at most 255, got 256/],
    [
      { ...latent, steps: [{ ...latent.steps[0], whatScale: Float32Array.of(1, Number.NaN) }] },
      /what_scale must be finite numbers that are not negative, got NaN/,
    ],
    [{ ...latent, steps: [{ ...latent.steps[0], what: new Float32Array(3) }] }, /what must be 2 float32 values/],
  ];
  for (const [record, message] of wrongLatents) {
    assert.match(airErrorOf(() => new StreamWriter(LATENTS).record(record as Scene)).message, message);
  }
  const { window: _, ...noWindow } = LATENTS;
  assert.match(airErrorOf(() => new StreamWriter(noWindow as Header).record(latent)).message, /names no shape for it/);
  const tooLarge = { ...SCENES, canvas: [50, 5000], image: { dtype: 'uint8', shape: [50, 5000] } };
  assert.match(airErrorOf(() => new StreamWriter(tooLarge as Header)).message, /canvas must be a size in 1 .. 2048/);
});

test('what is too large to be read is not written', async () => {
  const lines = (count: number): Header => ({ ...SCENES, provenance: Array(count).fill('air gen-data') });
  const { got, error } = await readBytes(segment(lines(65_000), []));
  assert.deepEqual([got.length, error], [2, undefined]);
  const refused = airErrorOf(() => segment(lines(65_536), []));
  assert.equal(refused.kind, 'usage');
  assert.match(
    refused.message,
    /^cannot write the header: too large: a value has at most \d+ bytes, 65536 parts and 32 levels$/,
  );
  assert.match(refused.hint ?? '', /--no-provenance/);
  const [latent] = sampleLatents();
  const size: [number, number] = [2048, 2048];
  const header = {
    ...LATENTS,
    canvas: size,
    image: { ...LATENTS.image, shape: size },
    window: { ...LATENTS.image, shape: size },
  };
  const whole = new Uint8Array(2048 * 2048);
  const step = { ...latent.steps[0], window: whole };
  const large = {
    ...latent,
    q: [1, ...Array(8).fill(0)],
    evidence: undefined,
    steps: Array(8).fill(step),
    image: whole,
  };
  const { message } = airErrorOf(() => segment(header, [{ ...large, reconstruction: whole } as Scene]));
  assert.match(message, /^cannot write record 0: too large: /);
});

test('the numbers that the worst of models may give are written and read', async () => {
  const [latent] = sampleLatents();
  const most = 3.4028234663852886e38; // of float32
  const far = Float32Array.of(-most, most, -most);
  const steps = [
    {
      ...latent.steps[0],
      where: far,
      whereScale: Float32Array.of(0, 1e-45, most),
      box: [5000 * most, -5000 * most, 0, 10240] as Box,
    },
  ];
  const records = [
    { ...latent, n: 0, q: [1 - 1e-16, 1e-300], elbo: -21 * most, evidence: [-Infinity, 21 * most], steps },
  ];
  const { got, error } = await readBytes(segment(LATENTS, records));
  assert.equal(error, undefined);
  assert.deepEqual(recordsOf(got), records);
});

test('the first key of a header may be a string in any encoding', async () => {
  const [header, ...rest] = segmentPieces(SCENES, sampleScenes());
  assert.equal(header[1], 0xa3); // "air", as a string of less than 32 bytes
  for (const token of [
    [0xd9, 3],
    [0xda, 0, 3],
    [0xdb, 0, 0, 0, 3],
  ]) {
    const other = concat([header.subarray(0, 1), Uint8Array.from(token), header.subarray(2)]);
    const end = packValue({ end: true, records: 4, crc32: crc32(concat([other, ...rest.slice(0, -1)])) });
    const { got, error } = await readBytes(concat([other, ...rest.slice(0, -1), end]));
    assert.equal(error, undefined);
    assert.equal(recordsOf(got).length, 4);
  }
});
