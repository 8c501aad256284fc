/** .npy files: the header's text is where most can go wrong. */
import assert from 'node:assert/strict';
import { decodeNpy, encodeNpy, type NpyArray } from '#air/formats/npy.js';
import { concat } from '../../support/samples.js';
import { type Made, NAME, type Reader } from '../cases.js';
import type { Choices } from '../choices.js';
import { type Pictures, picturesOf, readPictures } from './images.js';

const OTHER_TYPES = [
  ...[
    "'<f8'",
    "'>f4'",
    "'<i8'",
    "'|b1'",
    "'|O'",
    "'<U4000000000'",
    "[('a', '|u1'), ('b', '<f4')]",
    "''",
    "'|u1",
    'None',
  ],
  `'${'f'.repeat(5000)}'`,
  "'\u001b[2J'",
];
const OTHER_SHAPES = [
  ...[
    '',
    '()',
    '(,)',
    '(2)',
    '[2, 2, 2]',
    '(-1, 2, 2)',
    '(2L, 2L, 2L)',
    '(2.0, 2, 2)',
    '(2, 2, 2',
    '(0x10, 2, 2)',
    '(True, 2, 2)',
  ],
  ...[
    `(${'9'.repeat(400)}, 2, 2)`,
    '(9007199254740993, 2, 2)',
    '(4294967296, 4294967296, 4294967296)',
    '(0, 99999999999999999999, 1)',
  ],
  ...[`(${'1, '.repeat(70_000)})`, `(${'1, '.repeat(400)})`, '(4000000000, 2048, 2048, 4)', '(1, 2048, 2048, 4)'],
];

/** A file of `data`; of its header anything may be a lie. */
export function npyOf(c: Choices, { shape, data }: NpyArray): Uint8Array<ArrayBuffer> {
  const descr = c.or(data instanceof Uint8Array ? "'|u1'" : "'<f4'", () => c.pick(OTHER_TYPES));
  const sizes = shape.map((size) => c.whole(size, 64));
  const text = c.or(`(${sizes.join(', ')}${sizes.length === 1 ? ',' : ''})`, () => c.pick(OTHER_SHAPES));
  const order = c.or('False', () => c.pick(['True', 'false', '0', '']));
  const members = [`'descr': ${descr}`, `'fortran_order': ${order}`, `'shape': ${text}`];
  if (c.isLie()) members.splice(c.below(3), c.below(2), c.pick(members), `'${c.oddText()}': ${c.oddNumber()}`);
  const dict = c.or(`{${members.join(', ')}, }`, () =>
    c.pick(['', '{', '{}', '}{', c.oddText(), `{${members}}${c.oddText()}`]),
  );
  const version = c.or(c.pick([1, 2, 3]), () => c.oddWhole());
  const lengthBytes = version === 1 ? 2 : 4;
  const padded = new TextEncoder().encode(`${dict}${' '.repeat(c.below(60))}\n`);
  const start = new Uint8Array(8 + lengthBytes);
  start.set([0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59, version, c.or(0, () => c.oddWhole())]);
  const length = c.whole(padded.length);
  if (lengthBytes === 2) new DataView(start.buffer).setUint16(8, length, true);
  else new DataView(start.buffer).setUint32(8, length, true);
  const elements = new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
  return concat([start, padded, elements]);
}

/** Intensities: of floats all but a few in 0 .. 1. */
export function intensities(c: Choices, shape: number[], isFloat: boolean): NpyArray {
  const size = shape.reduce((product, one) => product * one, 1);
  if (!isFloat) return { shape, data: c.bytes(size) };
  const data = Float32Array.from(c.bytes(size), (byte) => byte / 255);
  if (size > 0 && c.isLie()) data[c.below(size)] = c.oddNumber();
  return { shape, data };
}

function shapeOf(c: Choices): number[] {
  return [c.below(4), 1 + c.below(5), 1 + c.below(5)];
}

function make(c: Choices): Made<NpyArray> {
  const shape = c.pick([shapeOf(c), [c.below(9)], [1 + c.below(3), 2], []]);
  const array = intensities(c, shape, c.once(2));
  return { bytes: npyOf(c, array), holds: array };
}

export const npy: Reader<NpyArray> = {
  name: 'npy',
  make,
  read: (bytes) => decodeNpy(bytes, NAME),
  check(array) {
    assert.equal(
      array.data.length,
      array.shape.reduce((product, size) => product * size, 1),
    );
    assert.deepEqual(decodeNpy(encodeNpy(array), NAME), array);
  },
  same: assert.deepEqual,
};

/** A file of images, and the images: none of them where colours become grey, which is another test's. */
export function makePictures(c: Choices): Made<Pictures> {
  const [shape, channels] = [shapeOf(c), c.pick([1, 1, 3, 4])];
  const array = intensities(c, channels === 1 ? shape : [...shape, channels], c.once(3));
  const pixels = Uint8Array.from(array.data, (value) =>
    array.data instanceof Uint8Array ? value : Math.round(255 * value),
  );
  return { bytes: npyOf(c, array), ...(channels === 1 ? { holds: picturesOf(shape, pixels) } : {}) };
}

export const npyImages: Reader<Pictures> = { name: 'npy-images', make: makePictures, ...readPictures };
