/** The checksum of streams against the catalogue and zlib. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { crc32 as zlibCrc32 } from 'node:zlib';
import { Draws } from '#air/core/rng.js';
import { crc32 } from '#air/formats/crc32.js';

test('the check value of the CRC catalogue', () => {
  assert.equal(crc32(0, new TextEncoder().encode('123456789')), 0xcbf43926);
  assert.equal(crc32(0, new Uint8Array(0)), 0);
});

test('equals zlib for every length and alignment, whole and continued', () => {
  const draws = new Draws(1, 'scenes');
  const bytes = Uint8Array.from({ length: 80 }, () => draws.integer(256));
  for (let start = 0; start < 9; start++) {
    for (let end = start; end <= bytes.length; end++) {
      const expected = zlibCrc32(bytes.subarray(start, end));
      assert.equal(crc32(0, bytes, start, end), expected);
      assert.equal(crc32(0, bytes.subarray(start, end)), expected);
      const middle = start + draws.integer(end - start + 1);
      assert.equal(crc32(crc32(0, bytes, start, middle), bytes, middle, end), expected);
    }
  }
});
