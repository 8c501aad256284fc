/** Compressed streams, from a file: all that gzip does on the way, and bombs. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { constants, crc32, deflateRawSync, gzipSync } from 'node:zlib';
import { AirError } from '#air/errors.js';
import { readInput } from '#air/io/input.js';
import { concat } from '../../support/samples.js';
import { type Made, NAME, type Reader } from '../cases.js';
import type { Choices } from '../choices.js';
import { damaged } from '../damage.js';
import { checkSegments, makeStream, readSegments, type Segment } from './stream.js';

/** A member of a gzip file (RFC 1952): header, deflated data, CRC-32 and length of what it was. */
function memberOf(c: Choices, data: Uint8Array): Uint8Array {
  const flags = c.or(c.pick([0, 8, 16, 1, 4]), () => c.below(256));
  const head = Uint8Array.of(
    0x1f,
    0x8b,
    c.or(8, () => c.oddWhole()),
    flags,
    0,
    0,
    0,
    0,
    c.pick([0, 2, 4]),
    c.pick([3, 255]),
  );
  const extra = flags & 4 ? concat([Uint8Array.of(c.whole(3, 8), 0), c.bytes(3)]) : new Uint8Array(0);
  const name = new TextEncoder().encode(flags & 8 ? `${c.or('scenes.air', () => c.oddText().slice(0, 300))}\0` : '');
  const comment = new TextEncoder().encode(flags & 16 ? 'a comment\0' : '');
  const strategy = c.pick([constants.Z_DEFAULT_STRATEGY, constants.Z_FIXED, constants.Z_HUFFMAN_ONLY]);
  const plain = deflateRawSync(data, { level: c.pick([6, 0, 1]), strategy });
  const deflated = c.or<Uint8Array>(plain, () => damaged(c, plain));
  const tail = new Uint8Array(8);
  const view = new DataView(tail.buffer);
  view.setUint32(0, c.whole(crc32(data)), true);
  view.setUint32(4, c.whole(data.length), true);
  return concat([head, extra, name, comment, deflated, tail]);
}

function make(c: Choices): Made<Segment[]> {
  const { bytes, holds } = makeStream(c);
  const data = c.or(bytes, () => concat([bytes, c.bytes(1 + c.below(30))]));
  const cut = c.once(3) ? c.below(data.length) : data.length;
  const members = cut < data.length ? [data.subarray(0, cut), data.subarray(cut)] : [data];
  const file = concat(members.map((member) => memberOf(c, member)));
  return { bytes: c.or(file, () => concat([file, c.pick([c.bytes(1 + c.below(30)), BOMB])])), holds };
}

/** Ten thousand bytes that become ten million. */
const BOMB = gzipSync(new Uint8Array(10_000_000));

const folder = mkdtempSync(join(tmpdir(), 'air-fuzz-'));
process.on('exit', () => rmSync(folder, { recursive: true, force: true }));

export const gzip: Reader<Segment[]> = {
  name: 'gzip',
  slowness: 4,
  make,
  async read(bytes) {
    const file = join(folder, NAME);
    writeFileSync(file, bytes);
    try {
      return await readSegments(readInput(file));
    } catch (error) {
      if (!(error instanceof AirError)) throw error;
      throw new AirError(error.kind, error.message.replace(`${folder}/`, ''), error.hint, { cause: error });
    }
  },
  check: checkSegments,
  same: assert.deepEqual,
};
