/**
 * PNG through pngjs: pictures out, single images in.
 *
 * The same pixels give the same bytes on one version of Node: every choice an encoder has is fixed below.
 */
import { PNG } from 'pngjs';
import { AirError } from '../errors.js';
import { toGrey } from './grey.js';
import { checkPng } from './png-check.js';

/** pixels [height, width, channels], uint8, row-major: grey or RGB. */
export type Picture = { width: number; height: number; channels: 1 | 3; pixels: Uint8Array };

/** PNG colour types. */
const GREY = 0;
const RGB = 2;
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
  await checkPng([bytes], name, MAX_PIXELS);
  let png: PNG;
  try {
    png = PNG.sync.read(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length));
  } catch (error) {
    const what = error instanceof Error ? error.message : String(error);
    throw new AirError('badData', `${name}: a damaged PNG: ${what}`, 'make or copy it again');
  }
  const { data, width, height } = png; // always RGB with alpha
  return { width, height, channels: 1, pixels: toGrey(data, 4) };
}

/** Whether the pixels of a PNG that was decoded are colours in the file, of a palette or not. */
export function isColourPng(bytes: Uint8Array): boolean {
  return (bytes[COLOUR_TYPE_AT] & COLOUR_BIT) !== 0;
}
