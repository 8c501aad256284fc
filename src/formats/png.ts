/**
 * PNG through pngjs: pictures out, single images in.
 *
 * The same pixels give the same bytes on one version of Node: every choice an encoder has is fixed below.
 */
import { PNG } from 'pngjs';
import { AirError } from '../errors.js';
import { sniff } from './sniff.js';

/** pixels [height, width, channels], uint8, row-major: grey or RGB. */
export type Picture = { width: number; height: number; channels: 1 | 3; pixels: Uint8Array };

/** PNG colour types. */
const GREY = 0;
const RGB = 2;
const RUN_LENGTH = 3;

/** Larger pictures are refused before any memory is taken for them. */
const MAX_PIXELS = 1 << 26;

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
 * A PNG of any colour type as luminance (ITU-R 601, as Pillow's convert("L")); what is transparent is black.
 *
 *   returns  pixels [height, width], channels 1
 *
 * @throws AirError 'badData' if it is no PNG, damaged, interlaced or larger than 2^26 pixels.
 */
export function decodePng(bytes: Uint8Array, name: string): Picture & { channels: 1 } {
  const { data, width, height } = readRgba(bytes, name);
  const pixels = new Uint8Array(width * height);
  for (let i = 0; i < pixels.length; i++) {
    const luminance = (19595 * data[4 * i] + 38470 * data[4 * i + 1] + 7471 * data[4 * i + 2] + 0x8000) >> 16;
    pixels[i] = Math.round((luminance * data[4 * i + 3]) / 255);
  }
  return { width, height, channels: 1, pixels };
}

function readRgba(bytes: Uint8Array, name: string): PNG {
  const fail = (what: string, hint?: string): never => {
    throw new AirError('badData', `${name}: ${what}`, hint);
  };
  if (sniff(bytes) !== 'png') fail('not a PNG image');
  if (bytes.length < 33) fail('cut short inside its PNG header', 'make or copy it again');
  const header = new DataView(bytes.buffer, bytes.byteOffset, 33);
  const [width, height] = [header.getUint32(16), header.getUint32(20)];
  if (width * height > MAX_PIXELS) fail(`a PNG of ${width} x ${height} pixels, more than ${MAX_PIXELS}`);
  // pngjs does not bound what it inflates for these.
  if (header.getUint8(28) !== 0) fail('an interlaced PNG', 'save it without interlacing');
  try {
    return PNG.sync.read(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length));
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    const reason = message.startsWith('There are some read requests') ? 'cut short' : message;
    return fail(`a damaged PNG: ${reason}`, 'make or copy it again');
  }
}
