// Reading a window from each image, and its gradient by where the window is.
//
// Sample (i, j) of the window looks at X = (centre_j - x) / sx, Y = (centre_i - y) / sy of the image. A scale that serves both
// axes is at least minScale; two are taken as they are.
import {
  centre, combineRows, fractionsOf, leftOf4, paddedLength, padTable, reaches, rightOf4, scaleY, setEntry, shiftY,
  tableBytes, toPixel,
} from './sampling';
import { loadUpTo4, storeUpTo4, sumLanes } from './vector';

/** Bytes of scratch: a table of the columns, their distances from x, and two padded rows. */
export function readScratchBytes(imageWidth: i32, width: i32): usize {
  return tableBytes(width) + (<usize>(width + 3) << 2) + (<usize>paddedLength(imageWidth) << 3) + 32;
}

/** First of the image columns that a table of n samples looks at; `side` when there is none. */
function firstColumn(table: usize, n: i32, side: i32): i32 {
  let first = side;
  for (let i = 0; i < n; i++) {
    const left = (load<i32>(table + (<usize>i << 2)) >> 2) - 1;
    if (left < side) first = min(first, max(left, 0));
  }
  return first;
}

/** One past the last of them; 0 when there is none. */
function endColumn(table: usize, n: i32, side: i32): i32 {
  let end = 0;
  for (let i = 0; i < n; i++) {
    const left = (load<i32>(table + (<usize>i << 2)) >> 2) - 1;
    if (left < side) end = max(end, min(left + 2, side));
  }
  return end;
}

/** Fills the column table of one window. */
function lookAlongRow(table: usize, fractions: usize, width: i32, imageWidth: i32, s: f32, x: f32): void {
  for (let j = 0; j < width; j++) {
    setEntry(table, fractions, j, toPixel((centre(j, width) - x) / s, imageWidth), imageWidth);
  }
  padTable(table, fractions, width, imageWidth);
}

/** A scale as it is read. */
// @ts-ignore: decorator
@inline
function bounded(scale: f32, columns: i32, minScale: f32): f32 {
  return columns == 3 ? max(scale, minScale) : scale;
}

/** images [B,H,W], affine [B,columns] -> windows [B,h,w]. */
export function readWindows(
  images: usize, affine: usize, columns: i32, windows: usize, batch: i32,
  imageHeight: i32, imageWidth: i32, height: i32, width: i32, minScale: f32, scratch: usize,
): void {
  const table = scratch;
  const fractions = fractionsOf(table, width);
  const row = table + tableBytes(width);
  const pixels = row + 4;
  let out = windows;
  for (let b = 0; b < batch; b++) {
    const image = images + (<usize>b * imageHeight * imageWidth << 2);
    const map = affine + (<usize>(b * columns) << 2);
    const sy = bounded(scaleY(map, columns), columns, minScale);
    const y = shiftY(map, columns);
    lookAlongRow(table, fractions, width, imageWidth, bounded(load<f32>(map), columns, minScale), load<f32>(map, 4));
    const first = firstColumn(table, width, imageWidth);
    const end = endColumn(table, width, imageWidth);
    memory.fill(row, 0, <usize>paddedLength(imageWidth) << 2);
    for (let i = 0; i < height; i++) {
      const p = toPixel((centre(i, height) - y) / sy, imageHeight);
      if (reaches(p, imageHeight)) {
        const top = floor(p);
        combineRows(image, imageHeight, imageWidth, <i32>top, 1 - (p - top), p - top, first, end, pixels);
        for (let j = 0; j < width; j += 4) {
          const at = <usize>j << 2;
          const left = leftOf4(row, table + at);
          const step = f32x4.sub(rightOf4(row, table + at), left);
          storeUpTo4(out + at, f32x4.add(left, f32x4.mul(v128.load(fractions + at), step)), width - j);
        }
      } else {
        memory.fill(out, 0, <usize>width << 2);
      }
      out += <usize>width << 2;
    }
  }
}

/** dy [B,h,w] -> dAffine [B,columns]; the gradient by a scale is zero where it was held at minScale. */
export function readWindowsGrad(
  dy: usize, images: usize, affine: usize, columns: i32, dAffine: usize, batch: i32,
  imageHeight: i32, imageWidth: i32, height: i32, width: i32, minScale: f32, scratch: usize,
): void {
  const table = scratch;
  const fractions = fractionsOf(table, width);
  const distances = table + tableBytes(width);
  const row = distances + (<usize>((width + 3) & ~3) << 2);
  const slopes = row + (<usize>paddedLength(imageWidth) << 2);
  let from = dy;
  for (let b = 0; b < batch; b++) {
    const image = images + (<usize>b * imageHeight * imageWidth << 2);
    const map = affine + (<usize>(b * columns) << 2);
    const sx = bounded(load<f32>(map), columns, minScale);
    const sy = bounded(scaleY(map, columns), columns, minScale);
    const x = load<f32>(map, 4);
    const y = shiftY(map, columns);
    lookAlongRow(table, fractions, width, imageWidth, sx, x);
    for (let j = 0; j < ((width + 3) & ~3); j++) store<f32>(distances + (<usize>j << 2), centre(j, width) - x);
    const first = firstColumn(table, width, imageWidth);
    const end = endColumn(table, width, imageWidth);
    memory.fill(row, 0, <usize>paddedLength(imageWidth) << 3);
    // sums over the window of the gradient by the sample's column and row, plain and times the distance from (x, y)
    let byColumn: f64 = 0;
    let byColumnTimesDistance: f64 = 0;
    let byRow: f64 = 0;
    let byRowTimesDistance: f64 = 0;
    for (let i = 0; i < height; i++) {
      const distance = centre(i, height) - y;
      const p = toPixel(distance / sy, imageHeight);
      if (reaches(p, imageHeight)) {
        const top = floor(p);
        combineRows(image, imageHeight, imageWidth, <i32>top, 1 - (p - top), p - top, first, end, row + 4);
        combineRows(image, imageHeight, imageWidth, <i32>top, -1, 1, first, end, slopes + 4);
        let column = f32x4.splat(0);
        let columnTimesDistance = column;
        let ofRow = column;
        for (let j = 0; j < width; j += 4) {
          const at = <usize>j << 2;
          const d = loadUpTo4(from + at, width - j);
          const across = f32x4.mul(d, f32x4.sub(rightOf4(row, table + at), leftOf4(row, table + at)));
          column = f32x4.add(column, across);
          columnTimesDistance = f32x4.add(columnTimesDistance, f32x4.mul(across, v128.load(distances + at)));
          const left = leftOf4(slopes, table + at);
          const step = f32x4.sub(rightOf4(slopes, table + at), left);
          ofRow = f32x4.add(ofRow, f32x4.mul(d, f32x4.add(left, f32x4.mul(v128.load(fractions + at), step))));
        }
        byColumn += <f64>sumLanes(column);
        byColumnTimesDistance += <f64>sumLanes(columnTimesDistance);
        const down = <f64>sumLanes(ofRow);
        byRow += down;
        byRowTimesDistance += down * <f64>distance;
      }
      from += <usize>width << 2;
    }
    // p = ((centre - shift) / scale + 1) side / 2 - 1/2
    const perColumn = <f64>imageWidth * 0.5 / <f64>sx;
    const perRow = <f64>imageHeight * 0.5 / <f64>sy;
    const out = dAffine + (<usize>(b * columns) << 2);
    if (columns == 3) {
      const byScale = -(byColumnTimesDistance * perColumn + byRowTimesDistance * perRow) / <f64>sx;
      store<f32>(out, load<f32>(map) > minScale ? <f32>byScale : 0);
    } else {
      store<f32>(out, <f32>(-byColumnTimesDistance * perColumn / <f64>sx));
      store<f32>(out, <f32>(-byRowTimesDistance * perRow / <f64>sy), 8);
    }
    store<f32>(out, <f32>(-byColumn * perColumn), 4);
    store<f32>(out + (<usize>(columns - 1) << 2), <f32>(-byRow * perRow));
  }
}
