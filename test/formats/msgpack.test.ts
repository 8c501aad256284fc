/** msgpack values: encodings by the specification, and garbage that is refused. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Draws } from '#air/core/rng.js';
import { MAX_DEPTH, MAX_VALUE_BYTES, packValue, unpackValue, ValueScanner } from '#air/formats/msgpack.js';

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');
const scanHex = (text: string): number | string => {
  const bytes = Uint8Array.from(Buffer.from(text.replaceAll(' ', ''), 'hex'));
  return new ValueScanner().scan(bytes, 0, bytes.length);
};

test('the shortest encodings, by the specification', () => {
  const cases: [unknown, string][] = [
    [0, '00'],
    [64, '40'],
    [127, '7f'],
    [128, 'cc80'],
    [255, 'ccff'],
    [256, 'cd0100'],
    [65536, 'ce00010000'],
    [0xffffffff, 'ceffffffff'],
    [-1, 'ff'],
    [-32, 'e0'],
    [-33, 'd0df'],
    [-200, 'd1ff38'],
    [0.5, 'cb3fe0000000000000'],
    [true, 'c3'],
    ['é', 'a2c3a9'],
    [[1, 2], '920102'],
    [{ b: 1, a: Uint8Array.of(7) }, '82a16201a161c40107'],
    ['x'.repeat(32), `d920${'78'.repeat(32)}`],
    [new Uint8Array(256), `c50100${'00'.repeat(256)}`],
  ];
  for (const [value, expected] of cases) {
    const bytes = packValue(value);
    assert.equal(hex(bytes), expected);
    assert.equal(Object.getPrototypeOf(bytes), Uint8Array.prototype);
    assert.deepEqual(unpackValue(Uint8Array.from(bytes)), value);
  }
});

test('undefined is written as nil, not as an extension type', () => {
  assert.equal(hex(packValue({ a: undefined })), '81a161c0');
});

test('a scanner finds the end of every value, however its bytes arrive, and asks for more before', () => {
  const values = [
    null,
    -1,
    1.5,
    'text',
    'x'.repeat(300),
    'x'.repeat(70000),
    new Uint8Array(0),
    new Uint8Array(70000),
    [],
    {},
    Array.from({ length: 20 }, (_, i) => ({ [`k${i}`]: [i, [i + 0.5]] })),
    Object.fromEntries(Array.from({ length: 20 }, (_, i) => [`k${i}`, i])),
    Array.from({ length: 60000 }, () => 1),
  ];
  for (const value of values) {
    const packed = packValue(value);
    const bytes = Uint8Array.from([...Buffer.from('junk'), ...packed, 0xc1]);
    const scanner = new ValueScanner();
    for (let end = 4; end < 4 + packed.length; end += packed.length > 1000 ? 997 : 1) {
      assert.equal(scanner.scan(bytes, 4, end), 'incomplete');
      if (packed.length < 1000) assert.equal(new ValueScanner().scan(bytes, 4, end), 'incomplete');
    }
    assert.equal(scanner.scan(bytes, 4, bytes.length), packed.length);
    scanner.reset();
    assert.equal(scanner.scan(bytes, 4, bytes.length), packed.length);
  }
});

test('refuses what is not plain msgpack', () => {
  assert.equal(scanHex('c1'), 'not msgpack');
  assert.equal(scanHex('81 a161 c1'), 'not msgpack');
  for (const extension of ['d4 00 00', 'd5 00 0000', 'd6 ff 00000000', 'd8', 'c7 01 00 00', 'c8', 'c9']) {
    assert.equal(scanHex(extension), 'not msgpack', extension);
  }
});

test('bounds what garbage can make it wait for', () => {
  assert.equal(scanHex('c6 ffffffff'), 'too large');
  assert.equal(scanHex('92 01 db ffffffff'), 'too large');
  assert.equal(scanHex('c6 01000000'), 'incomplete');
  const nested = new Uint8Array(100000).fill(0x91);
  assert.equal(new ValueScanner().scan(nested, 0, nested.length), 'too large');
  const deepest = Uint8Array.of(...new Array(MAX_DEPTH).fill(0x91), 0x05);
  assert.equal(new ValueScanner().scan(deepest, 0, deepest.length), deepest.length);
  const many = Uint8Array.of(0xdd, 0xff, 0xff, 0xff, 0xff, ...new Uint8Array(70000));
  assert.equal(new ValueScanner().scan(many, 0, many.length), 'too large');
  const large = new Uint8Array(MAX_VALUE_BYTES + 10);
  large.set([0xc6, 0x02, 0x00, 0x00, 0x00]);
  assert.equal(new ValueScanner().scan(large, 0, large.length), 'too large');
});

test('never reads a length where msgpackr reads another', () => {
  const draws = new Draws(2, 'scenes');
  for (let trial = 0; trial < 20000; trial++) {
    const bytes = Uint8Array.from({ length: 1 + draws.integer(30) }, () => draws.integer(256));
    const length = new ValueScanner().scan(bytes, 0, bytes.length);
    if (typeof length === 'string') continue;
    try {
      unpackValue(bytes, 0, length);
    } catch (error) {
      // Keys that JavaScript has no property names for; every other value must decode to its last byte.
      assert.match(String(error), /Invalid property type for record|Cannot convert/, hex(bytes));
    }
  }
});
