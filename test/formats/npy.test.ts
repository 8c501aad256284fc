/** Arrays as numpy.save writes them. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readImages } from '#air/formats/images.js';
import { decodeNpy, encodeNpy } from '#air/formats/npy.js';
import { airErrorOf, chunksOf, concat, drain, type Outcome } from '../support/samples.js';

/** An .npy file with any header. */
function npyOf(dict: string, data: Uint8Array, version = 1): Uint8Array {
  const text = new TextEncoder().encode(dict);
  const length = version === 1 ? [text.length & 255, text.length >> 8] : [text.length & 255, text.length >> 8, 0, 0];
  return concat([Uint8Array.of(0x93, ...Buffer.from('NUMPY'), version, 0, ...length), text, data]);
}

/** The images in a file, or what is wrong with it once its header has been read. */
async function imagesOf(file: Uint8Array): Promise<Outcome<Uint8Array>> {
  return drain((await readImages(chunksOf(file), 'x')).images);
}

test('the bytes of a small array, as numpy.save writes them', () => {
  const dict = "{'descr': '<f4', 'fortran_order': False, 'shape': (2,), }";
  const expected = concat([
    Uint8Array.of(0x93, ...Buffer.from('NUMPY'), 1, 0, 118, 0),
    Buffer.from(`${dict.padEnd(117)}\n`),
    Uint8Array.of(0, 0, 0x80, 0x3f, 0, 0, 0, 0xbf),
  ]);
  assert.deepEqual(encodeNpy({ shape: [2], data: Float32Array.of(1, -0.5) }), expected);
});

test('arrays come back, with every version and any spelling of the header', () => {
  for (const array of [
    { shape: [2, 3], data: Uint8Array.of(1, 2, 3, 4, 5, 6) },
    { shape: [1, 2, 1], data: Float32Array.of(0.25, Number.NaN) },
    { shape: [0, 5], data: new Uint8Array(0) },
    { shape: [], data: Float32Array.of(3) },
  ]) {
    assert.deepEqual(decodeNpy(encodeNpy(array), 'x'), array);
  }
  const spelled = "{'shape': (1L, 2L), 'descr':'|u1','fortran_order': False}\n";
  for (const version of [1, 2, 3]) {
    assert.deepEqual(decodeNpy(npyOf(spelled, Uint8Array.of(8, 9), version), 'x'), {
      shape: [1, 2],
      data: Uint8Array.of(8, 9),
    });
  }
  assert.equal(airErrorOf(() => encodeNpy({ shape: [2], data: new Uint8Array(3) })).kind, 'bug');
});

test('float intensities are rounded to the nearest of 0 .. 255', async () => {
  const values = [0, 1, 0.5, 0.4999, 1 / 255, 0.0019, 0.002];
  const file = encodeNpy({ shape: [1, 1, 7], data: Float32Array.from(values) });
  assert.deepEqual((await imagesOf(file)).got, [Uint8Array.of(0, 255, 128, 127, 1, 0, 1)]);
});

test('values out of range are named by where they are', async () => {
  const imagesWith = async (value: number) => {
    const data = new Float32Array(12);
    data[11] = value;
    return (await imagesOf(encodeNpy({ shape: [2, 2, 3], data }))).error;
  };
  assert.equal((await imagesWith(1.5))?.message, 'x: image 1, row 1, column 2: 1.5, expected an intensity in 0 .. 1');
  assert.match((await imagesWith(255))?.hint ?? '', /uint8/);
  assert.match((await imagesWith(-0.25))?.message ?? '', /column 2: -0.25,/);
  assert.match((await imagesWith(Number.NaN))?.message ?? '', /column 2: NaN,/);
  assert.match((await imagesWith(Infinity))?.message ?? '', /column 2: Infinity,/);
});

test('a header that is wrong is named', async () => {
  const dict = (descr: string, order: string, shape: string) =>
    `{'descr': ${descr}, 'fortran_order': ${order}, 'shape': ${shape}, }\n`;
  const data = new Uint8Array(6);
  const cases: [Uint8Array, string][] = [
    [Uint8Array.of(0x93, 0x4e), 'x: cut short inside its .npy header'],
    [new Uint8Array(20), 'x: not an .npy file: no "NUMPY" at its start'],
    [npyOf(dict("'|u1'", 'False', '(6,)'), data, 4), 'x: .npy version 4, expected 1, 2 or 3'],
    [
      npyOf(dict("'<f8'", 'False', '(6,)'), data),
      "x: elements of type '<f8', expected '|u1' (uint8) or '<f4' (float32)",
    ],
    [
      npyOf(dict("'>f4'", 'False', '(6,)'), data),
      "x: elements of type '>f4', expected '|u1' (uint8) or '<f4' (float32)",
    ],
    [
      npyOf(dict("[('a', '|u1')]", 'False', '(6,)'), data),
      "x: elements of type a structured type, expected '|u1' (uint8) or '<f4' (float32)",
    ],
    [npyOf(dict("'|u1'", 'True', '(2, 3)'), data), 'x: in Fortran order, expected C order'],
    [npyOf(dict("'|u1'", 'Maybe', '(6,)'), data), 'x: its .npy header is not as NumPy writes it'],
    [npyOf(dict("'|u1'", 'False', '(-6,)'), data), 'x: its .npy header is not as NumPy writes it'],
    [npyOf(dict("'|u1'", 'False', '6'), data), 'x: its .npy header is not as NumPy writes it'],
    [
      npyOf("'descr': '|u1', 'fortran_order': False, 'shape': (6,)", data),
      'x: its .npy header is not as NumPy writes it',
    ],
    [npyOf(dict("'|u1'", 'False', '(7,)'), data), 'x: cut short: 74 bytes, its header says 75'],
    [npyOf(dict("'|u1'", 'False', '(5,)'), data), 'x: too long: 74 bytes, its header says 73'],
    [Uint8Array.of(0x93, ...Buffer.from('NUMPY'), 2, 0, 255, 255, 255, 255), 'x: an .npy header of 4294967295 bytes'],
  ];
  for (const [bytes, message] of cases) assert.equal(airErrorOf(() => decodeNpy(bytes, 'x')).message, message);
  await assert.rejects(imagesOf(encodeNpy({ shape: [2, 3], data })), {
    message: 'x: shape [2, 3], expected [images, height, width]',
    hint: 'for a single image save x[None] instead of x',
  });
});

test('an array has at most as many axes as NumPy takes, so that it can be written again', () => {
  const header = (axes: number): string =>
    `{'descr': '|u1', 'fortran_order': False, 'shape': (${'1, '.repeat(axes)}), }\n`;
  const most = decodeNpy(npyOf(header(64), Uint8Array.of(7)), 'x');
  assert.deepEqual(decodeNpy(encodeNpy(most), 'x'), most);
  for (const axes of [65, 20_000]) {
    const { message } = airErrorOf(() => decodeNpy(npyOf(header(axes), Uint8Array.of(7), 2), 'x'));
    assert.equal(message, `x: an array of ${axes} axes, expected at most 64`);
  }
});
