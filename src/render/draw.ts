/** An RGB picture and what is drawn on it: rectangles, gray images and text. Everything is clipped. */
import { encodePng } from '../formats/png.js';
import { ADVANCE, GLYPH_HEIGHT, GLYPH_WIDTH, glyphRows } from './font.js';

/** Red, green, blue, 0..255. */
export type Color = readonly [red: number, green: number, blue: number];

/** Whole pixels: left and top edge, size. */
export type Area = { x: number; y: number; width: number; height: number };

/** Where something goes, and the side of its pixels. */
export type Place = { left: number; top: number; scale: number };

export class Canvas {
  readonly width: number;
  readonly height: number;
  /** [height, width, 3]. */
  readonly pixels: Uint8Array;

  constructor(width: number, height: number, background: Color) {
    this.width = width;
    this.height = height;
    this.pixels = new Uint8Array(width * height * 3);
    for (let at = 0; at < this.pixels.length; at += 3) this.pixels.set(background, at);
  }

  get area(): Area {
    return { x: 0, y: 0, width: this.width, height: this.height };
  }

  /** Mixes `color` into one pixel; `alpha` 1 replaces it. */
  blend(x: number, y: number, color: Color, alpha = 1): void {
    if (x < 0 || y < 0 || x >= this.width || y >= this.height) return;
    const at = (y * this.width + x) * 3;
    for (let c = 0; c < 3; c++) {
      this.pixels[at + c] = Math.round(this.pixels[at + c] * (1 - alpha) + color[c] * alpha);
    }
  }

  fill(area: Area, color: Color, alpha = 1): void {
    // Only positions inside the picture are visited, as in `outline`.
    const [right, bottom] = [Math.min(area.x + area.width, this.width), Math.min(area.y + area.height, this.height)];
    for (let y = Math.max(area.y, 0); y < bottom; y++) {
      for (let x = Math.max(area.x, 0); x < right; x++) this.blend(x, y, color, alpha);
    }
  }

  /** The 1-pixel edge of `area`, inside it; only what falls into `clip`. */
  outline(area: Area, color: Color, clip: Area = this.area): void {
    const { x, y, width, height } = area;
    const [right, bottom] = [x + width - 1, y + height - 1];
    const isInside = (px: number, py: number): boolean =>
      px >= clip.x && py >= clip.y && px < clip.x + clip.width && py < clip.y + clip.height;
    // Only positions inside the clip are visited: a box may be far larger than the picture.
    for (let px = Math.max(x, clip.x); px <= Math.min(right, clip.x + clip.width - 1); px++) {
      for (const py of new Set([y, bottom])) if (isInside(px, py)) this.blend(px, py, color);
    }
    for (let py = Math.max(y + 1, clip.y); py <= Math.min(bottom - 1, clip.y + clip.height - 1); py++) {
      for (const px of new Set([x, right])) if (isInside(px, py)) this.blend(px, py, color);
    }
  }

  /**
   * A gray image, row-major [height, width], every pixel as a square of `scale` pixels; black to white, times
   * `brightness`.
   */
  drawGray(
    image: Uint8Array,
    [height, width]: readonly [number, number],
    { left, top, scale }: Place,
    brightness = 1,
  ): void {
    const right = Math.min(left + width * scale, this.width);
    const bottom = Math.min(top + height * scale, this.height);
    for (let y = Math.max(top, 0); y < bottom; y++) {
      const row = Math.floor((y - top) / scale) * width;
      for (let x = Math.max(left, 0); x < right; x++) {
        const value = Math.round(image[row + Math.floor((x - left) / scale)] * brightness);
        this.pixels.fill(value, (y * this.width + x) * 3, (y * this.width + x) * 3 + 3);
      }
    }
  }

  /** Text with the top left corner of its first capital at (left, top). */
  drawText(text: string, { left, top, scale }: Place, color: Color): void {
    for (const [k, character] of [...text].entries()) {
      const rows = glyphRows(character);
      const x = left + k * ADVANCE * scale;
      for (let row = 0; row < GLYPH_HEIGHT; row++) {
        for (let column = 0; column < GLYPH_WIDTH; column++) {
          if (!((rows[row] >> (GLYPH_WIDTH - 1 - column)) & 1)) continue;
          this.fill({ x: x + column * scale, y: top + row * scale, width: scale, height: scale }, color);
        }
      }
    }
  }

  /** The bytes of a PNG. */
  toPng(): Uint8Array {
    return encodePng({ width: this.width, height: this.height, channels: 3, pixels: this.pixels });
  }
}
