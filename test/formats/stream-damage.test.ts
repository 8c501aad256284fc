/** Streams as they should not be: every cut and every changed byte is found, and everything whole passes before. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { crc32 } from 'node:zlib';
import { Draws } from '#air/core/rng.js';
import { packValue } from '#air/formats/msgpack.js';
import type { Header } from '#air/formats/records.js';
import {
  concat,
  LATENTS,
  readBytes,
  recordsOf,
  SCENES,
  sampleLatents,
  sampleScenes,
  segment,
  segmentPieces,
} from '../support/samples.js';

const text = (value: string): Uint8Array => new TextEncoder().encode(value);

/** A segment from any values, its end right. */
function segmentOf(...values: unknown[]): Uint8Array {
  const bytes = concat(values.map(packValue));
  return concat([bytes, packValue({ end: true, records: values.length - 1, crc32: crc32(bytes) })]);
}

test('every prefix is refused after exactly its complete records', async () => {
  const pieces = [...segmentPieces(SCENES, sampleScenes()), ...segmentPieces(LATENTS, sampleLatents())];
  const bytes = concat(pieces);
  const ends = pieces.map((_, i) => concat(pieces.slice(0, i + 1)).length);
  const closing = new Set([5, 9]);
  for (let length = 0; length < bytes.length; length++) {
    const complete = ends.filter((end) => end <= length).length;
    const { got, error } = await readBytes(bytes.subarray(0, length));
    const isWhole = ends[complete - 1] === length && closing.has(complete - 1);
    assert.equal(got.length, complete);
    assert.equal(error === undefined, isWhole, `${length} bytes`);
  }
});

test('a cut is named by where it is', async () => {
  const [header, first, second, ...rest] = segmentPieces(SCENES, sampleScenes());
  const cases: [Uint8Array[], string][] = [
    [[], 'in.air: input is empty'],
    [[header.subarray(0, 1)], 'in.air: input ended inside the header of segment 1'],
    [[header.subarray(0, -1)], 'in.air: input ended inside the header of segment 1'],
    [[header], 'in.air: input ended inside segment 1 before its first record: no end marker'],
    [[header, first], 'in.air: input ended inside segment 1 after record 1: no end marker'],
    [[header, first, second.subarray(0, 9)], 'in.air: input ended inside segment 1 after record 1: no end marker'],
    [[header, first, second, ...rest, header.subarray(0, 5)], 'in.air: input ended inside the header of segment 2'],
    [
      [header, first, second, ...rest, header, first],
      'in.air: input ended inside segment 2 after record 1: no end marker',
    ],
    [[header, first, header], 'in.air: segment 1, after record 1: another header follows: no end marker'],
  ];
  for (const [pieces, message] of cases) {
    const { error } = await readBytes(concat(pieces));
    assert.equal(error?.message, message);
    assert.equal(error?.hint?.includes('\n'), false);
  }
});

test('every changed bit and byte is refused', async () => {
  for (const bytes of [segment(SCENES, sampleScenes()), segment(LATENTS, sampleLatents())]) {
    for (let at = 0; at < bytes.length; at++) {
      for (const change of [1, 2, 4, 8, 16, 32, 64, 128, 255]) {
        const changed = Uint8Array.from(bytes);
        changed[at] ^= change;
        const { error } = await readBytes(changed);
        assert.ok(error, `byte ${at} ^ ${change}`);
      }
    }
  }
});

test('a value changed inside a record passes, and is refused at the end', async () => {
  const bytes = segment(SCENES, [{ i: 0, image: Uint8Array.of(10, 20, 30, 40, 50, 60) }]);
  const changed = Uint8Array.from(bytes);
  changed[bytes.indexOf(30)] = 31;
  const { got, error } = await readBytes(changed);
  assert.deepEqual(recordsOf(got), [{ i: 0, image: Uint8Array.of(10, 20, 31, 40, 50, 60) }]);
  assert.match(
    error?.message ?? '',
    /^in\.air: segment 1 is damaged: checksum [0-9a-f]{8}, but its end says [0-9a-f]{8}$/,
  );
});

test('a lost, doubled or moved record is refused', async () => {
  const [header, a, b, c, d, end] = segmentPieces(SCENES, sampleScenes());
  const { error: lost } = await readBytes(concat([header, a, b, c, end]));
  assert.equal(lost?.message, 'in.air: segment 1 is damaged: 3 records, but its end says 4');
  for (const pieces of [
    [header, a, a, b, c, d, end],
    [header, b, a, c, d, end],
    [a, b, c, d, end],
    [header, end, a, b, c, d],
    [header, a, b, c, d, end, end],
  ]) {
    assert.ok((await readBytes(concat(pieces))).error);
  }
});

test('what follows an end must be a header', async () => {
  const whole = segment(SCENES, sampleScenes());
  const cases: [Uint8Array, RegExp][] = [
    [text('\n'), /^in\.air: garbage after segment 1: 0a, expected a header or the end$/],
    [new Uint8Array(4096), /^in\.air: garbage after segment 1: 00 00 00 00 00 00 00 00, expected a header or the end$/],
    [packValue({ i: 0, image: new Uint8Array(6) }), /^in\.air: header of segment 2: no key "air"$/],
    [Uint8Array.of(0x81), /^in\.air: input ended inside the header of segment 2$/],
  ];
  for (const [tail, message] of cases) {
    const { got, error } = await readBytes(concat([whole, tail]));
    assert.equal(got.at(-1)?.type, 'end');
    assert.match(error?.message ?? '', message);
  }
});

test('other files are named', async () => {
  const png = Uint8Array.of(0x89, 0x50, 0x4e, 0x47, 13, 10, 26, 10, 0, 0, 0, 13, 0x49, 0x48, 0x44, 0x52);
  const cases: [Uint8Array, string][] = [
    [png, 'in.air: not a stream of latents: is a PNG image'],
    [Uint8Array.of(0x1f, 0x8b, 8, 0), 'in.air: not a stream of latents: is gzip-compressed'],
    [text('{"i": 0, "n": 1}\n'), 'in.air: not a stream of latents: begins with 7b 22 69 22 3a 20 30 2c'],
    [text('hi'), 'in.air: not a stream of latents: begins with 68 69'],
    [packValue({ some: 'other', msgpack: 'map' }), 'in.air: header of segment 1: no key "air"'],
  ];
  for (const [bytes, message] of cases) {
    const { error } = await readBytes(bytes, { expect: 'latents' });
    assert.equal(error?.message, message);
    assert.equal(error?.hint, '`air infer MODEL` makes latents from scenes: air infer MODEL < scenes.air');
  }
});

test('the other kind of stream is refused, with the way to make the right one', async () => {
  const scenes = segment(SCENES, sampleScenes());
  const latents = segment(LATENTS, sampleLatents());
  const wanted = await readBytes(scenes, { expect: 'latents' });
  assert.equal(wanted.error?.message, 'in.air: expected a stream of latents, got scenes');
  assert.match(wanted.error?.hint ?? '', /air infer MODEL/);
  assert.deepEqual(wanted.got, []);
  const { error } = await readBytes(latents, { expect: 'scenes' });
  assert.equal(error?.message, 'in.air: expected a stream of scenes, got latents');
  const second = await readBytes(concat([scenes, latents]), { expect: 'scenes' });
  assert.equal(second.got.at(-1)?.type, 'end');
  assert.equal(second.error?.message, 'in.air: expected a stream of scenes, got latents');
});

test('a newer version is refused by name, whatever else its header has', async () => {
  const { error } = await readBytes(segmentOf({ air: 'volumes', version: 2, grid: [1, 2, 3] }));
  assert.match(error?.message ?? '', /^in\.air: stream version 2 is newer than version 1/);
  assert.match(error?.hint ?? '', /update air/);
});

test('a header that is wrong is named by its field', async () => {
  const wrong: [Record<string, unknown>, RegExp][] = [
    [{ version: 0 }, /version must be 1, got 0/],
    [{ version: '1' }, /version must be 1, got "1"/],
    [{ air: 'volumes' }, /air must be "scenes" or "latents", got "volumes"/],
    [{ canvas: 50 }, /canvas must be an array, got 50/],
    [{ canvas: [2, 3, 4] }, /canvas must be \[height, width\], got an array of 3/],
    [{ canvas: [2, 4] }, /image\.shape is 2 x 3, but canvas is 2 x 4/],
    [{ canvas: [0, 3] }, /canvas must be a size in 1 \.\. 2048, got 0/],
    [{ image: { dtype: 'float32', shape: [2, 3] } }, /image\.dtype must be uint8, got "float32"/],
    [{ image: { dtype: 'uint8', shape: [6] } }, /image\.shape must be an array of 2/],
    [{ image: null }, /image must be a map, got null/],
    [{ window: { dtype: 'uint8', shape: [1e9, 1e9] } }, /window\.shape must be a size/],
    [{ what: { dtype: 'float32', shape: [] } }, /what\.shape must be an array of 1/],
    [{ provenance: [1] }, /provenance must be an array of strings, got 1/],
    [{ seed: 1.5 }, /seed must be a whole number, got 1\.5/],
    [{ objects: [-1] }, /objects must be a whole number, got -1/],
    [{ objects: [256] }, /objects must be at most 255, got 256/],
    [{ objects: Array(257).fill(1) }, /objects must be an array of at most 256, got an array of 257/],
    [{ model: 3 }, /model must be a map, got 3/],
  ];
  for (const [change, message] of wrong) {
    const { got, error } = await readBytes(segmentOf({ ...SCENES, ...change }));
    assert.deepEqual(got, []);
    assert.match(error?.message ?? '', message);
    assert.match(error?.message ?? '', /^in\.air: header of segment 1: /);
  }
});

/** A record as it is on the wire, changed. */
function changedRecord(record: object, change: Record<string, unknown>): Record<string, unknown> {
  const changed: Record<string, unknown> = { ...record, ...change };
  for (const key of Object.keys(changed)) if (changed[key] === undefined) delete changed[key];
  return changed;
}

test('a record that lacks a field, or has one of the wrong form, is named', async () => {
  const bin = (length: number): Uint8Array => new Uint8Array(length);
  const scene = { i: 0, image: bin(6), count: 1, objects: [{ label: 1, frame: [0, 0, 1, 1], ink: [0, 0, 1, 1] }] };
  const step = { box: [0, 0, 1, 1], p: 0.5, where: bin(12), where_scale: bin(12), what: bin(8), what_scale: bin(8) };
  const latent = { i: 0, n: 1, q: [0.5, 0.5], elbo: 1, steps: [step], image: bin(6) };
  const withStep = (change: Record<string, unknown>) => ({ steps: [changedRecord(step, change)] });
  const withObject = (change: Record<string, unknown>) => ({ objects: [changedRecord(scene.objects[0], change)] });
  const floats = (...values: number[]): Uint8Array => new Uint8Array(Float32Array.from(values).buffer);
  const cases: [Header, object, Record<string, unknown>, string][] = [
    [SCENES, scene, { i: undefined }, 'i must be a whole number, got nothing'],
    [SCENES, scene, { image: undefined }, 'image must be 6 bytes (2 x 3), got nothing'],
    [SCENES, scene, { image: bin(7) }, 'image must be 6 bytes (2 x 3), got 7 bytes'],
    [SCENES, scene, { image: 'pixels' }, 'image must be 6 bytes (2 x 3), got "pixels"'],
    [SCENES, scene, { count: 'one' }, 'count must be a whole number, got "one"'],
    [SCENES, scene, { count: 3 }, 'count is 3, but there are 1 objects'],
    [SCENES, scene, { objects: [7] }, 'objects[] must be a map, got 7'],
    [
      SCENES,
      scene,
      { objects: [{ ...scene.objects[0], ink: [0, 0, 1] }] },
      'ink must be a box [x, y, w, h], got an array of 3',
    ],
    [
      SCENES,
      scene,
      { objects: [{ ...scene.objects[0], frame: [0, 0, Number.NaN, 1] }] },
      'frame must be a finite number, got NaN',
    ],
    [LATENTS, latent, { n: undefined }, 'n must be a whole number, got nothing'],
    [SCENES, scene, { count: 2 ** 53 - 1, objects: undefined }, 'count must be at most 255, got 9007199254740991'],
    [
      SCENES,
      scene,
      { count: undefined, objects: Array(256).fill(0) },
      'objects must be an array of at most 255, got an array of 256',
    ],
    [SCENES, scene, withObject({ label: 1e7 }), 'label must be at most 1000000, got 10000000'],
    [SCENES, scene, withObject({ ink: [0, 0, -1, 1] }), 'ink must be of sides that are not negative, got -1'],
    [SCENES, scene, withObject({ frame: [1e300, 0, 1, 1] }), 'frame must be within 1e+45 of 0, got 1e+300'],
    [LATENTS, latent, { n: 2 }, 'n must be at most 1, got 2'],
    [LATENTS, latent, { count: 1e8 }, 'count must be at most 255, got 100000000'],
    [LATENTS, latent, { q: [1e9, 0.5] }, 'q must be in 0 .. 1, got 1000000000'],
    [LATENTS, latent, { q: [1.5, -0.5] }, 'q must be in 0 .. 1, got 1.5'],
    [LATENTS, latent, { q: [0.5, 0.25] }, 'q must add up to 1, got 0.75'],
    [
      LATENTS,
      latent,
      { evidence: [-Infinity, -Infinity] },
      'evidence must be above -Infinity for a count, got -Infinity',
    ],
    [LATENTS, latent, { evidence: [0, Infinity] }, 'evidence must be a finite number, got Infinity'],
    [LATENTS, latent, { elbo: -1e300 }, 'elbo must be within 1e+45 of 0, got -1e+300'],
    [
      LATENTS,
      latent,
      { q: [1, ...Array(256).fill(0)], steps: Array(256).fill(step) },
      'steps must be an array of at most 255, got an array of 256',
    ],
    [LATENTS, latent, withStep({ p: 1.5 }), 'p must be in 0 .. 1, got 1.5'],
    [LATENTS, latent, withStep({ p: -0.1 }), 'p must be in 0 .. 1, got -0.1'],
    [LATENTS, latent, withStep({ box: [0, 0, 1, -1] }), 'box must be of sides that are not negative, got -1'],
    [LATENTS, latent, withStep({ where: floats(0, Number.NaN, 0) }), 'where must be finite numbers, got NaN'],
    [LATENTS, latent, withStep({ what: floats(0, Infinity) }), 'what must be finite numbers, got Infinity'],
    [
      LATENTS,
      latent,
      withStep({ where_scale: floats(1, -1, 1) }),
      'where_scale must be finite numbers that are not negative, got -1',
    ],
    [
      LATENTS,
      latent,
      withStep({ what_scale: floats(Number.NaN, 1) }),
      'what_scale must be finite numbers that are not negative, got NaN',
    ],
    [LATENTS, latent, { n_evidence: 5 }, 'n_evidence must be at most 1, got 5'],
    [LATENTS, latent, { evidence: [1] }, 'evidence must be 2 numbers as q, got an array of 1'],
    [LATENTS, latent, { evidence: [1, Number.NaN] }, 'evidence must be a finite number, got NaN'],
    [LATENTS, latent, { evidence: 3 }, 'evidence must be an array, got 3'],
    [LATENTS, latent, { q: [1, 0, 0] }, 'q must be 2 numbers for 1 steps, got an array of 3'],
    [LATENTS, latent, { q: [0.5, null] }, 'q must be a finite number, got null'],
    [LATENTS, latent, { elbo: null }, 'elbo must be a finite number, got null'],
    [LATENTS, latent, { steps: undefined }, 'steps must be an array, got nothing'],
    [LATENTS, latent, { reconstruction: bin(5) }, 'reconstruction must be 6 bytes (2 x 3), got 5 bytes'],
    [LATENTS, latent, withStep({ box: undefined }), 'box must be a box [x, y, w, h], got nothing'],
    [LATENTS, latent, withStep({ p: '1' }), 'p must be a finite number, got "1"'],
    [LATENTS, latent, withStep({ where: bin(16) }), 'where must be 12 bytes (float32 [3]), got 16 bytes'],
    [LATENTS, latent, withStep({ what: bin(12) }), 'what must be 8 bytes (float32 [2]), got 12 bytes'],
    [LATENTS, latent, withStep({ what_scale: undefined }), 'what_scale must be 8 bytes (float32 [2]), got nothing'],
    [LATENTS, latent, withStep({ window: bin(5) }), 'window must be 4 bytes (2 x 2), got 5 bytes'],
  ];
  for (const [header, record, change, message] of cases) {
    assert.equal((await readBytes(segmentOf(header, record))).error, undefined);
    const { got, error } = await readBytes(segmentOf(header, record, changedRecord(record, change)));
    assert.equal(recordsOf(got).length, 1);
    assert.equal(error?.message, `in.air: segment 1, record 2: ${message}`);
  }
});

test('values that are no maps, extension types and endless nesting are refused', async () => {
  const [header] = segmentPieces(SCENES, []);
  const cases: [Uint8Array, RegExp][] = [
    [packValue(7), /segment 1, after record 0: there is a value that is not a map/],
    [Uint8Array.of(0xc7, 1, 0, 0), /the bytes are not msgpack/],
    [Uint8Array.of(0xc1), /the bytes are not msgpack/],
    [new Uint8Array(1000).fill(0x91), /the bytes are too large/],
    [Uint8Array.of(0x81, 0xa1, 0x69, 0xc6, 0xff, 0xff, 0xff, 0xff), /the bytes are too large/],
    [Uint8Array.of(0x81, 0x81, 0x01, 0x02, 0x03), /the bytes are not msgpack/],
  ];
  for (const [bytes, message] of cases) {
    assert.match((await readBytes(concat([header, bytes]))).error?.message ?? '', message);
  }
});

test('garbage is refused by an AirError, always', async () => {
  const draws = new Draws(3, 'scenes');
  const streams = [segment(SCENES, sampleScenes()), segment(LATENTS, sampleLatents())];
  for (let trial = 0; trial < 3000; trial++) {
    const bytes = [...streams[trial % 2]];
    for (let changes = 1 + draws.integer(4); changes > 0; changes--) {
      const at = draws.integer(bytes.length);
      const piece = Array.from({ length: draws.integer(9) }, () => draws.integer(256));
      bytes.splice(at, draws.integer(9), ...piece);
    }
    const { error } = await readBytes(Uint8Array.from(bytes), {}, 1 + draws.integer(200));
    const isUnchanged =
      bytes.length === streams[trial % 2].length && bytes.every((byte, i) => byte === streams[trial % 2][i]);
    assert.equal(error === undefined, isUnchanged);
  }
  for (let trial = 0; trial < 3000; trial++) {
    // Mostly containers and maps, so that it goes on for a while.
    const bytes = Uint8Array.from({ length: 1 + draws.integer(300) }, () =>
      draws.uniform() < 0.3 ? 0x80 + draws.integer(64) : draws.integer(256),
    );
    bytes[0] = 0x81 + draws.integer(14);
    bytes[1] = 0xa0 + draws.integer(32);
    assert.ok((await readBytes(bytes)).error);
  }
});
