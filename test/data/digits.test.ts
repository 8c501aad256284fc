/** Digit sets from images and labels. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { makeDigitSet } from '#air/data/digits.js';
import { AirError } from '#air/errors.js';

const images = { name: 'images', shape: [3, 2, 2], data: new Uint8Array(12).fill(5) };
const labels = { name: 'labels', shape: [3], data: Uint8Array.of(0, 9, 255) };

test('images and labels become a digit set', () => {
  assert.deepEqual(makeDigitSet(images, labels), {
    images: images.data,
    labels: labels.data,
    count: 3,
    height: 2,
    width: 2,
  });
});

test('each thing that can be wrong with them is named', () => {
  const cases: [string, () => void][] = [
    ['labels: expected images [count, height, width], got an array of shape [3]', () => makeDigitSet(labels, labels)],
    ['images: expected labels [count], got an array of shape [3, 2, 2]', () => makeDigitSet(images, images)],
    [
      'empty: there are no images in it',
      () => makeDigitSet({ name: 'empty', shape: [0, 2, 2], data: new Uint8Array() }, labels),
    ],
    [
      'images: expected square images [count, side, side], got an array of shape [3, 2, 3]',
      () => makeDigitSet({ ...images, shape: [3, 2, 3] }, labels),
    ],
    [
      'labels: expected one label for each of the 3 images of images, got 2',
      () => makeDigitSet(images, { ...labels, shape: [2] }),
    ],
  ];
  for (const [message, make] of cases) {
    assert.throws(make, (error) => error instanceof AirError && error.kind === 'badData' && error.message === message);
  }
});
