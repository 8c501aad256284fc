// Resizing an image of bytes: the sums of ../resize.ts, which are of integers, four at a time. Matrices are of int32, rows of a
// multiple of 4, so that a vector never takes in two rows; what lies beyond an image in its last vector is never looked at.

/** Fractional bits of a weight, as in ../resize.ts. */
const PRECISION_BITS: i32 = 22;
const HALF: i32 = 1 << (PRECISION_BITS - 1);
/** So many taps fit in registers; a 28-pixel digit shrunk to 19 or more takes no more. */
const FAST_TAPS: i32 = 6;

/** A sum of 8-bit pixels by weights as such a pixel. */
// @ts-ignore: decorator
@inline
function rounded(sum: v128): v128 {
  return i32x4.max_s(i32x4.min_s(i32x4.shr_s(sum, PRECISION_BITS), i32x4.splat(255)), i32x4.splat(0));
}

// @ts-ignore: decorator
@inline
function weighed(sum: v128, pixels: usize, weight: v128): v128 {
  return i32x4.add(sum, i32x4.mul(v128.load(pixels), weight));
}

/** input [from, rows] -> out [to, rows], by axis = starts [to] and weights [to, taps]. */
function resample(input: usize, rows: i32, axis: usize, taps: i32, to: i32, out: usize): void {
  const stride = <usize>rows << 2;
  let w = axis + (<usize>to << 2);
  for (let p: usize = 0; p < <usize>to; p++) {
    const from = input + <usize>load<i32>(axis + (p << 2)) * stride;
    const at = out + p * stride;
    if (taps == FAST_TAPS) {
      const w0 = v128.load32_splat(w);
      const w1 = v128.load32_splat(w, 4);
      const w2 = v128.load32_splat(w, 8);
      const w3 = v128.load32_splat(w, 12);
      const w4 = v128.load32_splat(w, 16);
      const w5 = v128.load32_splat(w, 20);
      for (let r: usize = 0; r < stride; r += 16) {
        let sum = weighed(i32x4.splat(HALF), from + r, w0);
        sum = weighed(sum, from + r + stride, w1);
        sum = weighed(sum, from + r + 2 * stride, w2);
        sum = weighed(sum, from + r + 3 * stride, w3);
        sum = weighed(sum, from + r + 4 * stride, w4);
        sum = weighed(sum, from + r + 5 * stride, w5);
        v128.store(at + r, rounded(sum));
      }
    } else {
      for (let r: usize = 0; r < stride; r += 16) {
        let sum = i32x4.splat(HALF);
        for (let t: usize = 0; t < <usize>taps; t++) {
          sum = weighed(sum, from + r + t * stride, v128.load32_splat(w + (t << 2)));
        }
        v128.store(at + r, rounded(sum));
      }
    }
    w += <usize>taps << 2;
  }
}

/** The next multiple of 4. */
// @ts-ignore: decorator
@inline
function padded(n: i32): i32 {
  return (n + 3) & ~3;
}

/**
 * pixels [height, width] of bytes -> resized [outHeight, outWidth] of bytes, and the box of its non-zero pixels, half open:
 * ink = left, top, right, bottom; right <= left where there are none.
 *
 *   a, b    room for matrices [width, height'], [outHeight, outWidth'] and [outWidth, height'], [height, outWidth'];
 *           n' is the next multiple of 4
 */
export function resize(
  pixels: usize, height: i32, width: i32, across: usize, acrossTaps: i32, outWidth: i32,
  down: usize, downTaps: i32, outHeight: i32, a: usize, b: usize, resized: usize, ink: usize,
): void {
  const rows = padded(height);
  const columns = padded(outWidth);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) store<i32>(a + (<usize>(x * rows + y) << 2), load<u8>(pixels++));
  }
  resample(a, rows, across, acrossTaps, outWidth, b); // [outWidth, height']
  for (let y = 0; y < height; y++) {
    for (let p = 0; p < outWidth; p++) {
      store<i32>(a + (<usize>(y * columns + p) << 2), load<i32>(b + (<usize>(p * rows + y) << 2)));
    }
  }
  resample(a, columns, down, downTaps, outHeight, b); // [outHeight, outWidth']

  let left = outWidth;
  let top = outHeight;
  let right = 0;
  let bottom = 0;
  for (let q = 0; q < outHeight; q++) {
    const row = b + (<usize>(q * columns) << 2);
    for (let p = 0; p < outWidth; p++) {
      const value = load<i32>(row + (<usize>p << 2));
      store<u8>(resized++, value);
      if (value == 0) continue;
      left = min(left, p);
      top = min(top, q);
      right = max(right, p + 1);
      bottom = q + 1;
    }
  }
  store<i32>(ink, left);
  store<i32>(ink, top, 4);
  store<i32>(ink, right, 8);
  store<i32>(ink, bottom, 12);
}
