/** safetensors files there and back, by the byte, and damage that is found. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { Draws } from '#air/core/rng.js';
import { AirError } from '#air/errors.js';
import {
  checkDigest,
  decodeSafetensors,
  encodeSafetensors,
  sealSafetensors,
  type TensorData,
  UNSEALED_DIGEST,
} from '#air/formats/safetensors.js';
import { airErrorOf } from '../support/samples.js';
import { sha256 } from '../support/sha256.js';

function sampleTensors(): Map<string, TensorData> {
  return new Map<string, TensorData>([
    ['rnn.weight', { dtype: 'F32', shape: [2, 3], data: Float32Array.of(1, -2, 0.5, 1e-30, Number.NaN, Infinity) }],
    ['bytes', { dtype: 'U8', shape: [3], data: Uint8Array.of(1, 2, 3) }],
    ['7', { dtype: 'I64', shape: [1, 1], data: BigInt64Array.of(-(2n ** 63n)) }],
    ['é "quoted"', { dtype: 'F64', shape: [], data: Float64Array.of(Math.PI) }],
    ['empty', { dtype: 'I32', shape: [0, 4], data: new Int32Array(0) }],
    ['flags', { dtype: 'BOOL', shape: [2], data: Uint8Array.of(0, 1) }],
    ['half', { dtype: 'F16', shape: [1], data: Uint16Array.of(0x3c00) }],
  ]);
}

/** A file from a header in JSON and data bytes. */
function fileOf(header: unknown, dataBytes: number): Uint8Array {
  const json = new TextEncoder().encode(typeof header === 'string' ? header : JSON.stringify(header));
  const bytes = new Uint8Array(8 + json.length + dataBytes);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(json.length), true);
  bytes.set(json, 8);
  return bytes;
}

test('tensors and metadata come back, from any offset in memory', () => {
  const metadata = { format: 'air', config: '{"a": "\\"digest\\":\\"x\\""}', ключ: '\n' };
  const bytes = encodeSafetensors(sampleTensors(), metadata);
  const shifted = new Uint8Array(bytes.length + 1);
  shifted.set(bytes, 1);
  for (const input of [bytes, shifted.subarray(1), Buffer.from(bytes)]) {
    const { tensors, metadata: got } = decodeSafetensors(input, 'm');
    assert.deepEqual(got, metadata);
    assert.deepEqual(new Map([...tensors].sort()), new Map([...sampleTensors()].sort()));
  }
});

test('the bytes of a small file', () => {
  const tensors = new Map<string, TensorData>([
    ['b', { dtype: 'U8', shape: [1], data: Uint8Array.of(7) }],
    ['a', { dtype: 'F32', shape: [1], data: Float32Array.of(1) }],
  ]);
  const header =
    '{"__metadata__":{"k":"v","z":""},"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},' +
    '"b":{"dtype":"U8","shape":[1],"data_offsets":[4,5]}}';
  const padded = header.padEnd(Math.ceil(header.length / 8) * 8);
  const expected = Buffer.concat([
    Buffer.from([padded.length, 0, 0, 0, 0, 0, 0, 0]),
    Buffer.from(padded),
    Buffer.from([0, 0, 0x80, 0x3f, 7]),
  ]);
  assert.equal(
    Buffer.from(encodeSafetensors(tensors, { z: '', k: 'v' })).toString('latin1'),
    expected.toString('latin1'),
  );
});

test('the order in which tensors and keys are given does not matter', () => {
  const metadata = { b: '1', a: '2', '10': '3', '9': '4' };
  const reversed = Object.fromEntries(Object.entries(metadata).reverse());
  assert.deepEqual(
    encodeSafetensors(new Map([...sampleTensors()].reverse()), reversed),
    encodeSafetensors(sampleTensors(), metadata),
  );
});

test('every tensor is aligned to its elements', () => {
  const bytes = encodeSafetensors(sampleTensors(), {});
  const length = Number(new DataView(bytes.buffer).getBigUint64(0, true));
  const header = JSON.parse(new TextDecoder().decode(bytes.subarray(8, 8 + length))) as Record<
    string,
    { data_offsets: number[] }
  >;
  assert.equal(length % 8, 0);
  for (const [name, { data }] of sampleTensors()) {
    assert.equal((8 + length + header[name].data_offsets[0]) % data.BYTES_PER_ELEMENT, 0, name);
  }
});

test("reads PyTorch's reference files whole", () => {
  const file = 'fixtures/oracle/pyro-air-small.safetensors';
  const { tensors, metadata } = decodeSafetensors(readFileSync(file), file);
  assert.deepEqual(tensors.get('images')?.shape, [8, 50, 50]);
  assert.equal(JSON.parse(metadata.config).window_size, 12);
  const images = tensors.get('images')?.data as Float32Array;
  assert.ok(images.every((value) => value >= 0 && value <= 1));
  assert.ok(images.some((value) => value > 0.9));
});

test('every prefix and every longer file is refused', () => {
  const bytes = encodeSafetensors(sampleTensors(), { k: 'v' });
  for (let length = 0; length < bytes.length; length++) {
    const error = airErrorOf(() => decodeSafetensors(bytes.subarray(0, length), 'm.safetensors'));
    assert.equal(error.kind, 'badData');
    assert.match(error.message, /^m\.safetensors: not a whole safetensors file: /);
  }
  const longer = Uint8Array.from([...bytes, 0]);
  assert.match(
    airErrorOf(() => decodeSafetensors(longer, 'm')).message,
    /it goes on after the last tensor, which ends at byte \d+$/,
  );
});

test('a header that is wrong is named by what is wrong', () => {
  const f32 = (begin: number, end: number, shape: unknown = [1]) => ({
    dtype: 'F32',
    shape,
    data_offsets: [begin, end],
  });
  const huge = new Uint8Array(16).fill(255);
  const cases: [Uint8Array, RegExp][] = [
    [huge, /its header would take 18446744073709552000 bytes$/],
    [fileOf('{"a":', 0), /its header is not JSON$/],
    [fileOf('[]', 0), /its header is not a JSON object$/],
    [fileOf('null', 0), /its header is not a JSON object$/],
    [fileOf({ a: 7 }, 0), /"a" in its header is not an object$/],
    [fileOf({ __metadata__: { k: 1 } }, 0), /metadata "k" is not a string$/],
    [fileOf({ a: { ...f32(0, 4), dtype: 'F7' } }, 4), /tensor "a": unknown dtype F7$/],
    [fileOf({ a: { ...f32(0, 4), dtype: 'toString' } }, 4), /tensor "a": unknown dtype toString$/],
    [fileOf({ a: { ...f32(0, 4), dtype: { toString: 1 } } }, 4), /tensor "a": unknown dtype object$/],
    [fileOf({ a: f32(0, 4, [-1]) }, 4), /tensor "a": its shape is not an array of whole numbers$/],
    [fileOf({ a: f32(0, 4, '1') }, 4), /tensor "a": its shape is not an array of whole numbers$/],
    [fileOf({ a: { dtype: 'F32', shape: [1], data_offsets: [0] } }, 4), /data_offsets is not a pair of whole numbers$/],
    [fileOf({ a: f32(4, 0) }, 4), /tensor "a": -4 bytes for F32 \[1\]$/],
    [fileOf({ a: f32(0, 4, [2]) }, 4), /tensor "a": 4 bytes for F32 \[2\]$/],
    [fileOf({ a: f32(0, 4, [2 ** 40, 2 ** 40]) }, 4), /tensor "a": 4 bytes for F32 \[1099511627776,1099511627776\]$/],
    [fileOf({ a: f32(0, 4) }, 3), /tensor "a" ends at byte 66, but the file has 65 bytes$/],
    [fileOf({ a: f32(0, 4), b: f32(0, 4) }, 8), /tensor "b" begins at data byte 0, expected 4$/],
    [fileOf({ a: f32(4, 8) }, 8), /tensor "a" begins at data byte 4, expected 0$/],
    [fileOf({ a: f32(0, 4), b: f32(2, 6) }, 6), /tensor "b" begins at data byte 2, expected 4$/],
  ];
  for (const [bytes, message] of cases) {
    assert.match(airErrorOf(() => decodeSafetensors(bytes, 'm')).message, message);
  }
});

test('an encoder refuses data that is not of the shape it is said to have', () => {
  const wrong = new Map<string, TensorData>([['a', { dtype: 'F32', shape: [3], data: new Float32Array(2) }]]);
  const error = airErrorOf(() => encodeSafetensors(wrong, {}));
  assert.equal(error.kind, 'bug');
  assert.equal(error.message, 'cannot write tensor a: 2 elements as F32 [3]');
});

test('a sealed file shows any change', () => {
  const bytes = encodeSafetensors(sampleTensors(), { format: 'air', digest: UNSEALED_DIGEST });
  const expected = sha256(bytes);
  const sealed = sealSafetensors(Uint8Array.from(bytes), sha256);
  assert.equal(decodeSafetensors(sealed, 'm').metadata.digest, expected);
  assert.equal(checkDigest(sealed, sha256), 'ok');
  const copy = Uint8Array.from(sealed);
  for (let at = 0; at < sealed.length; at++) {
    for (const change of [1, 16, 128]) {
      copy[at] ^= change;
      assert.notEqual(checkDigest(copy, sha256), 'ok', `byte ${at}`);
      copy[at] ^= change;
    }
  }
  assert.deepEqual(copy, sealed, 'checking changes nothing');
  for (let length = 0; length < sealed.length; length++) {
    assert.notEqual(checkDigest(sealed.subarray(0, length), sha256), 'ok');
  }
});

test('a file without a digest is another program’s, one with an odd digest is damaged', () => {
  const digestOf = (metadata: Record<string, string>) => checkDigest(encodeSafetensors(new Map(), metadata), sha256);
  assert.equal(digestOf({}), 'missing');
  assert.equal(digestOf({ note: '"digest":"' }), 'missing');
  assert.equal(digestOf({ digest: '12' }), 'wrong');
  assert.equal(digestOf({ digest: UNSEALED_DIGEST }), 'wrong');
  const unsealable = encodeSafetensors(new Map(), { format: 'air' });
  assert.equal(airErrorOf(() => sealSafetensors(unsealable, sha256)).kind, 'bug');
});

test('garbage is refused by an AirError, always', () => {
  const draws = new Draws(4, 'scenes');
  const whole = encodeSafetensors(sampleTensors(), { k: 'v' });
  let refused = 0;
  for (let trial = 0; trial < 5000; trial++) {
    const bytes = Uint8Array.from(whole);
    const length = Number(new DataView(bytes.buffer).getBigUint64(0, true));
    for (let changes = 1 + draws.integer(3); changes > 0; changes--) {
      bytes[draws.uniform() < 0.2 ? draws.integer(8) : 8 + draws.integer(length)] = draws.integer(256);
    }
    try {
      decodeSafetensors(bytes, 'm');
    } catch (error) {
      assert.ok(error instanceof AirError, String(error));
      refused++;
    }
  }
  assert.ok(refused > 4000, `${refused} of 5000`);
});
