/** Pictures of any sizes as digits, and which of them are held out. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type DigitSet, splitByLabel } from '#air/data/digits.js';
import { SPLITS } from '#air/data/splits.js';
import { areLightAtTheEdge, centreOnSquares, labelsOfNames } from '#air/data/sprites.js';
import { AirError } from '#air/errors.js';

test('each picture is in the middle of a square of the largest side', () => {
  const wide = { height: 1, width: 3, pixels: Uint8Array.of(1, 2, 3) };
  const tall = { height: 4, width: 1, pixels: Uint8Array.of(5, 6, 7, 8) };
  const { images, ...about } = centreOnSquares([wide, tall], Uint16Array.of(4, 9), 'both');
  assert.deepEqual(about, { labels: Uint16Array.of(4, 9), count: 2, height: 4, width: 4 });
  assert.deepEqual(
    [...images],
    [
      ...[0, 0, 0, 0, 1, 2, 3, 0, 0, 0, 0, 0, 0, 0, 0, 0], //
      ...[0, 5, 0, 0, 0, 6, 0, 0, 0, 7, 0, 0, 0, 8, 0, 0],
    ],
  );
});

test('none, and too many, are refused by name', () => {
  const refusal = (pattern: RegExp) => (error: unknown) =>
    error instanceof AirError && error.kind === 'badData' && pattern.test(error.message);
  assert.throws(() => centreOnSquares([], undefined, 'empty'), refusal(/^empty: there are no images in it$/));
  const point = { height: 1, width: 1, pixels: Uint8Array.of(9) };
  const banner = { height: 1, width: 2048, pixels: new Uint8Array(2048) };
  const many = [banner, ...Array(300).fill(point)];
  assert.throws(() => centreOnSquares(many, undefined, 'odd'), refusal(/^odd: 301 images on squares of 2048 x 2048/));
});

test('dark ink on a light ground is noticed', () => {
  const of = (ground: number, ink: number) => ({
    height: 3,
    width: 3,
    pixels: Uint8Array.of(ground, ground, ground, ground, ink, ground, ground, ground, ground),
  });
  assert.equal(areLightAtTheEdge([of(255, 0), of(200, 0), of(0, 255)]), true);
  assert.equal(areLightAtTheEdge([of(255, 0), of(0, 255)]), false);
  assert.equal(areLightAtTheEdge([of(255, 255)]), false, 'all ink');
});

test('labels are the numbers before the first - or _, if all names have one', () => {
  assert.deepEqual(labelsOfNames(['3_a.png', '12-b_7.png', '0-0.png']), Uint16Array.of(3, 12, 0));
  for (const other of ['a_3.png', '3.png', '65536_a.png', '-3.png', '3a_b.png']) {
    assert.equal(labelsOfNames(['3_a.png', other]), undefined, other);
  }
});

/** Digits of one pixel, each as bright as its place in the set. */
function dots(labels: number[] | undefined, count = labels?.length ?? 0): DigitSet {
  const images = Uint8Array.from({ length: count }, (_, i) => i);
  return { images, labels: labels && Uint8Array.from(labels), count, height: 1, width: 1 };
}

test('of twelve digits of a label the eleventh is for valid and the twelfth for test', () => {
  // two labels in turn, then some of a third: 30, 30, 11
  const labels = Array.from({ length: 71 }, (_, i) => (i < 60 ? i % 2 : 2));
  const parts = SPLITS.map((split) => ({ split, ...splitByLabel(dots(labels), split) }));
  const places = Object.fromEntries(parts.map(({ split, images }) => [split, [...images]]));
  assert.deepEqual(places.valid, [20, 21, 44, 45, 70]);
  assert.deepEqual(places.test, [22, 23, 46, 47]);
  const rest = labels.map((_, i) => i).filter((i) => !places.valid.includes(i) && !places.test.includes(i));
  assert.deepEqual(places.train, rest);
  assert.deepEqual(
    places.full,
    [...places.train, ...places.valid].sort((a, b) => a - b),
  );
  for (const { split, images, labels: kept, count } of parts) {
    assert.equal(count, images.length, split);
    assert.deepEqual(
      [...(kept ?? [])],
      [...images].map((i) => labels[i]),
      split,
    );
  }
});

test('without labels all digits count as of one; of few, none is held out', () => {
  const { images, labels } = splitByLabel(dots(undefined, 25), 'test');
  assert.deepEqual([[...images], labels], [[11, 23], undefined]);
  assert.equal(splitByLabel(dots(undefined, 10), 'train').count, 10);
  assert.equal(splitByLabel(dots(undefined, 10), 'valid').count, 0);
});
