/**
 * Digits to compose scenes from: gray images of one size and, if they are known, their labels; of MNIST, or whatever else is
 * bright on black.
 */
import { AirError } from '../errors.js';
import type { Split } from './splits.js';

/** `images` is row-major [count, height, width], 0 = background; `labels` [count]. Images are square. */
export type DigitSet = {
  images: Uint8Array;
  labels?: Uint8Array | Uint16Array | undefined;
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
    labels: labels?.subarray(from, to),
    count: to - from,
    height,
    width,
  };
}

/**
 * Of a set that has no test digits of its own: of every twelve digits of a label, in their order, the eleventh is for `valid`
 * and the twelfth for `test`; `full` is all but the latter. So each has its share of each label, however the set is sorted. Without
 * labels all digits count as of one. None may be left.
 */
export function splitByLabel({ images, labels, count, height, width }: DigitSet, split: Split): DigitSet {
  const area = height * width;
  const seen = new Map<number, number>();
  const taken: number[] = [];
  for (let i = 0; i < count; i++) {
    const label = labels?.[i] ?? 0;
    const place = (seen.get(label) ?? 0) % HELD_ONE_IN;
    seen.set(label, place + 1);
    const isTest = place === HELD_ONE_IN - 1;
    const isValid = place === HELD_ONE_IN - 2;
    if ({ train: !isTest && !isValid, valid: isValid, test: isTest, full: !isTest }[split]) taken.push(i);
  }
  const part = new Uint8Array(taken.length * area);
  for (const [k, i] of taken.entries()) part.set(images.subarray(i * area, (i + 1) * area), k * area);
  const partLabels = labels && Uint16Array.from(taken, (i) => labels[i]);
  return { images: part, labels: partLabels, count: taken.length, height, width };
}

/** An array of unsigned bytes as an IDX file holds it, and what messages call it. */
export type ByteArray = { name: string; shape: readonly number[]; data: Uint8Array };

/**
 * Puts images [count, side, side] and labels [count] together.
 * @throws AirError 'badData' if the shapes are others, the counts differ, or there is no digit.
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
  return { images: images.data, labels: labels.data, count, height, width };
}

function wrongShape(array: ByteArray, expected: string): AirError {
  return new AirError(
    'badData',
    `${array.name}: expected ${expected}, got an array of shape [${array.shape.join(', ')}]`,
  );
}
