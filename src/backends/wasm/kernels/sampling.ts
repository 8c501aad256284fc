// Bilinear sampling, the part shared by the kernels that read and place windows.
//
// Both maps are separable: where a row of samples looks depends on its row only, and a column's on its column. So each
// image needs a table of its columns, and a row of samples is made in two passes: two source rows are blended into one
// padded row, then each sample blends two neighbours of that.
//
// A padded row is  0, source[0..side), 0, 0  (and three more zeros for reading four at a time). A sample at source
// coordinate p in [-1, side) has `left` = floor(p) + 1, the place of its left neighbour in the padded row; any other
// sample has left = side + 1, where both neighbours are zeros. That is zero padding.
//
// A map of `columns` numbers is (s, x, y), one scale for both axes, or (sx, x, sy, y).
import { loadUpTo4, storeUpTo4 } from './vector';

/** Floats in a padded row. */
// @ts-ignore: decorator
@inline
export function paddedLength(side: i32): i32 {
  return side + 6;
}

/** Bytes of a table for n samples: offsets into the padded row, then fractions; both a multiple of four long. */
// @ts-ignore: decorator
@inline
export function tableBytes(n: i32): usize {
  return <usize>((n + 3) & ~3) << 3;
}

/** Distance in bytes between the offsets of a table and its fractions. */
// @ts-ignore: decorator
@inline
export function fractionsOf(table: usize, n: i32): usize {
  return table + (<usize>((n + 3) & ~3) << 2);
}

/** Whether a sample at p meets any pixel of a side. False for NaN, and for a side of no pixels. */
// @ts-ignore: decorator
@inline
export function reaches(p: f32, side: i32): bool {
  return side > 0 && p >= -1 && p < <f32>side;
}

/** Normalised centre of pixel i of n, in -1..1. */
// @ts-ignore: decorator
@inline
export function centre(i: i32, n: i32): f32 {
  return <f32>(i * 2 + 1) / <f32>n - 1;
}

/** Normalised coordinate -> pixel coordinate, pixel centres at whole numbers. */
// @ts-ignore: decorator
@inline
export function toPixel(u: f32, side: i32): f32 {
  return (u + 1) * (<f32>side * 0.5) - 0.5;
}

/** The scale of the y axis of a map; that of the x axis is its first number. */
// @ts-ignore: decorator
@inline
export function scaleY(map: usize, columns: i32): f32 {
  return load<f32>(columns == 3 ? map : map + 8);
}

/** The shift of the y axis of a map, its last number; that of the x axis is its second. */
// @ts-ignore: decorator
@inline
export function shiftY(map: usize, columns: i32): f32 {
  return load<f32>(map + (<usize>(columns - 1) << 2));
}

/** Writes entry i of a table. */
// @ts-ignore: decorator
@inline
export function setEntry(table: usize, fractions: usize, i: i32, p: f32, side: i32): void {
  const at = <usize>i << 2;
  if (reaches(p, side)) {
    const left = floor(p);
    store<i32>(table + at, (<i32>left + 1) << 2);
    store<f32>(fractions + at, p - left);
  } else {
    store<i32>(table + at, (side + 1) << 2);
    store<f32>(fractions + at, 0);
  }
}

/** Fills the last entries of a table up to a multiple of four. */
export function padTable(table: usize, fractions: usize, n: i32, side: i32): void {
  for (let i = n; i & 3; i++) setEntry(table, fractions, i, NaN, side);
}

/**
 * Columns [first, end) of source rows `top` and `top + 1`, weighted and added; a row outside the source is zeros.
 * Weights (1 - f, f) blend them; (-1, 1) give the derivative by f.
 */
export function combineRows(
  source: usize, height: i32, width: i32, top: i32, topWeight: f32, nextWeight: f32, first: i32, end: i32, out: usize,
): void {
  const a = f32x4.splat(top >= 0 ? topWeight : 0);
  const b = f32x4.splat(top + 1 < height ? nextWeight : 0);
  const topRow = source + (<usize>(max(top, 0) * width) << 2);
  const nextRow = source + (<usize>(min(top + 1, height - 1) * width) << 2);
  for (let q = first; q < end; q += 4) {
    const at = <usize>q << 2;
    const weighted = f32x4.mul(a, loadUpTo4(topRow + at, end - q));
    storeUpTo4(out + at, f32x4.add(weighted, f32x4.mul(b, loadUpTo4(nextRow + at, end - q))), end - q);
  }
}

/** The left neighbours of samples i..i+3 in a padded row. */
// @ts-ignore: decorator
@inline
export function leftOf4(row: usize, offsets: usize): v128 {
  const pairs01 = pairs(row, offsets);
  const pairs23 = pairs(row, offsets + 8);
  return i32x4.shuffle(pairs01, pairs23, 0, 2, 4, 6);
}

/** The right neighbours of the same. */
// @ts-ignore: decorator
@inline
export function rightOf4(row: usize, offsets: usize): v128 {
  const pairs01 = pairs(row, offsets);
  const pairs23 = pairs(row, offsets + 8);
  return i32x4.shuffle(pairs01, pairs23, 1, 3, 5, 7);
}

// @ts-ignore: decorator
@inline
function pairs(row: usize, offsets: usize): v128 {
  return v128.load64_lane(row + load<i32>(offsets, 4), v128.load64_zero(row + load<i32>(offsets)), 1);
}
