/** PNGs of every kind of pixel, with right checksums over whatever the chunks hold. */
import assert from 'node:assert/strict';
import { crc32, deflateSync } from 'node:zlib';
import { decodePng, encodePng, type Picture } from '#air/formats/png.js';
import { checkPng } from '#air/formats/png-check.js';
import { concat } from '../../support/samples.js';
import { type Made, NAME, type Reader } from '../cases.js';
import type { Choices } from '../choices.js';
import { damaged } from '../damage.js';
import { pieces } from '../pieces.js';
import { type Pictures, readPictures } from './images.js';

/** Colour type, samples of a pixel, the depths that it may have. */
const KINDS: readonly [type: number, samples: number, depths: readonly number[]][] = [
  [0, 1, [8, 1, 2, 4, 16]],
  [2, 3, [8, 16]],
  [3, 1, [8, 1, 2, 4]],
  [4, 2, [8, 16]],
  [6, 4, [8, 16]],
];
const CHUNK_TYPES = [
  'tEXt',
  'gAMA',
  'tRNS',
  'PLTE',
  'IDAT',
  'IEND',
  'IHDR',
  'ABCD',
  'abcd',
  '\u0000\u0001\u0002\u0003',
  'iCCP',
  'acTL',
];

type Chunk = [type: string, data: Uint8Array];

function chunkBytes(c: Choices, [type, data]: Chunk): Uint8Array {
  const bytes = new Uint8Array(12 + data.length);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, c.whole(data.length));
  bytes.set(Buffer.from(type, 'latin1'), 4);
  bytes.set(data, 8);
  view.setUint32(8 + data.length, c.whole(crc32(bytes.subarray(4, 8 + data.length))));
  return bytes;
}

function headerOf(c: Choices, sizes: readonly [width: number, height: number], rest: readonly number[]): Chunk {
  const data = new Uint8Array(13);
  const view = new DataView(data.buffer);
  sizes.forEach((size, k) => {
    view.setUint32(4 * k, c.whole(size));
  });
  rest.forEach((value, k) => {
    data[8 + k] = c.whole(value, 8);
  });
  return ['IHDR', data];
}

/** Of a picture of a million pixels, and of much more than that. */
const BOMBS = [1_001_000, 10_000_000].map((size) => deflateSync(new Uint8Array(size)));

/** The zlib stream of rows, in pieces. The Adler-32 in it is right, unless that is the lie. */
function pixelChunks(c: Choices, rows: Uint8Array): Chunk[] {
  const wrong = (): Uint8Array => c.pick([rows.subarray(1), concat([rows, rows]), new Uint8Array(c.below(2))]);
  const stream = deflateSync(c.or(rows, wrong), { level: c.pick([6, 0, 9]) });
  const deflated = c.or<Uint8Array>(stream, () =>
    c.pick([damaged(c, stream), concat([stream, stream]), c.bytes(20), ...BOMBS]),
  );
  const cut = c.once(3) ? c.below(deflated.length) : deflated.length;
  const pieces = [deflated.subarray(0, cut), deflated.subarray(cut)];
  return pieces.map((piece): Chunk => ['IDAT', piece]).slice(0, cut === deflated.length ? 1 : 2);
}

function make(c: Choices): Made<Picture> {
  const [width, height] = [1 + c.below(6), 1 + c.below(6)];
  const [type, samples, depths] = c.pick(KINDS);
  const depth = c.pick(depths);
  const rowBytes = Math.ceil((width * samples * depth) / 8);
  const pixels = c.bytes(height * rowBytes);
  const filter = c.pick([0, 0, 1, 2, 3, 4]);
  const rows = concat(
    Array.from({ length: height }, (_, row) => {
      const one = pixels.subarray(row * rowBytes, (row + 1) * rowBytes);
      return concat([Uint8Array.of(c.or(filter, () => c.oddWhole())), one]);
    }),
  );
  const palette: Chunk[] = type === 3 ? [['PLTE', c.bytes(3 * 2 ** depth)]] : [];
  const chunks: Chunk[] = [
    headerOf(c, [width, height], [depth, type, 0, 0, 0]),
    ...palette,
    ...pixelChunks(c, rows),
    ['IEND', new Uint8Array(0)],
  ];
  if (c.once(3)) chunks.splice(1 + palette.length, 0, ['tEXt', c.bytes(c.below(20))]);
  if (c.isLie()) chunks.splice(c.below(chunks.length + 1), c.below(2), [c.pick(CHUNK_TYPES), c.bytes(c.below(40))]);
  if (c.isLie()) chunks.push(c.pick(chunks));
  const signature = Uint8Array.of(0x89, 0x50, 0x4e, 0x47, 13, 10, 26, 10);
  const bytes = concat([signature, ...chunks.map((chunk) => chunkBytes(c, chunk))]);
  const isPlain = type === 0 && depth === 8 && filter === 0;
  return { bytes, ...(isPlain ? { holds: { width, height, channels: 1, pixels } } : {}) };
}

export const png: Reader<Picture> = {
  name: 'png',
  slowness: 2,
  make,
  async read(bytes, c) {
    const { width, height } = await checkPng(pieces(bytes, c), NAME);
    const picture = await decodePng(bytes, NAME);
    assert.deepEqual([picture.width, picture.height], [width, height]);
    return picture;
  },
  async check(picture) {
    assert.equal(picture.pixels.length, picture.width * picture.height);
    assert.deepEqual(await decodePng(encodePng(picture), NAME), picture);
  },
  same: assert.deepEqual,
};

export const pngImages: Reader<Pictures> = {
  name: 'png-images',
  make(c) {
    const { bytes, holds } = make(c);
    return { bytes, holds: holds && { ...holds, count: 1, images: [holds.pixels] } };
  },
  ...readPictures,
  same: ({ images }, holds) => assert.deepEqual(images, holds.images),
};
