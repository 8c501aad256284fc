/**
 * Is a PNG whole (https://www.w3.org/TR/png-3/)? Its chunks and their order, every checksum, and its pixels, inflated and counted as
 * they arrive: no more of it is held than its header. pngjs alone would make up pixels that are missing, and would not look at the
 * checksums of chunks that it does not know, one of which may be pixel data whose name was changed.
 *
 *   8 bytes     0x89 "PNG" ...
 *   chunks      length of the data, uint32 big-endian; type, four letters; the data; CRC-32 of type and data
 *     IHDR      first: width and height, uint32; then a byte each: depth, colour type, compression, filters, interlacing
 *     PLTE      a palette, where pixels are indices
 *     IDAT      pixels, one zlib stream in one or more of these: of each row a byte that names its filter, and samples, packed
 *     IEND      last
 */
import { AirError } from '../errors.js';
import { ByteReader } from './byte-reader.js';
import { crc32 } from './crc32.js';
import { sniff } from './sniff.js';

export type PngHeader = { width: number; height: number; depth: number; colorType: number };

/** Samples of a pixel, and the bits that one may have, by colour type. */
const COLOR_TYPES: { readonly [colorType: number]: { samples: number; depths: readonly number[] } } = {
  0: { samples: 1, depths: [1, 2, 4, 8, 16] },
  2: { samples: 3, depths: [8, 16] },
  3: { samples: 1, depths: [1, 2, 4, 8] },
  4: { samples: 2, depths: [8, 16] },
  6: { samples: 4, depths: [8, 16] },
};
const PALETTE = 3;
const LAST_FILTER = 4;
const HEADER_BYTES = 13;
/** Types that begin with a capital must be understood; there are no others. */
const CRITICAL = ['IHDR', 'PLTE', 'IDAT', 'IEND'];

type Fail = (what: string, hint?: string) => never;

/**
 * Reads a PNG of any size to its end.
 *
 * @param mostPixels  larger ones are refused by their header
 * @throws AirError 'badData' if it is no PNG, damaged in any byte, or interlaced
 */
export async function checkPng(
  chunks: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
  name: string,
  mostPixels = Number.POSITIVE_INFINITY,
): Promise<PngHeader> {
  const fail: Fail = (what, hint = 'make or copy it again') => {
    throw new AirError('badData', `${name}: ${what}`, hint);
  };
  const bytes = new ByteReader(chunks);
  const pixels = new PixelCounter();
  try {
    const header = await checkChunks(bytes, pixels, mostPixels, fail);
    const wrong = await pixels.end();
    return wrong === undefined ? header : fail(`a damaged PNG: ${wrong}`);
  } finally {
    await pixels.end();
    await bytes.close();
  }
}

async function checkChunks(
  bytes: ByteReader,
  pixels: PixelCounter,
  mostPixels: number,
  fail: Fail,
): Promise<PngHeader> {
  if (sniff(await bytes.take(8)) !== 'png') fail('not a PNG image');
  const take = async (count: number): Promise<DataView> => {
    const taken = await bytes.take(count);
    if (taken.length < count) fail(`a PNG cut short after ${bytes.total} bytes`);
    return new DataView(taken.buffer);
  };
  let header: PngHeader | undefined;
  let hasPalette = false;
  for (;;) {
    const head = await take(8);
    const [length, first] = [head.getUint32(0), header === undefined];
    const type = String.fromCharCode(...[4, 5, 6, 7].map((at) => head.getUint8(at)));
    if (first !== (type === 'IHDR') || (first && length !== HEADER_BYTES)) {
      fail('a damaged PNG: its header is not its first chunk');
    }
    let crc = crc32(0, new Uint8Array(head.buffer, head.byteOffset + 4, 4));
    let fields: DataView | undefined;
    if (first) {
      fields = await take(length);
      crc = crc32(crc, new Uint8Array(fields.buffer, fields.byteOffset, length));
    } else {
      for (let left = length; left > 0; ) {
        const piece = (await bytes.some(left)) ?? fail(`a PNG cut short after ${bytes.total} bytes`);
        left -= piece.length;
        crc = crc32(crc, piece);
        if (type === 'IDAT') await pixels.add(piece);
      }
    }
    const at = bytes.total;
    if ((await take(4)).getUint32(0) !== crc) fail(`a damaged PNG: checksum at byte ${at}`);
    if (fields !== undefined) {
      header = readHeader(fields, mostPixels, fail);
      pixels.begin(header);
    }
    if (!/^[A-Za-z]{4}$/.test(type)) fail(`a damaged PNG: a chunk without a type before byte ${at}`);
    if (/^[A-Z]/.test(type) && !CRITICAL.includes(type)) fail(`a damaged PNG: a chunk of unknown type ${type}`);
    hasPalette ||= type === 'PLTE';
    if (type === 'IDAT' && header?.colorType === PALETTE && !hasPalette) fail('a damaged PNG: no palette');
    if (type === 'IEND') break;
  }
  let behind = 0;
  for (let piece = await bytes.some(); piece !== undefined; piece = await bytes.some()) behind += piece.length;
  if (behind > 0) fail(`${behind} bytes after the end of the PNG`);
  return header as PngHeader;
}

function readHeader(fields: DataView, mostPixels: number, fail: Fail): PngHeader {
  const [width, height] = [fields.getUint32(0), fields.getUint32(4)];
  const [depth, colorType, compression, filters, interlacing] = [8, 9, 10, 11, 12].map((at) => fields.getUint8(at));
  if (width * height === 0 || width * height > mostPixels) {
    const expected = Number.isFinite(mostPixels) ? `1 .. ${mostPixels}` : '1 or more';
    fail(`a PNG of ${width} x ${height} pixels, expected ${expected}`, 'make it smaller');
  }
  if (COLOR_TYPES[colorType]?.depths.includes(depth) !== true) {
    fail(`a damaged PNG: colour type ${colorType} with ${depth} bits`);
  }
  if (compression !== 0 || filters !== 0 || interlacing > 1) {
    fail(`a damaged PNG: methods ${compression}, ${filters} and ${interlacing}, which are not known`);
  }
  if (interlacing !== 0) fail('an interlaced PNG', 'save it without interlacing');
  return { width, height, depth, colorType };
}

/** Inflates pixels and counts their bytes. No further than to the first that is too many. */
class PixelCounter {
  private writer: WritableStreamDefaultWriter<Uint8Array<ArrayBuffer>> | undefined;
  /** What is wrong with them. */
  private counted: Promise<string | undefined> = Promise.resolve(undefined);

  begin(header: PngHeader): void {
    const { readable, writable } = new DecompressionStream('deflate');
    this.writer = writable.getWriter();
    this.counted = countPixels(readable, header);
  }

  /** Resolves once they are used up. */
  async add(piece: Uint8Array): Promise<void> {
    await this.writer?.write(new Uint8Array(piece)).catch(() => undefined); // what fails here fails in counting, too
  }

  /** What is wrong with all of them, if anything is. */
  async end(): Promise<string | undefined> {
    await this.writer?.close().catch(() => undefined);
    return this.counted;
  }
}

async function countPixels(
  inflated: ReadableStream<Uint8Array>,
  { width, height, depth, colorType }: PngHeader,
): Promise<string | undefined> {
  const rowBytes = 1 + Math.ceil((width * COLOR_TYPES[colorType].samples * depth) / 8);
  const expected = height * rowBytes;
  let count = 0;
  let row = 0; // the offset of the next row, where its filter is named
  try {
    for await (const piece of inflated) {
      for (; row < count + piece.length; row += rowBytes) {
        const filter = piece[row - count];
        if (row < expected && filter > LAST_FILTER) return `a row with filter ${filter}, which is not known`;
      }
      count += piece.length;
      if (count > expected) return 'more pixels than its header says';
    }
  } catch {
    return 'its pixels cannot be inflated';
  }
  return count < expected ? `${count} bytes of pixels, its header says ${expected}` : undefined;
}
