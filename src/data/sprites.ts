/** Pictures of any sizes as a set of digits: each in the middle of a black square as large as the largest needs. */
import { AirError } from '../errors.js';
import type { DigitSet } from './digits.js';

/** `pixels` is row-major [height, width], uint8, 0 = background. */
export type Sprite = { height: number; width: number; pixels: Uint8Array };

/** The most that the squares may take together, in bytes. */
const MAX_BYTES = 2 ** 30;

/**
 * @param name of them all, for messages  @param labels one for each, or undefined
 * @throws AirError 'badData' if there is none, or if they are too large together
 */
export function centreOnSquares(sprites: readonly Sprite[], labels: DigitSet['labels'], name: string): DigitSet {
  const count = sprites.length;
  if (count === 0) throw new AirError('badData', `${name}: there are no images in it`);
  const side = sprites.reduce((most, { height, width }) => Math.max(most, height, width), 0);
  if (count * side * side > MAX_BYTES) {
    throw new AirError(
      'badData',
      `${name}: ${count} images on squares of ${side} x ${side}, as large as the largest, expected at most ${MAX_BYTES} pixels`,
      'make them smaller, or all of about one size',
    );
  }
  const images = new Uint8Array(count * side * side);
  for (const [k, { height, width, pixels }] of sprites.entries()) {
    const top = k * side + Math.floor((side - height) / 2);
    const left = Math.floor((side - width) / 2);
    for (let y = 0; y < height; y++) {
      images.set(pixels.subarray(y * width, (y + 1) * width), (top + y) * side + left);
    }
  }
  return { images, labels, count, height: side, width: side };
}

/** Whether most pictures have light corners, and something dark: dark ink on a light ground, which here would be an object itself. */
export function areLightAtTheEdge(sprites: readonly Sprite[]): boolean {
  const light = sprites.filter(({ height, width, pixels }) => {
    const last = (height - 1) * width;
    const corners = [0, width - 1, last, last + width - 1].filter((corner) => pixels[corner] > 127).length;
    return corners > 2 && pixels.some((pixel) => pixel < 128);
  });
  return 2 * light.length > sprites.length;
}

/** Above: what labels are written in, in memory. */
const MAX_LABEL = 65535;

/**
 * The labels that file names say: the number before the first - or _, as in 7_0012.png. Undefined unless all of them have one.
 */
export function labelsOfNames(names: readonly string[]): Uint16Array | undefined {
  const labels = names.map((name) => Number(/^(\d{1,5})[-_]/.exec(name)?.[1] ?? Number.NaN));
  return labels.every((label) => label <= MAX_LABEL) ? Uint16Array.from(labels) : undefined;
}
