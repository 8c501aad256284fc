/**
 * Resizing 8-bit gray images exactly as Pillow's `Image.resize` does by default: bicubic with a = -0.5, the support
 * widened by the scale when shrinking, horizontal pass then vertical pass, each rounded and clipped to 8 bits.
 * Pyro's multi-MNIST is made with it, so scenes of ours have the pixels of theirs.
 *
 * Source: Pillow, src/libImaging/Resample.c (precompute_coeffs, normalize_coeffs_8bpc, ImagingResample*_8bpc).
 */

/** Weights are integers with this many fractional bits: 8 bits of pixel and 2 of headroom for the lobes leave 22. */
const PRECISION_BITS = 32 - 8 - 2;
const HALF = 1 << (PRECISION_BITS - 1);
const BICUBIC_SUPPORT = 2;

/** How an axis of `from` pixels becomes one of `to`: output p is a weighted sum of `taps` inputs from `starts[p]` on. */
export type Axis = {
  from: number;
  to: number;
  /** The same for every output, at most `from`; `starts[p] + taps <= from`. */
  taps: number;
  starts: Int32Array;
  /** [to, taps], fixed point; 0 where an output takes fewer. */
  weights: Int32Array;
};

/** A 28-pixel digit shrunk to 19 or more takes at most 6 taps, which fit in registers: that loop is written out. */
const FAST_TAPS = 6;

/** The box of the non-zero pixels of an image, half open; empty where right <= left. */
export type InkBounds = { left: number; top: number; right: number; bottom: number };

function bicubic(x: number): number {
  const a = -0.5;
  const d = Math.abs(x);
  if (d < 1) return ((a + 2) * d - (a + 3)) * d * d + 1;
  if (d < 2) return (((d - 5) * d + 8) * d - 4) * a;
  return 0;
}

/** @param from, to 1 or more */
export function makeAxis(from: number, to: number): Axis {
  const scale = from / to;
  const filterScale = Math.max(scale, 1);
  const support = BICUBIC_SUPPORT * filterScale;
  const taps = Math.min(Math.max(Math.ceil(support) * 2 + 1, FAST_TAPS), from);
  const all = { from, to, taps, starts: new Int32Array(to), weights: new Int32Array(to * taps) };
  const real = new Float64Array(taps);
  let used = Math.min(FAST_TAPS, from);
  for (let p = 0; p < to; p++) {
    const centre = (p + 0.5) * scale;
    const first = Math.max(Math.trunc(centre - support + 0.5), 0);
    const count = Math.min(Math.trunc(centre + support + 0.5), from) - first;
    let sum = 0;
    for (let t = 0; t < count; t++) {
      real[t] = bicubic((t + first - centre + 0.5) * (1 / filterScale));
      sum += real[t];
    }
    // Outer weights of 0 change nothing and are left out, so that few taps suffice.
    let kept = 0;
    let skipped = 0;
    for (let t = 0; t < count; t++) {
      const value = (sum === 0 ? real[t] : real[t] / sum) * (1 << PRECISION_BITS);
      const weight = Math.trunc(value < 0 ? value - 0.5 : value + 0.5);
      if (weight === 0 && skipped === t) skipped++;
      else all.weights[p * taps + t - skipped] = weight;
      if (weight !== 0) kept = t - skipped + 1;
    }
    all.starts[p] = first + skipped;
    used = Math.max(used, kept);
  }
  return narrowed(all, used);
}

/** The same axis with `taps` taps, of which every output's are inside the input: near its end they start earlier. */
function narrowed(axis: Axis, taps: number): Axis {
  const { from, to } = axis;
  const starts = new Int32Array(to);
  const weights = new Int32Array(to * taps);
  for (let p = 0; p < to; p++) {
    starts[p] = Math.min(axis.starts[p], from - taps);
    const shift = axis.starts[p] - starts[p];
    for (let t = shift; t < taps; t++) weights[p * taps + t] = axis.weights[p * axis.taps + t - shift];
  }
  return { from, to, taps, starts, weights };
}

/** Half open: first, ..., last - 1. */
type Range = { first: number; last: number };

/**
 * Resamples some rows of an image [rows, axis.from], which stands at `offset`, along the axis and writes the result
 * transposed, `out` [axis.to, rows], so that calling it twice resizes an image. Only the outputs `outs` are written.
 */
function resampleTransposed(
  { pixels: source, offset, rows }: { pixels: Uint8Array; offset: number; rows: number },
  { first: firstRow, last: lastRow }: Range,
  { axis, outs }: { axis: Axis; outs: Range },
  out: Uint8Array,
): void {
  const { starts, weights, taps, from } = axis;
  for (let p = outs.first; p < outs.last; p++) {
    const w = p * taps;
    const end = p * rows + lastRow;
    let to = p * rows + firstRow;
    let at = offset + firstRow * from + starts[p];
    if (taps === FAST_TAPS) {
      const w0 = weights[w];
      const w1 = weights[w + 1];
      const w2 = weights[w + 2];
      const w3 = weights[w + 3];
      const w4 = weights[w + 4];
      const w5 = weights[w + 5];
      for (; to < end; to++, at += from) {
        let sum = HALF + Math.imul(source[at], w0) + Math.imul(source[at + 1], w1) + Math.imul(source[at + 2], w2);
        sum += Math.imul(source[at + 3], w3) + Math.imul(source[at + 4], w4) + Math.imul(source[at + 5], w5);
        const value = sum >> PRECISION_BITS;
        out[to] = Math.max(0, Math.min(value, 255));
      }
    } else {
      for (; to < end; to++, at += from) {
        let sum = HALF;
        for (let t = 0; t < taps; t++) sum = (sum + Math.imul(source[at + t], weights[w + t])) | 0;
        const value = sum >> PRECISION_BITS;
        out[to] = Math.max(0, Math.min(value, 255));
      }
    }
  }
}

/** The outputs that an input range first..last (half open) reaches, half open. */
function reach(axis: Axis, first: number, last: number): Range {
  let low = 0;
  let high = axis.to;
  while (low < high && axis.starts[low] + axis.taps <= first) low++;
  while (high > low && axis.starts[high - 1] >= last) high--;
  return { first: low, last: high };
}

/** What resizes images of one size to any sizes: here by plain loops, or by a kernel (kernel-resizer.ts). */
export type Resizes = {
  /** The resized image, row-major [outHeight, outWidth], at the start of these bytes, which may be others after each call. */
  readonly pixels: Uint8Array;
  /** Of the resized image; empty where right <= left. */
  readonly ink: InkBounds;
  /** Resizes the image at `offset` of `source` (row-major) into `pixels` and `ink`. Sizes are 1 or more. */
  resize(source: Uint8Array, offset: number, outHeight: number, outWidth: number): void;
};

/**
 * Resizes images of one size to any sizes, keeping tables and buffers. Blank margins, in and out, cost nothing.
 * The result of a call is valid until the next call.
 */
export class Resizer implements Resizes {
  /** The resized image, row-major [outHeight, outWidth], at the start of this buffer. */
  pixels = new Uint8Array(0);
  /** Of the resized image. */
  readonly ink: InkBounds = { left: 0, top: 0, right: 0, bottom: 0 };
  private between = new Uint8Array(0);
  private readonly height: number;
  private readonly width: number;
  private readonly axes = new Map<number, Axis>();

  /** @param height, width of every source image, 1 or more */
  constructor(height: number, width: number) {
    this.height = height;
    this.width = width;
  }

  /** Resizes the image at `offset` of `source` (row-major) into `this.pixels` and `this.ink`. Sizes are 1 or more. */
  resize(source: Uint8Array, offset: number, outHeight: number, outWidth: number): void {
    const { height, width } = this;
    const across = this.axis(width, outWidth);
    const down = this.axis(height, outHeight);
    if (this.pixels.length < outHeight * outWidth) this.pixels = new Uint8Array(outHeight * outWidth);
    if (this.between.length < outWidth * height) this.between = new Uint8Array(outWidth * height);
    const whole = { rows: { first: 0, last: height }, columns: { first: 0, last: width } };
    const ink = boundsOfInk({ pixels: source, offset, height, width }, whole, this.ink);
    this.pixels.fill(0, 0, outHeight * outWidth);
    if (ink.right <= ink.left) return;
    const columns = reach(across, ink.left, ink.right);
    const rows = reach(down, ink.top, ink.bottom);
    // The vertical pass reads rows around the ink, which must then be blank.
    this.between.fill(0, columns.first * height, columns.last * height);
    const inkRows = { first: ink.top, last: ink.bottom };
    resampleTransposed(
      { pixels: source, offset, rows: height },
      inkRows,
      { axis: across, outs: columns },
      this.between,
    );
    const turned = { pixels: this.between, offset: 0, rows: outWidth };
    resampleTransposed(turned, columns, { axis: down, outs: rows }, this.pixels);
    const resized = { pixels: this.pixels, offset: 0, height: outHeight, width: outWidth };
    boundsOfInk(resized, { rows, columns }, ink);
  }

  private axis(from: number, to: number): Axis {
    const key = from * 0x100000 + to;
    let axis = this.axes.get(key);
    if (axis === undefined) {
      axis = makeAxis(from, to);
      this.axes.set(key, axis);
    }
    return axis;
  }
}

/** Finds the box of the non-zero pixels of an image, which must lie in the given half-open ranges. */
function boundsOfInk(
  { pixels, offset, height, width }: { pixels: Uint8Array; offset: number; height: number; width: number },
  { rows, columns }: { rows: Range; columns: Range },
  out: InkBounds,
): InkBounds {
  out.left = width;
  out.top = height;
  out.right = 0;
  out.bottom = 0;
  for (let y = rows.first; y < rows.last; y++) {
    const row = offset + y * width;
    let left = columns.first;
    while (left < columns.last && pixels[row + left] === 0) left++;
    if (left === columns.last) continue;
    let right = columns.last;
    while (pixels[row + right - 1] === 0) right--;
    if (left < out.left) out.left = left;
    if (right > out.right) out.right = right;
    if (y < out.top) out.top = y;
    out.bottom = y + 1;
  }
  return out;
}
