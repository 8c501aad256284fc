/**
 * PNG through pngjs: pictures out, single images in.
 *
 * The same pixels give the same bytes on one version of Node: every choice an encoder has is fixed below.
 */
import { PNG } from 'pngjs';
import { AirError } from '../errors.js';
import { crc32 } from './crc32.js';
import { toGrey } from './grey.js';
import { sniff } from './sniff.js';

/** pixels [height, width, channels], uint8, row-major: grey or RGB. */
export type Picture = { width: number; height: number; channels: 1 | 3; pixels: Uint8Array };

/** PNG colour types, and how many samples a pixel has in each. */
const GREY = 0;
const RGB = 2;
const SAMPLES: Record<number, number> = { 0: 1, 2: 3, 3: 1, 4: 2, 6: 4 };
/** Of the colour type: set if pixels are colours. */
const COLOUR_BIT = 2;
/** After signature, length and type of the header: width, height, depth. */
const COLOUR_TYPE_AT = 25;
const RUN_LENGTH = 3;

/** Larger pictures are refused before any memory is taken for them. */
const MAX_PIXELS = 1 << 24;

/** The bytes of a PNG, 8 bits per channel. @throws AirError 'bug' if the sizes do not fit. */
export function encodePng({ width, height, channels, pixels }: Picture): Uint8Array {
  if (width < 1 || height < 1 || pixels.length !== width * height * channels) {
    throw new AirError('bug', `cannot write ${pixels.length} bytes as a picture [${height}, ${width}, ${channels}]`);
  }
  const colorType = channels === 1 ? GREY : RGB;
  const png = Object.assign(new PNG(), { width, height, data: pixels });
  const bytes = PNG.sync.write(png, {
    colorType,
    inputColorType: colorType,
    inputHasAlpha: false,
    bitDepth: 8,
    deflateLevel: 9,
    deflateStrategy: RUN_LENGTH,
  });
  return new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.length);
}

/**
 * A PNG of any colour type as luminance, as in `toGrey`.
 *
 *   resolves to  pixels [height, width], channels 1
 *
 * @throws AirError 'badData' if it is no PNG, damaged in any byte, interlaced or larger than 2^24 pixels.
 */
export async function decodePng(bytes: Uint8Array, name: string): Promise<Picture & { channels: 1 }> {
  const fail: Fail = (what, hint = 'make or copy it again') => {
    throw new AirError('badData', `${name}: ${what}`, hint);
  };
  await checkPixelData(checkChunks(bytes, fail), fail);
  let png: PNG;
  try {
    png = PNG.sync.read(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length));
  } catch (error) {
    return fail(`a damaged PNG: ${error instanceof Error ? error.message : String(error)}`);
  }
  const { data, width, height } = png; // always RGB with alpha
  return { width, height, channels: 1, pixels: toGrey(data, 4) };
}

/** Whether the pixels of a PNG that was decoded are colours in the file, of a palette or not. */
export function isColourPng(bytes: Uint8Array): boolean {
  return (bytes[COLOUR_TYPE_AT] & COLOUR_BIT) !== 0;
}

type Fail = (what: string, hint?: string) => never;

/** The zlib streams that hold the pixels, and how many bytes they must inflate to. */
type PixelData = { deflated: Uint8Array[]; inflatedBytes: number };

/**
 * Goes over the chunks: the header, every checksum, data and the end. pngjs leaves out the checksums of chunks it does not
 * know, one of which may be pixel data whose name was changed.
 */
function checkChunks(bytes: Uint8Array, fail: Fail): PixelData {
  if (sniff(bytes) !== 'png') fail('not a PNG image');
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const deflated: Uint8Array[] = [];
  let inflatedBytes = 0;
  for (let at = 8; ; ) {
    // A chunk is the length of its data, its type, the data, and the CRC-32 of type and data.
    if (at + 12 > bytes.length) fail(`a PNG cut short after ${bytes.length} bytes`);
    const end = at + 12 + view.getUint32(at);
    if (end > bytes.length) fail(`a PNG cut short after ${bytes.length} bytes`);
    if (crc32(0, bytes, at + 4, end - 4) !== view.getUint32(end - 4))
      fail(`a damaged PNG: checksum at byte ${end - 4}`);
    const type = String.fromCharCode(...bytes.subarray(at + 4, at + 8));
    const data = bytes.subarray(at + 8, end - 4);
    if ((at === 8) !== (type === 'IHDR' && data.length === 13))
      fail('a damaged PNG: its header is not its first chunk');
    if (type === 'IHDR') inflatedBytes = checkSize(data, fail);
    if (type === 'IDAT') deflated.push(data);
    at = end;
    if (type !== 'IEND') continue;
    if (at < bytes.length) fail(`${bytes.length - at} bytes after the end of the PNG`);
    return { deflated, inflatedBytes };
  }
}

/** How many bytes the pixels take: for each row one that names its filter, and its samples, packed. */
function checkSize(header: Uint8Array, fail: Fail): number {
  const view = new DataView(header.buffer, header.byteOffset, header.length);
  const [width, height, depth, colorType, interlace] = [
    view.getUint32(0),
    view.getUint32(4),
    header[8],
    header[9],
    header[12],
  ];
  if (width * height === 0 || width * height > MAX_PIXELS) {
    fail(`a PNG of ${width} x ${height} pixels, expected 1 .. ${MAX_PIXELS}`, 'make it smaller');
  }
  if (SAMPLES[colorType] === undefined || ![1, 2, 4, 8, 16].includes(depth)) {
    fail(`a damaged PNG: colour type ${colorType} with ${depth} bits`);
  }
  if (interlace !== 0) fail('an interlaced PNG', 'save it without interlacing');
  return height * (1 + Math.ceil((width * SAMPLES[colorType] * depth) / 8));
}

/** Inflates the pixels and counts them: pngjs makes up those that are missing. */
async function checkPixelData({ deflated, inflatedBytes }: PixelData, fail: Fail): Promise<void> {
  const inflate = new DecompressionStream('deflate');
  const writer = inflate.writable.getWriter();
  const writing = (async () => {
    for (const piece of deflated) await writer.write(new Uint8Array(piece));
    await writer.close();
  })().catch(() => undefined); // what fails here fails in reading, too
  let count = 0;
  try {
    for await (const piece of inflate.readable) {
      count += piece.length;
      if (count > inflatedBytes) break;
    }
  } catch {
    fail(`a damaged PNG: its pixels cannot be inflated`);
  }
  await writing;
  if (count > inflatedBytes) fail('a damaged PNG: more pixels than its header says');
  if (count < inflatedBytes) fail(`a damaged PNG: ${count} bytes of pixels, its header says ${inflatedBytes}`);
}
