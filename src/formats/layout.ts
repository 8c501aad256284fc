/** Where the images are in a file that is a header and then one image after the other, of one size each. */
import { MAX_CANVAS } from '../core/config.js';
import { AirError } from '../errors.js';
import { type Channels, isChannels } from './grey.js';

export type ImageLayout = {
  /** Offset of the first image. */
  dataStart: number;
  count: number;
  /** In pixels, 1 .. 2048. */
  height: number;
  width: number;
  /** Whether they are colours in the file. */
  isColour: boolean;
  /** Bytes each image takes in the file. */
  imageBytes: number;
  /**
   * Image number `index` from its bytes: a copy, uint8, row-major.
   * @throws AirError 'badData' if a value is not an intensity.
   */
  toPixels(bytes: Uint8Array, index: number): Uint8Array;
};

/** [N, H, W] with sides this program can take. @throws AirError 'badData' otherwise. */
export function checkImageShape(shape: readonly number[], name: string): [number, number, number] {
  const text = `[${shape.join(', ')}]`;
  if (shape.length !== 3) {
    const hint = shape.length === 2 ? 'for a single image save x[None] instead of x' : undefined;
    throw new AirError('badData', `${name}: shape ${text}, expected [images, height, width]`, hint);
  }
  if (shape.slice(1).some((side) => side < 1 || side > MAX_CANVAS)) {
    throw new AirError('badData', `${name}: shape ${text}, expected images of 1 .. ${MAX_CANVAS} pixels a side`);
  }
  if (!Number.isSafeInteger(shape[0])) {
    throw new AirError('badData', `${name}: shape ${text}, expected at most ${Number.MAX_SAFE_INTEGER} images`);
  }
  return shape as [number, number, number];
}

/** [N, H, W, C] of [N, H, W], or with colours [N, H, W, C]. @throws AirError 'badData' as `checkImageShape` */
export function checkColourShape(shape: readonly number[], name: string): [number, number, number, Channels] {
  if (shape.length !== 4) return [...checkImageShape(shape, name), 1];
  const [, second, , channels] = shape;
  if (isChannels(channels)) return [...checkImageShape(shape.slice(0, 3), name), channels];
  const expected = '[images, height, width] or, in colour, [images, height, width, 3]';
  const hint = isChannels(second) ? 'save x.transpose(0, 2, 3, 1)' : undefined;
  throw new AirError('badData', `${name}: shape [${shape.join(', ')}], expected ${expected}`, hint);
}

/** The error for data that stops early or goes on too long. `got` and `expected` count bytes. */
export function wrongLength(name: string, got: number, expected: number): AirError {
  const what = got < expected ? 'cut short' : 'too long';
  return new AirError(
    'badData',
    `${name}: ${what}: ${got} bytes, its header says ${expected}`,
    'make or copy it again',
  );
}
