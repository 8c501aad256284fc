/** Finding colours in a picture. */
import type { Area, Canvas, Color } from '#air/render/draw.js';

export function pixelAt(canvas: Canvas, x: number, y: number): number[] {
  const at = (y * canvas.width + x) * 3;
  return [...canvas.pixels.subarray(at, at + 3)];
}

/** Every (x, y) of a colour, row by row. */
export function pixelsOf(canvas: Canvas, color: Color, within: Area = canvas.area): [number, number][] {
  const found: [number, number][] = [];
  for (let y = within.y; y < within.y + within.height; y++) {
    for (let x = within.x; x < within.x + within.width; x++) {
      if (pixelAt(canvas, x, y).every((value, c) => value === color[c])) found.push([x, y]);
    }
  }
  return found;
}

/** The smallest area that holds these pixels. */
export function boundsOf(pixels: readonly [number, number][]): Area {
  const [xs, ys] = [pixels.map(([x]) => x), pixels.map(([, y]) => y)];
  const [x, y] = [Math.min(...xs), Math.min(...ys)];
  return { x, y, width: Math.max(...xs) + 1 - x, height: Math.max(...ys) + 1 - y };
}
