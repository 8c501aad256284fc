/** PNG files there and back, and damage that is found. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { crc32, deflateSync, inflateSync } from 'node:zlib';
import { PNG } from 'pngjs';
import { Draws } from '#air/core/rng.js';
import { AirError } from '#air/errors.js';
import { decodePng, encodePng, isColourPng } from '#air/formats/png.js';
import { checkPng } from '#air/formats/png-check.js';
import { airErrorOf } from '../support/samples.js';

const draws = new Draws(6, 'scenes');
const noise = (length: number): Uint8Array => Uint8Array.from({ length }, () => draws.integer(256));

/** The chunks of a PNG, read by the specification: length, type, data, CRC-32 of type and data. */
function chunksOf(bytes: Uint8Array): Map<string, Uint8Array> {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const chunks = new Map<string, Uint8Array>();
  for (let at = 8; at < bytes.length; ) {
    const length = view.getUint32(at);
    const body = bytes.subarray(at + 4, at + 8 + length);
    assert.equal(view.getUint32(at + 8 + length), crc32(body));
    chunks.set(Buffer.from(body.subarray(0, 4)).toString('latin1'), body.subarray(4));
    at += 12 + length;
  }
  return chunks;
}

test('a picture is a PNG of its size and colour type', () => {
  for (const [channels, colorType] of [
    [1, 0],
    [3, 2],
  ] as const) {
    const pixels = noise(7 * 4 * channels);
    const chunks = chunksOf(encodePng({ width: 7, height: 4, channels, pixels }));
    assert.deepEqual([...chunks.keys()], ['IHDR', 'IDAT', 'IEND']);
    assert.deepEqual([...(chunks.get('IHDR') ?? [])], [0, 0, 0, 7, 0, 0, 0, 4, 8, colorType, 0, 0, 0]);
    assert.equal(inflateSync(chunks.get('IDAT') ?? new Uint8Array()).length, 4 * (1 + 7 * channels));
  }
});

test('grey comes back as it was, RGB by pngjs as it was', async () => {
  const grey = noise(300 * 200);
  const decoded = await decodePng(encodePng({ width: 300, height: 200, channels: 1, pixels: grey }), 'p');
  assert.deepEqual(decoded, { width: 300, height: 200, channels: 1, pixels: grey });
  const rgb = noise(30 * 20 * 3);
  const { data } = PNG.sync.read(Buffer.from(encodePng({ width: 30, height: 20, channels: 3, pixels: rgb })));
  assert.deepEqual(
    rgb,
    Uint8Array.from(data).filter((_, i) => i % 4 !== 3),
  );
});

test('the same pixels give the same bytes', () => {
  const pixels = noise(64 * 64 * 3);
  const picture = { width: 64, height: 64, channels: 3 as const, pixels };
  const shifted = new Uint8Array(pixels.length + 1);
  shifted.set(pixels, 1);
  assert.deepEqual(encodePng(picture), encodePng({ ...picture, pixels: shifted.subarray(1) }));
});

test('colours become luminance, what is transparent becomes black', async () => {
  const png = new PNG({ width: 6, height: 1 });
  png.data.set([255, 255, 255, 255], 0);
  png.data.set([255, 0, 0, 255], 4);
  png.data.set([0, 255, 0, 255], 8);
  png.data.set([0, 0, 255, 255], 12);
  png.data.set([255, 255, 255, 0], 16);
  png.data.set([255, 255, 255, 51], 20);
  // 0.299, 0.587 and 0.114 of 255.
  assert.deepEqual([...(await decodePng(PNG.sync.write(png), 'p')).pixels], [255, 76, 150, 29, 0, 51]);
});

test('whether pixels are colours is said by the colour type, also of a palette', async () => {
  const picture = { width: 2, height: 1, pixels: Uint8Array.of(1, 2, 3, 4, 5, 6) };
  assert.equal(isColourPng(encodePng({ ...picture, channels: 3 })), true);
  assert.equal(isColourPng(encodePng({ ...picture, channels: 1, pixels: picture.pixels.slice(0, 2) })), false);
  const row = deflateSync(Uint8Array.of(0, 1, 0));
  const palette = pngOf(
    header(2, 1, 8, 3),
    ['PLTE', Uint8Array.of(255, 0, 0, 0, 255, 0)],
    ['IDAT', row],
    ['IEND', NONE],
  );
  assert.equal(isColourPng(palette), true);
  assert.deepEqual((await decodePng(palette, 'p')).pixels, Uint8Array.of(150, 76));
  const greyWithAlpha = pngOf(header(1, 1, 8, 4), ['IDAT', deflateSync(Uint8Array.of(0, 200, 255))], ['IEND', NONE]);
  assert.equal(isColourPng(greyWithAlpha), false);
  assert.deepEqual((await decodePng(greyWithAlpha, 'p')).pixels, Uint8Array.of(200));
});

test('an encoder refuses sizes that do not fit', () => {
  const wrong = { width: 3, height: 3, channels: 1 as const, pixels: new Uint8Array(8) };
  assert.equal(airErrorOf(() => encodePng(wrong)).kind, 'bug');
});

/** A PNG from its chunks, checksums right. */
function pngOf(...chunks: [type: string, data: Uint8Array][]): Uint8Array {
  const parts = chunks.flatMap(([type, data]) => {
    const body = Buffer.concat([Buffer.from(type), data]);
    const [length, crc] = [Buffer.alloc(4), Buffer.alloc(4)];
    length.writeUInt32BE(data.length);
    crc.writeUInt32BE(crc32(body));
    return [length, body, crc];
  });
  return Buffer.concat([Buffer.from('89504e470d0a1a0a', 'hex'), ...parts]);
}

const NONE = new Uint8Array(0);
const header = (width: number, height: number, ...rest: number[]): [string, Uint8Array] => {
  const data = Buffer.alloc(13);
  data.writeUInt32BE(width, 0);
  data.writeUInt32BE(height, 4);
  data.set(rest, 8);
  return ['IHDR', data];
};
const grey2x2 = header(2, 2, 8, 0);
const rows2x2 = deflateSync(Uint8Array.of(0, 10, 20, 0, 30, 40));

async function errorOf(bytes: Uint8Array): Promise<AirError> {
  try {
    await decodePng(bytes, 'p.png');
  } catch (error) {
    assert.ok(error instanceof AirError && error.kind === 'badData', String(error));
    return error;
  }
  throw new Error('nothing was thrown');
}

test('every cut and every flipped bit is refused', async () => {
  const whole = encodePng({ width: 5, height: 4, channels: 1, pixels: noise(20) });
  for (let length = 0; length < whole.length; length++) {
    const { message } = await errorOf(whole.subarray(0, length));
    assert.match(message, /^p\.png: (not a PNG image|a PNG cut short after \d+ bytes)$/);
  }
  for (let at = 0; at < whole.length; at++) {
    for (let bit = 0; bit < 8; bit++) {
      const changed = Uint8Array.from(whole);
      changed[at] ^= 1 << bit;
      await errorOf(changed);
    }
  }
});

test('pixels may come in several pieces and with chunks that do not matter', async () => {
  const [a, b] = [rows2x2.subarray(0, 5), rows2x2.subarray(5)];
  const { pixels } = await decodePng(pngOf(grey2x2, ['tEXt', noise(5)], ['IDAT', a], ['IDAT', b], ['IEND', NONE]), 'p');
  assert.deepEqual(pixels, Uint8Array.of(10, 20, 30, 40));
});

test('a PNG that is wrong is named by what is wrong', async () => {
  const rows = (length: number): [string, Uint8Array] => ['IDAT', deflateSync(new Uint8Array(length))];
  const end: [string, Uint8Array] = ['IEND', NONE];
  const cases: [Uint8Array, RegExp][] = [
    [pngOf(grey2x2, end), /its pixels cannot be inflated$/],
    [pngOf(grey2x2, ['IDAT', noise(50)], end), /its pixels cannot be inflated$/],
    [pngOf(grey2x2, ['IDAT', rows2x2.subarray(0, -1)], end), /its pixels cannot be inflated$/],
    [pngOf(grey2x2, rows(5), end), /a damaged PNG: 5 bytes of pixels, its header says 6$/],
    [pngOf(grey2x2, rows(7), end), /a damaged PNG: more pixels than its header says$/],
    [pngOf(grey2x2, rows(50_000_000), end), /a damaged PNG: more pixels than its header says$/],
    [pngOf(rows(6), grey2x2, end), /its header is not its first chunk$/],
    [pngOf(grey2x2, grey2x2, rows(6), end), /its header is not its first chunk$/],
    [pngOf(header(0x7fffffff, 4, 8, 0), rows(6), end), /a PNG of 2147483647 x 4 pixels, expected 1 \.\. 16777216$/],
    [pngOf(header(0, 2, 8, 0), rows(6), end), /a PNG of 0 x 2 pixels/],
    [pngOf(header(2, 2, 8, 0, 0, 0, 1), rows(6), end), /an interlaced PNG$/],
    [pngOf(header(2, 2, 8, 1), rows(6), end), /colour type 1 with 8 bits$/],
    [pngOf(header(2, 2, 7, 0), rows(6), end), /colour type 0 with 7 bits$/],
    [pngOf(grey2x2, ['IDAT', rows2x2], ['ABCD', NONE], end), /a damaged PNG: a chunk of unknown type ABCD$/],
    [pngOf(grey2x2, ['IHDR', noise(4)], ['IDAT', rows2x2], end), /its header is not its first chunk$/],
    [pngOf(['IHDR', noise(4)], ['IDAT', rows2x2], end), /its header is not its first chunk$/],
    [pngOf(header(2, 2, 4, 2), rows(6), end), /colour type 2 with 4 bits$/],
    [pngOf(header(2, 2, 16, 3), rows(10), end), /colour type 3 with 16 bits$/],
    [pngOf(header(2, 2, 1, 6), rows(4), end), /colour type 6 with 1 bits$/],
    [pngOf(header(2, 2, 8, 0, 1), rows(6), end), /methods 1, 0 and 0, which are not known$/],
    [pngOf(header(2, 2, 8, 0, 0, 0, 2), rows(6), end), /methods 0, 0 and 2, which are not known$/],
    [pngOf(header(2, 2, 8, 3), rows(6), end), /no palette$/],
    [pngOf(grey2x2, ['I\x1bAT', NONE], rows(6), end), /a chunk without a type before byte 41$/],
    [
      pngOf(grey2x2, ['IDAT', deflateSync(Uint8Array.of(0, 1, 2, 5, 3, 4))], end),
      /a row with filter 5, which is not known$/,
    ],
    [pngOf(grey2x2, ['IDAT', rows2x2], end, end), /12 bytes after the end of the PNG$/],
  ];
  for (const [bytes, message] of cases) assert.match((await errorOf(bytes)).message, message);
});

test('pixels of an index that the palette does not have are refused, or black', async () => {
  const bytes = pngOf(
    header(2, 1, 8, 3),
    ['PLTE', Uint8Array.of(255, 255, 255)],
    ['IDAT', deflateSync(Uint8Array.of(0, 0, 9))],
    ['IEND', NONE],
  );
  const pixels = await decodePng(bytes, 'p').then(
    ({ pixels }) => [...pixels],
    (error) => error instanceof AirError,
  );
  assert.ok(pixels === true || String(pixels) === '255,0', String(pixels));
});

test('a PNG is checked as it arrives, however large its sides', async () => {
  const [width, height] = [5000, 4000];
  const picture = { width, height, channels: 1 as const, pixels: new Uint8Array(width * height).fill(7) };
  const whole = encodePng(picture);
  for (const size of [1, 7, 65536]) {
    assert.deepEqual(await checkPng(pieces(whole, size), 'p'), { width, height, depth: 8, colorType: 0 });
  }
  await assert.rejects(
    checkPng(pieces(whole.subarray(0, -1), 1000), 'p.png'),
    /p\.png: a PNG cut short after \d+ bytes/,
  );
  const changed = Uint8Array.from(whole);
  changed[whole.length >> 1] ^= 1;
  await assert.rejects(checkPng(pieces(changed, 1000), 'p.png'), /p\.png: a damaged PNG: checksum at byte \d+/);
});

function* pieces(bytes: Uint8Array, size: number): Generator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}

test('garbage is refused by an AirError, always', async () => {
  const whole = Uint8Array.from(pngOf(grey2x2, ['IDAT', rows2x2], ['IEND', NONE]));
  for (let trial = 0; trial < 1000; trial++) {
    const bytes = Uint8Array.from(whole);
    const at = 16 + draws.integer(bytes.length - 16);
    bytes.set(noise(Math.min(1 + draws.integer(4), bytes.length - at)), at);
    // With right checksums in the first two chunks, so that the garbage is looked at.
    const view = new DataView(bytes.buffer);
    for (const [start, length] of [
      [8, 13],
      [33, rows2x2.length],
    ]) {
      view.setUint32(start + 8 + length, crc32(bytes.subarray(start + 4, start + 8 + length)));
    }
    try {
      await decodePng(bytes, 'p');
    } catch (error) {
      assert.ok(error instanceof AirError && error.kind === 'badData', String(error));
    }
  }
});
