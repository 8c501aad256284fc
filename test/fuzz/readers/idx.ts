/** IDX files: labels and images. */
import assert from 'node:assert/strict';
import { decodeIdx, openIdx } from '#air/formats/idx.js';
import { concat } from '../../support/samples.js';
import { type Made, NAME, type Reader } from '../cases.js';
import type { Choices } from '../choices.js';
import { pieces } from '../pieces.js';
import { type Pictures, picturesOf, readPictures } from './images.js';

type Idx = { shape: number[]; data: Uint8Array };

function idxOf({ shape, data }: Idx): Uint8Array {
  const header = new Uint8Array(4 + 4 * shape.length);
  header.set([0, 0, 8, shape.length]);
  shape.forEach((size, axis) => {
    new DataView(header.buffer).setUint32(4 + 4 * axis, size);
  });
  return concat([header, data]);
}

/** @param ranks that an array may have */
function make(c: Choices, ranks: readonly number[]): Made<Idx> {
  const shape = Array.from({ length: c.pick(ranks) }, (_, axis) => (axis === 0 ? c.below(4) : 1 + c.below(5)));
  const data = c.bytes(shape.reduce((product, size) => product * size, 1));
  const bytes = idxOf({ shape, data });
  const view = new DataView(bytes.buffer);
  for (let at = 0; at < 4; at++) view.setUint8(at, c.whole(view.getUint8(at), 8));
  for (let at = 4; at < 4 + 4 * shape.length; at += 4) view.setUint32(at, c.whole(view.getUint32(at)));
  return { bytes, holds: { shape, data } };
}

export const idx: Reader<Idx> = {
  name: 'idx',
  make: (c) => make(c, [3, 1, 2, 8]),
  async read(bytes, c) {
    const { shape, elements } = await openIdx(pieces(bytes, c), NAME);
    const parts: Uint8Array[] = [];
    for await (const part of elements) parts.push(part);
    return { shape, data: concat(parts) };
  },
  check(value, bytes) {
    assert.deepEqual(idxOf(value), Uint8Array.from(bytes));
    assert.deepEqual(decodeIdx(Uint8Array.from(bytes), NAME), value);
  },
  same: assert.deepEqual,
};

export const idxImages: Reader<Pictures> = {
  name: 'idx-images',
  make(c) {
    const { bytes, holds } = make(c, [3]);
    return { bytes, holds: holds && picturesOf(holds.shape, holds.data) };
  },
  ...readPictures,
};
