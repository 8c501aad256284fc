/** A few hundred fuzzed files of each kind, the same ones each time; `make fuzz` reads a million others. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { AirError } from '#air/errors.js';
import { runBatch } from './batch.js';
import { NAME, type Reader } from './cases.js';
import { READERS } from './readers.js';

const CASES = 320;

for (const reader of READERS) {
  test(`${reader.name}: what is read is as the format says, the rest is refused in one line`, async () => {
    const { figures, failure } = await runBatch(reader, { seed: 0, cases: CASES });
    assert.equal(failure?.stack, undefined);
    assert.equal(figures.accepted + figures.refused, CASES);
    assert.ok(Math.min(figures.accepted, figures.refused) > CASES / 20, JSON.stringify(figures));
  });
}

/** Files that are a number of bytes, each the number; and readers of them that are not what they should be. */
function readerOf(read: (bytes: Uint8Array) => number): Reader<number> {
  const same = assert.equal;
  const make: Reader<number>['make'] = (c) => {
    const length = 1 + c.below(50);
    return { bytes: new Uint8Array(length).fill(c.whole(length, 8)), holds: length };
  };
  return { name: 'numbers', make, read, same };
}

const wrong = (kind: 'badData' | 'usage', message: string): never => {
  throw new AirError(kind, message);
};

const right = (bytes: Uint8Array): number => {
  return bytes.every((byte) => byte === bytes.length) ? bytes.length : wrong('badData', `${NAME}: not the number`);
};

test('a reader that crashes, takes what is wrong, or refuses what is right or as something else is found, with the plainest file', async () => {
  const isTrue = (bytes: Uint8Array): boolean => bytes[0] === bytes.length;
  const cases: [(bytes: Uint8Array) => number, RegExp][] = [
    [
      (bytes) => (bytes.length > 30 ? (undefined as unknown as Uint8Array).length : right(bytes)),
      /properties of undefined/,
    ],
    [() => 3, /Expected values to be strictly equal/],
    [
      (bytes) => (bytes.length > 40 ? wrong('badData', `${NAME}: long`) : right(bytes)),
      /though nothing in it is wrong/,
    ],
    [(bytes) => (isTrue(bytes) ? bytes.length : wrong('usage', `${NAME}: no`)), /refused as 'usage', not 'badData'/],
    [(bytes) => (isTrue(bytes) ? bytes.length : wrong('badData', 'no')), /does not begin with the file's name/],
  ];
  for (const [read, message] of cases) {
    const { failure } = await runBatch(readerOf(read), { seed: 1, cases: 1000 });
    assert.match(failure?.message ?? '', message);
    const again = await runBatch(readerOf(read), { seed: 1, cases: 1000, path: failure?.path });
    assert.deepEqual(again.failure?.bytes, failure?.bytes);
  }
  assert.equal((await runBatch(readerOf(right), { seed: 1, cases: 1000 })).failure, undefined);
  const { failure } = await runBatch(readerOf(cases[0][0]), { seed: 1, cases: 1000 });
  assert.equal(failure?.bytes.length, 31);
});
