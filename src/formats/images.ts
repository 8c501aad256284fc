/** Images from files that are no streams: IDX, .npy, .npz and PNG, told apart by their first bytes. */
import { AirError } from '../errors.js';
import { idxLayout } from './idx.js';
import { checkImageShape, type ImageLayout, wrongLength } from './layout.js';
import { npyLayout } from './npy.js';
import { IMAGES_MEMBER, memberName, readNpzMember } from './npz.js';
import { decodePng, isColourPng } from './png.js';
import { type FileKind, KIND_NAMES, SNIFF_BYTES, sniff, sniffChunks } from './sniff.js';

export { type FileKind, sniff, sniffChunks } from './sniff.js';

/** `count` images of one size, each [height, width], uint8 intensities, row-major; grey, whether they were colours or not. */
export type Images<T> = { height: number; width: number; count: number; isColour: boolean; images: T };

type Chunks = AsyncGenerator<Uint8Array, void, undefined>;

const IMAGE_KINDS: readonly FileKind[] = ['npy', 'npz', 'png', 'idx'];

/** Whether `readImages` reads such files. */
export function isImageKind(kind: FileKind): boolean {
  return IMAGE_KINDS.includes(kind);
}

/** A PNG is held whole; no sensible one that fits the image limits is larger. So is an .npz, as it may come by a pipe. */
const MAX_PNG_BYTES = 1 << 26;
const MAX_NPZ_BYTES = 2 ** 31;

/**
 * The images of a file as it arrives: the promise is kept once the header is there, and the images follow one by one.
 * Holds one chunk and one image, whatever the file's length; of an .npz, the file and one image. Every complete image is
 * yielded before damage is reported.
 * @throws AirError 'badData', here or while the images are read, if it is none of the formats, damaged, cut short or too
 *   long.
 */
export async function readImages(chunks: AsyncIterable<Uint8Array>, name: string): Promise<Images<Chunks>> {
  const { kind, chunks: all } = await sniffChunks(chunks);
  try {
    if (kind === 'png') {
      const { images, ...about } = await decodePngImage(await readWhole(all, name, MAX_PNG_BYTES), name);
      return { ...about, images: each(images) };
    }
    if (kind === 'npz') {
      const member = readNpzMember(await readWhole(all, name, MAX_NPZ_BYTES), IMAGES_MEMBER, name);
      return await readArray(each(member), memberName(name, IMAGES_MEMBER), npyLayout);
    }
    return await readArray(all, name, parseLayout);
  } catch (error) {
    await all.return();
    throw error;
  }
}

async function* each<T>(values: Iterable<T>): AsyncGenerator<T, void, undefined> {
  yield* values;
}

/** The images of a header and what follows it; `layoutOf` reads the header, or says that it needs more. */
async function readArray(
  chunks: Chunks,
  name: string,
  layoutOf: (bytes: Uint8Array, name: string) => ImageLayout | undefined,
): Promise<Images<Chunks>> {
  let bytes = new Uint8Array(0);
  for (;;) {
    const { value, done } = await chunks.next();
    if (!done) bytes = join([bytes, value]);
    const layout = bytes.length < SNIFF_BYTES && !done ? undefined : layoutOf(bytes, name);
    if (layout !== undefined) {
      const { height, width, count, isColour } = layout;
      return {
        height,
        width,
        count,
        isColour,
        images: imagesInside(layout, bytes.subarray(layout.dataStart), chunks, name),
      };
    }
    if (done) throw cutInHeader(bytes.length, name);
  }
}

/** Yields the images in `first` (what came with the header) and `rest`. */
async function* imagesInside(layout: ImageLayout, first: Uint8Array, rest: Chunks, name: string): Chunks {
  const { dataStart, count, imageBytes } = layout;
  const expected = dataStart + count * imageBytes;
  const image = new Uint8Array(imageBytes);
  let filled = 0;
  let index = 0;
  let total = dataStart;
  try {
    for (let chunk = first; ; ) {
      total += chunk.length;
      for (let at = 0; at < chunk.length && index < count; ) {
        const piece = chunk.subarray(at, at + imageBytes - filled);
        image.set(piece, filled);
        filled += piece.length;
        at += piece.length;
        if (filled < imageBytes) continue;
        yield layout.toPixels(image, index++);
        filled = 0;
      }
      if (total > expected) throw wrongLength(name, total, expected);
      const { value, done } = await rest.next();
      if (done) break;
      chunk = value;
    }
    if (total < expected) throw wrongLength(name, total, expected);
  } finally {
    await rest.return();
  }
}

async function readWhole(chunks: AsyncIterable<Uint8Array>, name: string, limit: number): Promise<Uint8Array> {
  const held: Uint8Array[] = [];
  let total = 0;
  for await (const chunk of chunks) {
    held.push(chunk);
    total += chunk.length;
    if (total > limit) throw new AirError('badData', `${name}: more than ${limit} bytes, too many to hold`);
  }
  return join(held);
}

async function decodePngImage(bytes: Uint8Array, name: string): Promise<Images<Uint8Array[]>> {
  const { height, width, pixels } = await decodePng(bytes, name);
  checkImageShape([1, height, width], name);
  return { height, width, count: 1, isColour: isColourPng(bytes), images: [pixels] };
}

/** The layout of what begins with `bytes`; undefined if more of them are needed. */
function parseLayout(bytes: Uint8Array, name: string): ImageLayout | undefined {
  const kind = sniff(bytes);
  if (kind === 'idx') return idxLayout(bytes, name);
  if (kind === 'npy') return npyLayout(bytes, name);
  if (bytes.length === 0) throw new AirError('badData', `${name}: input is empty`);
  const first = Array.from(bytes.subarray(0, 8), (byte) => byte.toString(16).padStart(2, '0')).join(' ');
  const is = kind === 'unknown' ? `begins with ${first}` : `is ${KIND_NAMES[kind]}`;
  throw new AirError('badData', `${name}: not an image file: ${is}, expected .npy, .npz, PNG or IDX`);
}

function cutInHeader(length: number, name: string): AirError {
  return new AirError(
    'badData',
    `${name}: cut short after ${length} bytes, inside its header`,
    'make or copy it again',
  );
}

function join(parts: Uint8Array[]): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(parts.reduce((total, part) => total + part.length, 0));
  let at = 0;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.length;
  }
  return bytes;
}
