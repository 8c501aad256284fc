/** Zip archives: every field of members, directory and end may be a lie, and deflated data may be anything. */
import assert from 'node:assert/strict';
import { crc32, deflateRawSync } from 'node:zlib';
import type { NpyArray } from '#air/formats/npy.js';
import { decodeNpzArray, encodeNpz } from '#air/formats/npz.js';
import { concat } from '../../support/samples.js';
import { NAME, type Reader } from '../cases.js';
import type { Choices } from '../choices.js';
import { damaged } from '../damage.js';
import type { Pictures } from './images.js';
import { readPictures } from './images.js';
import { intensities, makePictures, npyOf } from './npy.js';

const STORED = 0;
const DEFLATED = 8;

type Field = [value: number, bytes: 2 | 4];

/** Numbers one after the other, little-endian, each of them true or a lie. */
function record(c: Choices, fields: readonly Field[]): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(fields.reduce((total, [, size]) => total + size, 0));
  const view = new DataView(bytes.buffer);
  let at = 0;
  for (const [value, size] of fields) {
    if (size === 2) view.setUint16(at, c.whole(value, 16), true);
    else view.setUint32(at, c.whole(value), true);
    at += size;
  }
  return bytes;
}

type Member = { name: string; data: Uint8Array };

const BOMB = deflateRawSync(new Uint8Array(10_000_000));

function zipOf(c: Choices, members: readonly Member[]): Uint8Array<ArrayBuffer> {
  const written: Uint8Array[] = [];
  const entries: Uint8Array[] = [];
  let at = 0;
  for (const { name: truth, data: file } of members) {
    const name = new TextEncoder().encode(
      c.or(truth, () => c.pick([`../${truth}`, `${c.oddText()}`, `x${c.oddText()}.npy`])),
    );
    const data = c.or(file, () => c.pick([new Uint8Array(0), new Uint8Array(100), damaged(c, file)]));
    const method = c.pick([STORED, DEFLATED]);
    const deflated: Uint8Array = method === STORED ? data : deflateRawSync(data);
    const packed = method === STORED ? data : c.or(deflated, () => c.pick([damaged(c, deflated), BOMB]));
    const extra = c.once(4) ? c.bytes(c.below(30)) : new Uint8Array(0);
    const about: Field[] = [
      [20, 2],
      [c.pick([0, 8, 0x800]), 2],
      [method, 2],
      [0x6000, 2],
      [0x21, 2],
      [crc32(data), 4],
    ];
    const sizes: Field[] = [
      [packed.length, 4],
      [data.length, 4],
      [name.length, 2],
      [extra.length, 2],
    ];
    const member = concat([record(c, [[0x04034b50, 4], ...about, ...sizes]), name, extra, packed]);
    const comment = c.once(8) ? c.bytes(c.below(20)) : new Uint8Array(0);
    const rest: Field[] = [
      [comment.length, 2],
      [0, 2],
      [0, 2],
      [0, 4],
      [at, 4],
    ];
    entries.push(record(c, [[0x02014b50, 4], [20, 2], ...about, ...sizes, ...rest]), name, extra, comment);
    written.push(member);
    at += member.length;
  }
  const directory = concat(entries);
  const count: Field = [members.length, 2];
  const comment = c.once(8) ? c.bytes(c.below(40)) : new Uint8Array(0);
  const locator = c.isLie()
    ? record(c, [
        [0x07064b50, 4],
        [0, 4],
        [at, 4],
        [0, 4],
        [1, 4],
      ])
    : new Uint8Array(0);
  const end = record(c, [
    [0x06054b50, 4],
    [0, 2],
    [0, 2],
    count,
    count,
    [directory.length, 4],
    [at, 4],
    [comment.length, 2],
  ]);
  const tail = c.or(concat([end, comment]), () => concat([end, comment, end, comment]));
  return concat([...written, directory, locator, tail]);
}

/** Members beside x, of which nothing is read. */
function others(c: Choices): Member[] {
  return c.list(2, (k) => ({ name: `${c.pick(['y', 'labels', 'a/b'])}${k}.npy`, data: c.bytes(c.below(50)) }));
}

export const npz: Reader<NpyArray> = {
  name: 'npz',
  make(c) {
    const array = intensities(c, [c.below(4), 1 + c.below(4)], c.once(2));
    return { bytes: zipOf(c, [{ name: 'x.npy', data: npyOf(c, array) }, ...others(c)]), holds: array };
  },
  read: (bytes) => decodeNpzArray(bytes, 'x', NAME),
  check(array) {
    const again = encodeNpz(new Map([['x', array]]), { isDeflated: array.data.length % 2 === 0 });
    assert.deepEqual(decodeNpzArray(again, 'x', NAME), array);
  },
  same: assert.deepEqual,
};

export const npzImages: Reader<Pictures> = {
  name: 'npz-images',
  make(c) {
    const { bytes, holds } = makePictures(c);
    return { bytes: zipOf(c, [...others(c), { name: 'x.npy', data: bytes }]), holds };
  },
  ...readPictures,
};
