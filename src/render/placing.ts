/** What a model's canvas holds after each of its steps: decoded windows put where their boxes lie, one on the other. */
import type { LatentStep } from '../core/latent.js';

type Size = readonly [height: number, width: number];

/** What is known of a step when it is drawn. */
type Placed = Pick<LatentStep, 'box' | 'where'> & { window: Uint8Array };

/**
 * The canvas after these steps.
 *
 *   steps    with windows [h, w], uint8
 *   returns  [H, W] uint8: the sum of the windows, bilinear, 255 at most; where none reaches, 0
 */
export function canvasAfter(steps: readonly Placed[], window: Size, [height, width]: Size): Uint8Array {
  const canvas = new Float64Array(height * width);
  for (const { box, where, window: pixels } of steps) {
    const [x, y, w, h] = box;
    // A window with a negative side is turned over and has the same box: its z_where (sx, x, sy, y) tells.
    const [isTurnedX, isTurnedY] = where.length === 4 ? [where[0] < 0, where[2] < 0] : [false, false];
    const columns = samplesOf(width, { start: x, extent: w, isTurned: isTurnedX }, window[1]);
    for (const [row, down] of samplesOf(height, { start: y, extent: h, isTurned: isTurnedY }, window[0])) {
      for (const [column, across] of columns) {
        let sum = 0;
        for (const [i, u] of down) for (const [j, v] of across) sum += u * v * pixels[i * window[1] + j];
        canvas[row * width + column] += sum;
      }
    }
  }
  return Uint8Array.from(canvas, (value) => Math.round(Math.min(value, 255)));
}

/** A pixel of the canvas, and the one or two of the window that it is made of, with their weights. */
type Sample = [at: number, taps: (readonly [at: number, weight: number])[]];

type Span = { start: number; extent: number; isTurned: boolean };

/** Along one axis: canvas pixels whose centres lie in reach of a window of `size` pixels that covers [start, start + extent). */
function samplesOf(side: number, { start, extent, isTurned }: Span, size: number): Sample[] {
  const samples: Sample[] = [];
  for (let at = 0; at < side; at++) {
    const share = (at + 0.5 - start) / extent;
    const point = (isTurned ? 1 - share : share) * size - 0.5;
    const first = Math.floor(point);
    const taps = [[first, first + 1 - point] as const, [first + 1, point - first] as const];
    const inside = taps.filter(([tap]) => tap >= 0 && tap < size);
    if (inside.length > 0) samples.push([at, inside]);
  }
  return samples;
}
