/** Archives of arrays as numpy.savez writes them; zips of any kind are made here byte by byte. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { crc32, deflateRawSync } from 'node:zlib';
import { Draws } from '#air/core/rng.js';
import { AirError } from '#air/errors.js';
import { readImages } from '#air/formats/images.js';
import { encodeNpy, type NpyArray } from '#air/formats/npy.js';
import { decodeNpzArray, encodeNpz } from '#air/formats/npz.js';
import { airErrorOf, chunksOf, concat, drain, type Outcome } from '../support/samples.js';

const pixels = Uint8Array.from({ length: 12 }, (_, i) => 20 * i);
const images = [pixels.slice(0, 6), pixels.slice(6)];
const x = { shape: [2, 2, 3], data: pixels };
const npy = encodeNpy(x);

/**
 * By numpy 2.4.6, of x as above and y = numpy.array([[1, 2], [3]], dtype=object), which is pickled: savez,
 * savez_compressed, and savez_compressed to a pipe, in which no member's header says how long it is.
 */
const BY_NUMPY = {
  stored: [
    'UEsDBC0AAAAAAAAAIQAbL0N5//////////8FABQAeC5ucHkBABAAjAAAAAAAAACMAAAAAAAAAJNOVU1QWQEAdgB7J2Rlc2NyJzogJ3x1MScsICdm',
    'b3J0cmFuX29yZGVyJzogRmFsc2UsICdzaGFwZSc6ICgyLCAyLCAzKSwgfSAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAg',
    'ICAgICAgICAgICAgICAKABQoPFBkeIygtMjcUEsDBC0AAAAAAAAAIQCGB0w5//////////8FABQAeS5ucHkBABAAIgEAAAAAAAAiAQAAAAAAAJNO',
    'VU1QWQEAdgB7J2Rlc2NyJzogJ3xPJywgJ2ZvcnRyYW5fb3JkZXInOiBGYWxzZSwgJ3NoYXBlJzogKDIsKSwgfSAgICAgICAgICAgICAgICAgICAg',
    'ICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAKgASVlwAAAAAAAACMFm51bXB5Ll9jb3JlLm11bHRpYXJyYXmUjAxfcmVj',
    'b25zdHJ1Y3SUk5SMBW51bXB5lIwHbmRhcnJheZSTlEsAhZRDAWKUh5RSlChLAUsChZRoA4wFZHR5cGWUk5SMAk84lImIh5RSlChLA4wBfJROTk5K',
    '/////0r/////Sz90lGKJXZQoXZQoSwFLAmVdlEsDYWV0lGIuUEsBAi0DLQAAAAAAAAAhABsvQ3mMAAAAjAAAAAUAAAAAAAAAAAAAAIABAAAAAHgu',
    'bnB5UEsBAi0DLQAAAAAAAAAhAIYHTDkiAQAAIgEAAAUAAAAAAAAAAAAAAIABwwAAAHkubnB5UEsFBgAAAAACAAIAZgAAABwCAAAAAA==',
  ].join(''),
  deflated: [
    'UEsDBC0AAAAIAAAAIQAbL0N5//////////8FABQAeC5ucHkBABAAjAAAAAAAAABUAAAAAAAAAJvsF+obEMnIUMZQrZ6SWpxcpG6loF5Taqiuo6Ce',
    'll9UUpSYF59flJIKEndLzClOBYoXZyQWpAL5GkY6CkBkrKmjUKtAHuBiENGwCUip6Fmw5cQdAFBLAwQtAAAACAAAACEAhgdMOf//////////BQAU',
    'AHkubnB5AQAQACIBAAAAAAAAzAAAAAAAAACb7BfqGxDJyFDGUK2eklqcXKRupaBe46+uo6Cell9UUpSYF59flJIKEnZLzClOBYoXZyQWpAL5GkY6',
    'mjoKtQqUAK4GlqnTGSCgRyyvNLegUi8+Ob8oVS+3NKckM7GoKLFySg9PfFFqcn5ecUlRaXLJlMlTeljBKqf0sOelQJRMnuLN0DrFmTFpSvuUoCka',
    '3ozeTK1TMph7WFNKKgtSQVqY/C2mdHZAZJl7GGum+Pn5ef0HAjDhbV8yJakzdopGLERzauwUb+bEVKCgHgBQSwECLQMtAAAACAAAACEAGy9DeVQA',
    'AACMAAAABQAAAAAAAAAAAAAAgAEAAAAAeC5ucHlQSwECLQMtAAAACAAAACEAhgdMOcwAAAAiAQAABQAAAAAAAAAAAAAAgAGLAAAAeS5ucHlQSwUG',
    'AAAAAAIAAgBmAAAAjgEAAAAA',
  ].join(''),
  piped: [
    'UEsDBC0ACAAIAAAAIQAAAAAA//////////8FABQAeC5ucHkBABAAAAAAAAAAAAAAAAAAAAAAAJvsF+obEMnIUMZQrZ6SWpxcpG6loF5Taqiuo6Ce',
    'll9UUpSYF59flJIKEndLzClOBYoXZyQWpAL5GkY6CkBkrKmjUKtAHuBiENGwCUip6Fmw5cQdAFBLBwgbL0N5VAAAAAAAAACMAAAAAAAAAFBLAwQt',
    'AAgACAAAACEAAAAAAP//////////BQAUAHkubnB5AQAQAAAAAAAAAAAAAAAAAAAAAACb7BfqGxDJyFDGUK2eklqcXKRupaBe46+uo6Cell9UUpSY',
    'F59flJIKEnZLzClOBYoXZyQWpAL5GkY6mjoKtQqUAK4GlqnTGSCgRyyvNLegUi8+Ob8oVS+3NKckM7GoKLFySg9PfFFqcn5ecUlRaXLJlMlTeljB',
    'Kqf0sOelQJRMnuLN0DrFmTFpSvuUoCka3ozeTK1TMph7WFNKKgtSQVqY/C2mdHZAZJl7GGum+Pn5ef0HAjDhbV8yJakzdopGLERzauwUb+bEVKCg',
    'HgBQSwcIhgdMOcwAAAAAAAAAIgEAAAAAAABQSwECLQMtAAgACAAAACEAGy9DeVQAAACMAAAABQAAAAAAAAAAAAAAgAEAAAAAeC5ucHlQSwECLQMt',
    'AAgACAAAACEAhgdMOcwAAAAiAQAABQAAAAAAAAAAAAAAgAGjAAAAeS5ucHlQSwUGAAAAAAIAAgBmAAAAvgEAAAAA',
  ].join(''),
};

type Read = Outcome<Uint8Array>;

/** The images in an archive and what was wrong with it, which must be an AirError 'badData'. */
async function readAll(bytes: Uint8Array, chunkSize?: number): Promise<Read> {
  try {
    return await drain((await readImages(chunksOf(bytes, chunkSize), 'a.npz')).images);
  } catch (error) {
    if (error instanceof AirError && error.kind === 'badData') return { got: [], error };
    throw error;
  }
}

type Member = { name: string; data: Uint8Array; size?: number; packed?: Uint8Array; method?: number; flags?: number };

/** A zip, written by its specification, in which everything may be a lie. */
function zipOf(members: readonly Member[], change: { entries?: number; offset?: number; tail?: Uint8Array } = {}) {
  const parts: Uint8Array[] = [];
  const entries: Uint8Array[] = [];
  let at = 0;
  for (const { name, data, method = 0, flags = 0, ...other } of members) {
    const { size = data.length, packed = method === 8 ? deflateRawSync(data) : data } = other;
    const about = new Uint8Array(26);
    const view = new DataView(about.buffer);
    view.setUint16(0, 20, true);
    view.setUint16(2, flags, true);
    view.setUint16(4, method, true);
    view.setUint32(10, crc32(data), true);
    view.setUint32(14, packed.length, true);
    view.setUint32(18, size, true);
    view.setUint16(22, name.length, true);
    const offset = new Uint8Array(14);
    new DataView(offset.buffer).setUint32(10, at, true);
    const member = concat([Uint8Array.of(0x50, 0x4b, 3, 4), about, Buffer.from(name), packed]);
    entries.push(Uint8Array.of(0x50, 0x4b, 1, 2, 20, 0), about, offset, Buffer.from(name));
    parts.push(member);
    at += member.length;
  }
  const directory = concat(entries);
  const end = new Uint8Array(22);
  end.set([0x50, 0x4b, 5, 6]);
  const view = new DataView(end.buffer);
  for (const field of [8, 10]) view.setUint16(field, change.entries ?? members.length, true);
  view.setUint32(12, directory.length, true);
  view.setUint32(16, change.offset ?? at, true);
  return concat([...parts, directory, change.tail ?? new Uint8Array(0), end]);
}

test('what numpy writes is read, in pieces of any size; pickled objects beside it are left alone', async () => {
  for (const base64 of Object.values(BY_NUMPY)) {
    const bytes = Uint8Array.from(Buffer.from(base64, 'base64'));
    for (const size of [1, 7, 65536]) {
      assert.deepEqual(await readAll(bytes, size), { got: images, error: undefined });
    }
    assert.deepEqual(decodeNpzArray(bytes, 'x', 'a.npz'), x);
    const { message } = airErrorOf(() => decodeNpzArray(bytes, 'y', 'a.npz'));
    assert.equal(
      message,
      "a.npz: y: elements of type '|O' (pickled objects), expected '|u1' (uint8) or '<f4' (float32)",
    );
  }
});

test('arrays come back, and the same arrays are the same bytes wherever and whenever', () => {
  const arrays = new Map<string, NpyArray>([
    ['x', x],
    ['where', { shape: [2, 1], data: Float32Array.of(0.5, -1) }],
    ['none', { shape: [0, 3], data: new Uint8Array(0) }],
  ]);
  for (const isDeflated of [false, true]) {
    const bytes = encodeNpz(arrays, { isDeflated });
    for (const [name, array] of arrays) assert.deepEqual(decodeNpzArray(bytes, name, 'a.npz'), array);
    const zone = process.env.TZ;
    process.env.TZ = 'Pacific/Kiritimati';
    assert.deepEqual(encodeNpz(arrays, { isDeflated }), bytes);
    if (zone === undefined) delete process.env.TZ;
    else process.env.TZ = zone;
    // date of the first member, as MS-DOS counts: 1980-01-01 12:00
    assert.deepEqual([...bytes.subarray(10, 14)], [0, 0x60, 0x21, 0]);
  }
  assert.ok(encodeNpz(arrays, { isDeflated: true }).length < encodeNpz(arrays).length);
});

test('every prefix is refused, and so is a longer file', async () => {
  for (const bytes of [encodeNpz(new Map([['x', x]])), zipOf([{ name: 'x.npy', data: npy, method: 8 }])]) {
    for (let length = 0; length < bytes.length; length++) {
      const { got, error } = await readAll(bytes.subarray(0, length));
      assert.ok(error, `${length} bytes`);
      assert.deepEqual(got, []);
    }
    assert.ok((await readAll(concat([bytes, Uint8Array.of(0)]))).error);
    assert.ok((await readAll(concat([bytes, bytes]))).error);
  }
  const { error } = await readAll(encodeNpz(new Map([['x', x]])).subarray(0, 100));
  assert.equal(error?.message, 'a.npz: cut short after 100 bytes: a zip archive without its end');
});

test('a flipped bit anywhere is refused, or changes no pixel', async () => {
  let refused = 0;
  for (const base64 of Object.values(BY_NUMPY)) {
    const whole = Uint8Array.from(Buffer.from(base64, 'base64'));
    for (let bit = 0; bit < 8 * whole.length; bit++) {
      const changed = Uint8Array.from(whole);
      changed[bit >> 3] ^= 1 << (bit & 7);
      const { got, error } = await readAll(changed);
      if (error) refused++;
      else assert.deepEqual(got, images, `bit ${bit}`);
    }
  }
  assert.ok(refused > (3 * 8 * npy.length) / 2, `${refused} refused`);
});

test('deflated data of any kind is refused by an AirError, and at once', async () => {
  const draws = new Draws(9, 'scenes');
  const packed = Uint8Array.from(deflateRawSync(npy));
  for (let trial = 0; trial < 1000; trial++) {
    const noisy = Uint8Array.from(packed);
    for (let changes = 1 + draws.integer(4); changes > 0; changes--) {
      noisy[draws.integer(noisy.length)] = draws.integer(256);
    }
    const { got, error } = await readAll(zipOf([{ name: 'x.npy', data: npy, packed: noisy, method: 8 }]));
    if (!error) assert.deepEqual(got, images);
  }
  // long after its end: what follows is not gathered
  const longer = concat([packed.subarray(0, -20), deflateRawSync(new Uint8Array(0)), new Uint8Array(1 << 20)]);
  assert.ok((await readAll(zipOf([{ name: 'x.npy', data: npy, packed: longer, method: 8 }]))).error);
  const empty = Uint8Array.from({ length: 5 * 200_000 }, (_, i) => [0, 0, 0, 255, 255][i % 5]); // blocks of nothing
  const { error } = await readAll(zipOf([{ name: 'x.npy', data: npy, packed: empty, method: 8 }]));
  assert.equal(error?.message, 'a.npz: x: damaged: it does not inflate');
});

test('a bomb is left where it goes beyond what the directory or the header says', async () => {
  const bomb = deflateRawSync(new Uint8Array(200_000_000));
  const lying = zipOf([{ name: 'x.npy', data: npy, packed: concat([bomb]), method: 8 }]);
  assert.equal(
    (await readAll(lying)).error?.message,
    'a.npz: x: too long: more bytes, the directory of the archive says 140',
  );
  const long = concat([npy, new Uint8Array(1_000_000)]);
  const { got, error } = await readAll(zipOf([{ name: 'x.npy', data: long, method: 8 }]));
  assert.deepEqual(got, images);
  assert.match(error?.message ?? '', /^a\.npz: x: too long: \d+ bytes, its header says 140$/);
  const dict = "{'descr': '|u1', 'fortran_order': False, 'shape': (1000000000000, 50, 50), }";
  const promise = concat([npy.subarray(0, 10), Buffer.from(dict.padEnd(117)), Uint8Array.of(10), pixels]);
  assert.equal(
    (await readAll(zipOf([{ name: 'x.npy', data: promise }]))).error?.message,
    'a.npz: x: cut short: 140 bytes, its header says 2500000000000128',
  );
});

test('an archive that is wrong is named by what is wrong', async () => {
  const member = { name: 'x.npy', data: npy };
  const zip64End = Uint8Array.from({ length: 20 }, (_, i) => [0x50, 0x4b, 6, 7][i] ?? 0);
  const many = Array.from({ length: 30 }, (_, i) => ({ name: `${i}.npy`, data: npy }));
  const cases: [Uint8Array, string][] = [
    [zipOf([]), 'a.npz: no array x in it, nothing'],
    [
      zipOf([
        { ...member, name: 'images.npy' },
        { ...member, name: 'a\u001b[2J' },
      ]),
      'a.npz: no array x in it, only images, a?[2J',
    ],
    [zipOf(many), 'a.npz: no array x in it, only 0, 1, 2, 3, 4, 5, 6, 7 and 22 more'],
    [zipOf([{ ...member, name: 'z'.repeat(60000) }]), `a.npz: no array x in it, only ${'z'.repeat(40)}...`],
    [zipOf([member, { ...member, name: 'x' }]), 'a.npz: 2 arrays called x'],
    [zipOf([{ ...member, data: pixels }]), 'a.npz: x: not an .npy file: no "NUMPY" at its start'],
    [zipOf([{ ...member, data: new Uint8Array(0) }]), 'a.npz: x: cut short after 0 bytes, inside its header'],
    [zipOf([{ ...member, flags: 1 }]), 'a.npz: x: encrypted'],
    [zipOf([{ ...member, method: 12 }]), 'a.npz: x: compressed by method 12, expected deflate'],
    [zipOf([{ ...member, size: 0xffffffff }]), 'a.npz: x: a zip64 member, expected less than 4 GiB'],
    [zipOf([{ ...member, size: 139 }]), 'a.npz: x: damaged: stored, but of two sizes'],
    [
      zipOf([{ ...member, method: 8, size: 139 }]),
      'a.npz: x: too long: more bytes, the directory of the archive says 139',
    ],
    [
      zipOf([{ ...member, method: 8, size: 141 }]),
      'a.npz: x: cut short: 140 bytes, the directory of the archive says 141',
    ],
    [zipOf([{ ...member, packed: npy.with(139, 1) }]), 'a.npz: x: damaged: its checksum does not match'],
    [zipOf([member], { tail: zip64End }), 'a.npz: a zip64 archive, expected less than 4 GiB'],
    [zipOf([member], { entries: 0xffff }), 'a.npz: a zip64 archive, expected less than 4 GiB'],
    [zipOf([member], { entries: 2 }), 'a.npz: a damaged zip archive: entry 2 of its directory'],
    [zipOf([member], { entries: 0 }), 'a.npz: a damaged zip archive: more in its directory than its end says'],
    [zipOf([member], { offset: 3 }), 'a.npz: a damaged zip archive: its directory is not where its end says'],
  ];
  for (const [bytes, message] of cases) assert.equal((await readAll(bytes)).error?.message, message);
  assert.equal((await readAll(zipOf([]))).error?.hint, 'save it so: numpy.savez(file, x=images)');
});
