/** Images from IDX, .npy, .npz and PNG: sniffed, whole and as they arrive. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { gunzipSync } from 'node:zlib';
import { Draws } from '#air/core/rng.js';
import { AirError } from '#air/errors.js';
import { decodeIdx, readIdx } from '#air/formats/idx.js';
import { readImages } from '#air/formats/images.js';
import { encodeNpy } from '#air/formats/npy.js';
import { encodeNpz } from '#air/formats/npz.js';
import { encodePng } from '#air/formats/png.js';
import { encodeSafetensors } from '#air/formats/safetensors.js';
import { sniff, sniffChunks } from '#air/formats/sniff.js';
import {
  airErrorOf,
  chunksOf,
  concat,
  drain,
  LATENTS,
  type Outcome,
  SCENES,
  sampleScenes,
  segment,
} from '../support/samples.js';

const pixels = Uint8Array.from({ length: 3 * 4 * 5 }, (_, i) => (i * 37) & 255);
const images = [0, 1, 2].map((i) => pixels.slice(20 * i, 20 * (i + 1)));
const idx = Uint8Array.from([0, 0, 8, 3, 0, 0, 0, 3, 0, 0, 0, 4, 0, 0, 0, 5, ...pixels]);
const npy = encodeNpy({ shape: [3, 4, 5], data: pixels });
const floats = encodeNpy({ shape: [3, 4, 5], data: Float32Array.from(pixels, (value) => value / 255) });
const npz = encodeNpz(new Map([['x', { shape: [3, 4, 5], data: pixels }]]));
const png = encodePng({ width: 5, height: 4, channels: 1, pixels: images[0] });

type Read = Outcome<Uint8Array> & { shape?: [height: number, width: number, count: number] };

/** Reads to the end or to an error, which must be an AirError 'badData'. */
async function readAll(bytes: Uint8Array, chunkSize?: number): Promise<Read> {
  try {
    const { height, width, count, images } = await readImages(chunksOf(bytes, chunkSize), 'in');
    return { ...(await drain(images)), shape: [height, width, count] };
  } catch (error) {
    if (error instanceof AirError && error.kind === 'badData') return { got: [], error };
    throw error;
  }
}

test('files are told apart by their first bytes', async () => {
  const cases: [string, Uint8Array][] = [
    ['stream', segment(SCENES, sampleScenes())],
    ['stream', segment(LATENTS, [])],
    ['idx', idx],
    ['npy', npy],
    ['npz', npz],
    ['npz', Uint8Array.from([0x50, 0x4b, 5, 6, ...new Uint8Array(18)])],
    ['png', png],
    ['gzip', readFileSync('fixtures/mnist/t10k-labels-idx1-ubyte.gz')],
    ['safetensors', encodeSafetensors(new Map(), { k: 'v' })],
    ['safetensors', readFileSync('fixtures/oracle/pillow-resize.safetensors')],
    ['unknown', new Uint8Array(0)],
    ['unknown', new Uint8Array(100)],
    ['unknown', new TextEncoder().encode('{"i": 0}')],
    ['unknown', Uint8Array.of(0x82, 0x01, 0x02, 0x03, 0x04)],
  ];
  for (const [kind, bytes] of cases) {
    assert.equal(sniff(bytes), kind);
    for (const size of [1, 5, 65536]) {
      const sniffed = await sniffChunks(chunksOf(bytes, size));
      assert.equal(sniffed.kind, kind);
      const { got } = await drain(sniffed.chunks);
      assert.deepEqual(concat(got), Uint8Array.from(bytes), 'nothing is lost');
    }
  }
});

test('images come out, whole file or in pieces of any size', async () => {
  for (const bytes of [idx, npy, floats, npz]) {
    for (const size of [1, 3, 19, 20, 21, 41, 1000]) {
      assert.deepEqual(await readAll(bytes, size), { shape: [4, 5, 3], got: images, error: undefined });
    }
  }
  assert.deepEqual(await readAll(png, 7), { shape: [4, 5, 1], got: images.slice(0, 1), error: undefined });
});

test('every prefix is refused after its complete images; so is a longer file', async () => {
  for (const [bytes, imageBytes, dataBytes] of [
    [idx, 20, 60],
    [npy, 20, 60],
    [floats, 80, 240],
    [png, Infinity, png.length],
  ] as const) {
    for (let length = 0; length < bytes.length; length++) {
      const cut = bytes.subarray(0, length);
      const { got, error } = await readAll(cut);
      assert.equal(got.length, Math.max(0, Math.floor((length - (bytes.length - dataBytes)) / imageBytes)));
      assert.ok(error, `${length} bytes`);
    }
    assert.ok((await readAll(concat([bytes, Uint8Array.of(0)]))).error);
  }
  assert.equal((await readAll(idx.subarray(0, 75))).error?.message, 'in: cut short: 75 bytes, its header says 76');
  assert.equal((await readAll(concat([idx, idx]))).error?.message, 'in: too long: 152 bytes, its header says 76');
});

test('the reader stops its input on an error and when it is stopped', async () => {
  let closed = 0;
  const endless = async function* (first: Uint8Array): AsyncGenerator<Uint8Array> {
    try {
      for (yield first; ; ) yield new Uint8Array(1000);
    } finally {
      closed++;
    }
  };
  await assert.rejects(readImages(endless(new TextEncoder().encode('not an image')), 'in'), AirError);
  assert.equal(closed, 1);
  assert.match((await drain((await readImages(endless(npy), 'in')).images)).error?.message ?? '', /too long/);
  assert.equal(closed, 2);
  for await (const _ of (await readImages(endless(npy), 'in')).images) break;
  assert.equal(closed, 3);
});

test('what is no image file is named', async () => {
  const cases: [Uint8Array, string][] = [
    [new Uint8Array(0), 'in: input is empty'],
    [segment(SCENES, []), 'in: not an image file: is a stream, expected .npy, .npz, PNG or IDX'],
    [
      new TextEncoder().encode('P5 28 28'),
      'in: not an image file: begins with 50 35 20 32 38 20 32 38, expected .npy, .npz, PNG or IDX',
    ],
    [Uint8Array.of(0, 0, 8, 3, 0), 'in: cut short after 5 bytes, inside its header'],
    [Uint8Array.of(0, 0, 8, 2, 0, 0, 0, 1, 0, 0, 0, 1, 5), 'in: shape [1, 1], expected [images, height, width]'],
    [
      Uint8Array.of(0, 0, 8, 3, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 1),
      'in: shape [1, 0, 1], expected images of 1 .. 2048 pixels a side',
    ],
    [
      Uint8Array.of(0, 0, 8, 3, 0, 0, 0, 1, 255, 0, 0, 0, 0, 0, 0, 1),
      'in: shape [1, 4278190080, 1], expected images of 1 .. 2048 pixels a side',
    ],
    [
      Uint8Array.of(0, 0, 13, 3, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 1, 0),
      'in: IDX elements of type 0x0d, expected 0x08 (unsigned bytes)',
    ],
  ];
  for (const [bytes, message] of cases) assert.equal((await readAll(bytes)).error?.message, message);
});

test('the MNIST files read whole, with the rank that is asked for', () => {
  const unzip = (name: string) => gunzipSync(readFileSync(`fixtures/mnist/${name}.gz`));
  const labels = decodeIdx(unzip('t10k-labels-idx1-ubyte'), 'labels', 1);
  assert.deepEqual(labels.shape, [10000]);
  assert.deepEqual([...labels.data.subarray(0, 5)], [7, 2, 1, 0, 4]);
  const digits = decodeIdx(unzip('t10k-images-idx3-ubyte'), 'digits', 3);
  assert.deepEqual(digits.shape, [10000, 28, 28]);
  const message = 'labels: IDX array of rank 1 [10000], expected 3';
  assert.equal(airErrorOf(() => decodeIdx(unzip('t10k-labels-idx1-ubyte'), 'labels', 3)).message, message);
});

test('an IDX header that is wrong is named', async () => {
  const cases: [number[], string][] = [
    [[], 'in: cut short inside its IDX header'],
    [[0, 0, 8], 'in: cut short inside its IDX header'],
    [[0, 0, 8, 1, 0, 0, 0], 'in: cut short inside its IDX header'],
    [[1, 0, 8, 1, 0, 0, 0, 0], 'in: not an IDX file: begins with 01 00 08 01, expected 00 00 08 RANK'],
    [[0, 0, 8, 0], 'in: not an IDX file: begins with 00 00 08 00, expected 00 00 08 RANK'],
    [[0, 0, 9, 1, 0, 0, 0, 0], 'in: IDX elements of type 0x09, expected 0x08 (unsigned bytes)'],
    [[0, 0, 8, 1, 0, 0, 0, 3, 1, 2], 'in: cut short: 10 bytes, its header says 11'],
    [[0, 0, 8, 1, 0, 0, 0, 1, 1, 2], 'in: too long: 10 bytes, its header says 9'],
  ];
  for (const [bytes, message] of cases) {
    assert.equal(airErrorOf(() => decodeIdx(Uint8Array.from(bytes), 'in')).message, message);
    for (const size of [1, 100]) {
      await assert.rejects(readIdx(chunksOf(Uint8Array.from(bytes), size), 'in', 1), { kind: 'badData' });
    }
  }
});

test('an IDX file that arrives is read no further than its header says, and refused where that is too much to hold', async () => {
  const whole = Uint8Array.of(0, 0, 8, 2, 0, 0, 0, 2, 0, 0, 0, 3, 1, 2, 3, 4, 5, 6);
  for (const size of [1, 5, 100]) {
    const expected = { shape: [2, 3], data: whole.subarray(12) };
    assert.deepEqual(await readIdx(chunksOf(whole, size), 'in', 2), expected);
  }
  let chunks = 0;
  let isClosed = false;
  const endless = async function* (): AsyncGenerator<Uint8Array> {
    try {
      for (yield whole; ; chunks++) yield new Uint8Array(100);
    } finally {
      isClosed = true;
    }
  };
  await assert.rejects(readIdx(endless(), 'in', 2), /^AirError: in: too long: 118 bytes, its header says 18$/);
  assert.deepEqual([chunks, isClosed], [0, true]);
  const huge = Uint8Array.of(0, 0, 8, 4, ...Array(16).fill(255));
  await assert.rejects(readIdx(chunksOf(huge), 'in', 4), /\[4294967295, .*\], expected 1073741824 elements at most$/);
});

test('garbage is refused by an AirError, always', async () => {
  const draws = new Draws(5, 'scenes');
  for (let trial = 0; trial < 2000; trial++) {
    const bytes = Uint8Array.from([idx, npy, floats, png][trial % 4]);
    for (let changes = 1 + draws.integer(3); changes > 0; changes--) {
      bytes[draws.integer(Math.min(bytes.length, 140))] = draws.integer(256);
    }
    const kept = bytes.subarray(0, 1 + draws.integer(bytes.length));
    for (const input of [bytes, kept]) {
      const { got, shape } = await readAll(input);
      for (const image of got) assert.equal(image.length, (shape?.[0] ?? 0) * (shape?.[1] ?? 0));
    }
  }
});
