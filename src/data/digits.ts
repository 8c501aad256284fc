/**
 * Digits to compose scenes from: gray images of one size and their labels, as MNIST's IDX files hold them.
 */
import { AirError } from '../errors.js';

/** `images` is row-major [count, height, width], 0 = background; `labels` [count], 0..9. Images are square. */
export type DigitSet = {
  images: Uint8Array;
  labels: Uint8Array;
  count: number;
  height: number;
  width: number;
};

/** The last of so many parts of the training digits is held out to choose by: 5,000 of MNIST's 60,000. */
export const HELD_ONE_IN = 12;

/** The digits [from, to) of a set, without copying. */
export function takeDigits({ images, labels, height, width }: DigitSet, from: number, to: number): DigitSet {
  const area = height * width;
  return {
    images: images.subarray(from * area, to * area),
    labels: labels.subarray(from, to),
    count: to - from,
    height,
    width,
  };
}

/** An array of unsigned bytes as an IDX file holds it, and what messages call it. */
export type ByteArray = { name: string; shape: readonly number[]; data: Uint8Array };

/**
 * Puts images [count, side, side] and labels [count] together.
 * @throws AirError 'badData' if the shapes are others, the counts differ, there is no digit, or a label is above 9.
 */
export function makeDigitSet(images: ByteArray, labels: ByteArray): DigitSet {
  if (images.shape.length !== 3) throw wrongShape(images, 'images [count, height, width]');
  if (labels.shape.length !== 1) throw wrongShape(labels, 'labels [count]');
  const [count, height, width] = images.shape;
  if (count === 0) throw new AirError('badData', `${images.name}: there are no images in it`);
  if (height !== width || height === 0) throw wrongShape(images, 'square images [count, side, side]');
  if (labels.shape[0] !== count) {
    throw new AirError(
      'badData',
      `${labels.name}: expected one label for each of the ${count} images of ${images.name}, got ${labels.shape[0]}`,
    );
  }
  const wrong = labels.data.findIndex((label) => label > 9);
  if (wrong !== -1) {
    throw new AirError('badData', `${labels.name}: label ${wrong}: expected 0 to 9, got ${labels.data[wrong]}`);
  }
  return { images: images.data, labels: labels.data, count, height, width };
}

function wrongShape(array: ByteArray, expected: string): AirError {
  return new AirError(
    'badData',
    `${array.name}: expected ${expected}, got an array of shape [${array.shape.join(', ')}]`,
  );
}
