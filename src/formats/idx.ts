/**
 * IDX, the format of the MNIST files (http://yann.lecun.com/exdb/mnist/, at the bottom):
 *
 *   2 bytes      0
 *   1 byte       element type: 0x08 unsigned byte, the only one read here
 *   1 byte       rank: 1 for labels, 3 for images [N, H, W]
 *   4 per axis   size, uint32 big-endian
 *   the rest     elements, row-major
 */
import { AirError } from '../errors.js';
import { ByteReader, joined } from './byte-reader.js';
import { checkImageShape, type ImageLayout, wrongLength } from './layout.js';

const UNSIGNED_BYTE = 0x08;
/** Of the format: axes beyond this are a damaged file. */
const MAX_RANK = 8;

type IdxHeader = { shape: number[]; dataStart: number };

/** The header, or undefined if more bytes are needed. @throws AirError 'badData' if it is none. */
function parseIdxHeader(bytes: Uint8Array, name: string): IdxHeader | undefined {
  if (bytes.length < 4) return undefined;
  const [zero, zero2, type, rank] = bytes;
  if (zero !== 0 || zero2 !== 0 || rank < 1 || rank > MAX_RANK) {
    const magic = Array.from(bytes.subarray(0, 4), (byte) => byte.toString(16).padStart(2, '0')).join(' ');
    throw new AirError('badData', `${name}: not an IDX file: begins with ${magic}, expected 00 00 08 RANK`);
  }
  if (type !== UNSIGNED_BYTE) {
    const got = `0x${type.toString(16).padStart(2, '0')}`;
    throw new AirError('badData', `${name}: IDX elements of type ${got}, expected 0x08 (unsigned bytes)`);
  }
  const dataStart = 4 + 4 * rank;
  if (bytes.length < dataStart) return undefined;
  const view = new DataView(bytes.buffer, bytes.byteOffset, dataStart);
  return { shape: Array.from({ length: rank }, (_, axis) => view.getUint32(4 + 4 * axis)), dataStart };
}

/** An IDX array: labels [N], images [N, H, W], or whatever else. */
export type IdxArray = { shape: number[]; data: Uint8Array };

/**
 * An IDX file that is all there. `data` is a view of `bytes`.
 * @throws AirError 'badData' if the header is wrong, the rank is not the one asked for, or the length is not the header's.
 */
export function decodeIdx(bytes: Uint8Array, name: string, rank?: number): IdxArray {
  const header = parseIdxHeader(bytes, name);
  if (header === undefined) throw cutInHeader(name);
  const { shape, dataStart } = header;
  checkRank(shape, rank, name);
  const expected = dataStart + elementsOf(shape);
  if (bytes.length !== expected) throw wrongLength(name, bytes.length, expected);
  return { shape, data: bytes.subarray(dataStart) };
}

/** More elements are not held. */
const MAX_ELEMENTS = 2 ** 30;

/** The same of a file that arrives, which is read no further than to what its header says. @throws AirError 'badData' */
export async function readIdx(chunks: AsyncIterable<Uint8Array>, name: string, rank: number): Promise<IdxArray> {
  const { shape, elements } = await openIdx(chunks, name);
  checkRank(shape, rank, name);
  if (elementsOf(shape) > MAX_ELEMENTS) {
    throw new AirError(
      'badData',
      `${name}: IDX array [${shape.join(', ')}], expected ${MAX_ELEMENTS} elements at most`,
    );
  }
  const data = new Uint8Array(elementsOf(shape));
  let filled = 0;
  for await (const piece of elements) {
    data.set(piece, filled);
    filled += piece.length;
  }
  return { shape, data };
}

/**
 * An IDX file of any size as it arrives: its shape, and its elements piece by piece.
 * @throws AirError 'badData' if the header is wrong; with the elements, if there are less or more of them
 */
export async function openIdx(
  chunks: AsyncIterable<Uint8Array>,
  name: string,
): Promise<{ shape: number[]; elements: AsyncGenerator<Uint8Array, void, undefined> }> {
  const input = new ByteReader(chunks);
  const start = await input.take(4);
  parseIdxHeader(start, name); // refuses what is none
  const sizes = await input.take(start.length < 4 ? 0 : 4 * start[3]);
  const header = parseIdxHeader(joined(start, sizes), name);
  if (header === undefined) throw cutInHeader(name);
  return { shape: header.shape, elements: elementsIn(input, header, name) };
}

async function* elementsIn(
  input: ByteReader,
  { shape, dataStart }: IdxHeader,
  name: string,
): AsyncGenerator<Uint8Array, void, undefined> {
  const expected = dataStart + elementsOf(shape);
  try {
    for (let piece = await input.some(); piece !== undefined; piece = await input.some()) {
      if (input.total > expected) throw wrongLength(name, input.total, expected);
      yield piece;
    }
    if (input.total < expected) throw wrongLength(name, input.total, expected);
  } finally {
    await input.close();
  }
}

function elementsOf(shape: readonly number[]): number {
  return shape.reduce((product, size) => product * size, 1);
}

/** @throws AirError 'badData' if there is a rank that is asked for, and it is another */
function checkRank(shape: readonly number[], rank: number | undefined, name: string): void {
  if (rank === undefined || shape.length === rank) return;
  throw new AirError('badData', `${name}: IDX array of rank ${shape.length} [${shape.join(', ')}], expected ${rank}`);
}

function cutInHeader(name: string): AirError {
  return new AirError('badData', `${name}: cut short inside its IDX header`);
}

/** Where the images are in an IDX file that begins with `bytes`; undefined if more of them are needed. */
export function idxLayout(bytes: Uint8Array, name: string): ImageLayout | undefined {
  const header = parseIdxHeader(bytes, name);
  if (header === undefined) return undefined;
  const [count, height, width] = checkImageShape(header.shape, name);
  const toPixels = (image: Uint8Array): Uint8Array => new Uint8Array(image);
  const imageBytes = height * width;
  return { dataStart: header.dataStart, count, height, width, isColour: false, imageBytes, toPixels };
}
