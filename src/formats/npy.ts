/**
 * NumPy's .npy (https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html), versions 1 to 3. Read in the two
 * element types that images come in, written in those and a few more for numbers:
 *
 *   6 bytes     0x93 "NUMPY"
 *   2 bytes     version, major and minor
 *   2 bytes     n, uint16 little-endian (version 1), or 4 bytes, uint32 (versions 2 and 3)
 *   n bytes     a Python dict: {'descr': '|u1' | '<f4', 'fortran_order': False, 'shape': (N, H, W), }, spaces, newline
 *   the rest    elements, row-major
 *
 * As images: [N, H, W], uint8 intensities, or float32 in 0 .. 1, which become round(255 v); also [N, H, W, 3] and
 * [N, H, W, 4], colours, which then become grey.
 */
import { AirError } from '../errors.js';
import { type Channels, toGrey } from './grey.js';
import { checkColourShape, type ImageLayout, wrongLength } from './layout.js';

const MAGIC = [0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59];
/** Far above any array of numbers; only structured types have long headers. */
const MAX_HEADER_BYTES = 1 << 20;
/** As many axes as NumPy's arrays may have: so few that a header can be written of them. */
const MAX_RANK = 64;

export type NpyArray = { shape: number[]; data: Uint8Array | Float32Array };

/** What is written: as many elements as `shape` says, row-major. */
export type NumericArray = { readonly shape: readonly number[]; readonly data: NumericData };
export type NumericData = Uint8Array | Int32Array | BigInt64Array | Float32Array | Float64Array;

function descrOf(data: NumericData): string {
  if (data instanceof Uint8Array) return '|u1';
  if (data instanceof Int32Array) return '<i4';
  if (data instanceof BigInt64Array) return '<i8';
  return data instanceof Float32Array ? '<f4' : '<f8';
}

type NpyHeader = { elementBytes: 1 | 4; shape: number[]; dataStart: number };

/** The file's bytes, version 1, as numpy.save writes them. `data` has as many elements as `shape` says. */
export function encodeNpy({ shape, data }: NumericArray): Uint8Array {
  const count = shape.reduce((product, size) => product * size, 1);
  if (data.length !== count) throw new AirError('bug', `cannot write ${data.length} elements as [${shape.join(', ')}]`);
  const sizes = shape.length === 1 ? `${shape[0]},` : shape.join(', ');
  const dict = `{'descr': '${descrOf(data)}', 'fortran_order': False, 'shape': (${sizes}), }`;
  const dataStart = Math.ceil((10 + dict.length + 1) / 64) * 64;
  const bytes = new Uint8Array(dataStart + data.byteLength);
  bytes.set([...MAGIC, 1, 0]);
  new DataView(bytes.buffer).setUint16(8, dataStart - 10, true);
  bytes.set(new TextEncoder().encode(`${dict.padEnd(dataStart - 11)}\n`), 10);
  bytes.set(new Uint8Array(data.buffer, data.byteOffset, data.byteLength), dataStart);
  return bytes;
}

/** An .npy file that is all there. @throws AirError 'badData' if it is not what the header of this file says. */
export function decodeNpy(bytes: Uint8Array, name: string): NpyArray {
  const header = parseNpyHeader(bytes, name);
  if (header === undefined) throw new AirError('badData', `${name}: cut short inside its .npy header`);
  const { shape, elementBytes, dataStart } = header;
  const expected = dataStart + elementBytes * shape.reduce((product, size) => product * size, 1);
  if (bytes.length !== expected) throw wrongLength(name, bytes.length, expected);
  const elements = new Uint8Array(bytes.subarray(dataStart));
  return { shape, data: elementBytes === 1 ? elements : new Float32Array(elements.buffer) };
}

/** Where the images are in an .npy file that begins with `bytes`; undefined if more of them are needed. */
export function npyLayout(bytes: Uint8Array, name: string): ImageLayout | undefined {
  const header = parseNpyHeader(bytes, name);
  if (header === undefined) return undefined;
  const { elementBytes, dataStart } = header;
  const [count, height, width, channels] = checkColourShape(header.shape, name);
  const toPixels = (image: Uint8Array, index: number): Uint8Array =>
    toGrey(elementBytes === 1 ? image : quantize(image, { index, width, channels }, name), channels);
  const imageBytes = elementBytes * height * width * channels;
  return { dataStart, count, height, width, isColour: channels !== 1, imageBytes, toPixels };
}

/** float32 in 0 .. 1 -> uint8. */
function quantize(
  bytes: Uint8Array,
  { index, width, channels }: { index: number; width: number; channels: Channels },
  name: string,
): Uint8Array {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const pixels = new Uint8Array(bytes.length / 4);
  for (let i = 0; i < pixels.length; i++) {
    const value = view.getFloat32(4 * i, true);
    if (!(value >= 0 && value <= 1)) {
      const pixel = Math.floor(i / channels);
      const at = `image ${index}, row ${Math.floor(pixel / width)}, column ${pixel % width}`;
      const hint = value > 1 && value <= 255 ? 'for values in 0 .. 255 save x.astype("uint8")' : undefined;
      throw new AirError('badData', `${name}: ${at}: ${value}, expected an intensity in 0 .. 1`, hint);
    }
    pixels[i] = Math.round(255 * value);
  }
  return pixels;
}

/** The header, or undefined if more bytes are needed. @throws AirError 'badData' if it is none, or none that is read. */
function parseNpyHeader(bytes: Uint8Array, name: string): NpyHeader | undefined {
  const fail = (what: string, hint?: string): never => {
    throw new AirError('badData', `${name}: ${what}`, hint);
  };
  if (MAGIC.some((byte, i) => i < bytes.length && bytes[i] !== byte)) fail('not an .npy file: no "NUMPY" at its start');
  if (bytes.length < 12) return undefined;
  const version = bytes[6];
  if (version < 1 || version > 3) fail(`.npy version ${version}, expected 1, 2 or 3`);
  const view = new DataView(bytes.buffer, bytes.byteOffset, 12);
  const dictStart = version === 1 ? 10 : 12;
  const dictBytes = version === 1 ? view.getUint16(8, true) : view.getUint32(8, true);
  if (dictBytes > MAX_HEADER_BYTES) fail(`an .npy header of ${dictBytes} bytes`);
  const dataStart = dictStart + dictBytes;
  if (bytes.length < dataStart) return undefined;
  const dict = new TextDecoder('latin1').decode(bytes.subarray(dictStart, dataStart));
  const descr = /'descr'\s*:\s*('[^']*'|\[)/.exec(dict)?.[1];
  const order = /'fortran_order'\s*:\s*(True|False)\b/.exec(dict)?.[1];
  const sizes = /'shape'\s*:\s*\(((?:\s*\d+L?\s*,)*(?:\s*\d+L?)?\s*)\)/.exec(dict)?.[1];
  if (!/^\{.*\}\s*$/s.test(dict) || descr === undefined || order === undefined || sizes === undefined) {
    return fail('its .npy header is not as NumPy writes it');
  }
  const elementBytes = descr === "'|u1'" ? 1 : descr === "'<f4'" ? 4 : undefined;
  if (elementBytes === undefined) {
    const isPickled = descr === "'|O'";
    const type = descr === '[' ? 'a structured type' : isPickled ? `${descr} (pickled objects)` : descr;
    const hint = isPickled ? 'save an array of numbers: numpy.stack(images)' : 'save x.astype("float32")';
    return fail(`elements of type ${type}, expected '|u1' (uint8) or '<f4' (float32)`, hint);
  }
  if (order === 'True') fail('in Fortran order, expected C order', 'save numpy.ascontiguousarray(x)');
  const shape = sizes.split(',').flatMap((size) => (size.trim() === '' ? [] : [Number.parseInt(size, 10)]));
  if (shape.length > MAX_RANK) fail(`an array of ${shape.length} axes, expected at most ${MAX_RANK}`);
  return { elementBytes, shape, dataStart };
}
