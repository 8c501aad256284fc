/** The digits that tests place in scenes. */
import { readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import type { DigitSet } from '#air/data/digits.js';

/** Digits with their labels. */
type Labelled = DigitSet & { labels: Uint8Array };

/** The MNIST digits in fixtures, read without the code under test. */
export function readMnist(split: 'train' | 't10k'): Labelled {
  const read = (kind: string): Buffer => gunzipSync(readFileSync(`fixtures/mnist/${split}-${kind}-ubyte.gz`));
  const labels = new Uint8Array(read('labels-idx1').subarray(8));
  return {
    images: new Uint8Array(read('images-idx3').subarray(16)),
    labels,
    count: labels.length,
    height: 28,
    width: 28,
  };
}

/** One digit of each label, so that a label says which image was placed. */
export function onePerLabel(digits: Labelled): Labelled {
  const images = new Uint8Array(10 * 784);
  for (let label = 0; label < 10; label++) {
    const i = digits.labels.indexOf(label);
    images.set(digits.images.subarray(784 * i, 784 * (i + 1)), 784 * label);
  }
  return { images, labels: Uint8Array.from({ length: 10 }, (_, label) => label), count: 10, height: 28, width: 28 };
}
