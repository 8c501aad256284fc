/** Single values of msgpack: how long one is has to be known before it is decoded. */
import assert from 'node:assert/strict';
import { AirError } from '#air/errors.js';
import { packValue, unpackValue, ValueScanner } from '#air/formats/msgpack.js';
import { type Made, NAME, type Reader } from '../cases.js';
import type { Choices } from '../choices.js';
import { packTree } from '../msgpack-bytes.js';
import { treeOf, twisted } from '../trees.js';

/** Plain values: nothing that one language has and another has not. */
function plainValue(c: Choices, depth: number): unknown {
  switch (c.below(depth > 0 ? 8 : 6)) {
    case 0:
      return c.number();
    case 1:
      return c.pick(['', 'é', 'some text', 'x'.repeat(300)]);
    case 2:
      return c.bytes(c.pick([0, 3, 300]));
    case 3:
      return null;
    case 4:
      return c.once(2);
    case 5:
      return c.pick([0, 127, 128, 65536, 2 ** 32, 2 ** 53 - 1, -1, -33, -(2 ** 40), Number.NEGATIVE_INFINITY]);
    case 6:
      return c.list(5, () => plainValue(c, depth - 1));
    default:
      return Object.fromEntries(
        c.list(5, (k) => [`${c.pick(['key', 'constructor', 'other'])}${k}`, plainValue(c, depth - 1)]),
      );
  }
}

function make(c: Choices): Made<unknown> {
  const holds = plainValue(c, 3);
  return { bytes: packTree(c, twisted(c, treeOf(holds))), holds };
}

/** How long the value at the start is; the same, however the bytes arrive. */
function lengthOf(bytes: Uint8Array, c: Choices): number | string {
  const scanner = new ValueScanner();
  const length = scanner.scan(bytes, 0, bytes.length);
  const slow = new ValueScanner();
  let again = slow.scan(bytes, 0, 0);
  for (let end = 0, step = c.pick([1, 7, 1000]); again === 'incomplete' && end < bytes.length; ) {
    end = Math.min(bytes.length, end + Math.max(step, bytes.length >> 10));
    again = slow.scan(bytes, 0, end);
  }
  assert.equal(again, length);
  return length;
}

export const msgpack: Reader<unknown> = {
  name: 'msgpack',
  make,
  read(bytes, c) {
    const length = lengthOf(bytes, c);
    const refuse = (why: string, cause?: unknown): AirError =>
      new AirError('badData', `${NAME}: ${why}`, undefined, { cause });
    if (typeof length === 'string') throw refuse(length);
    assert.ok(length > 0 && length <= bytes.length);
    try {
      return unpackValue(bytes.slice(0, length));
    } catch (error) {
      throw refuse('not a value', error); // any error will do, says unpackValue
    }
  },
  check(value) {
    assert.deepEqual(unpackValue(packValue(value)), value);
    assert.equal(Object.getPrototypeOf({}), Object.prototype);
    assert.equal(({} as { polluted?: unknown }).polluted, undefined);
  },
  same: assert.deepEqual,
};
