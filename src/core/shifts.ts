/**
 * Looking at an image more than once. The guide is no convolution: an image that is moved by a pixel gets another q(n), right or
 * wrong in other cases, though it holds as many objects. So q(n) of several such looks together, their geometric mean, is
 * right more often than any of them; it costs a pass for each.
 */
import { logSumExp } from './count.js';
import { type ImageBatch, splitImages } from './images.js';
import type { Size } from './ops/sampling.js';

/** Whole pixels to the right, and down. */
export type Shift = readonly [dx: number, dy: number];

/** All shifts by up to so many pixels each way, but for none at all: (2 reach + 1)^2 - 1. */
export function shiftsWithin(reach: number): Shift[] {
  const steps = Array.from({ length: 2 * reach + 1 }, (_, k) => k - reach);
  return steps.flatMap((dy) => steps.map((dx): Shift => [dx, dy])).filter(([dx, dy]) => dx !== 0 || dy !== 0);
}

/** Every image moved; what comes in at an edge is black, what leaves at the other is lost. */
export function shiftImages(batch: ImageBatch, [dx, dy]: Shift, [height, width]: Size): ImageBatch {
  const pixels = new Uint8Array(batch.pixels.length);
  const kept = width - Math.abs(dx);
  if (kept <= 0) return { pixels, size: batch.size };
  const [from, to] = [Math.max(-dx, 0), Math.max(dx, 0)];
  for (const [b, image] of splitImages(batch).entries()) {
    for (let y = Math.max(dy, 0); y < Math.min(height + dy, height); y++) {
      const row = image.subarray((y - dy) * width + from, (y - dy) * width + from + kept);
      pixels.set(row, (b * height + y) * width + to);
    }
  }
  return { pixels, size: batch.size };
}

/** log of the geometric mean of distributions, as one of them: sums to 1. @param looks their logs, by look and n */
export function geometricMeanLog(looks: readonly (readonly number[])[]): number[] {
  const means = looks[0].map((_, n) => looks.reduce((sum, logs) => sum + logs[n], 0) / looks.length);
  const total = logSumExp(means);
  return means.map((mean) => mean - total);
}
