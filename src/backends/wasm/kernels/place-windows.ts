// Placing a window on each canvas, and the gradients by the window and by where it is.
//
// Canvas pixel (r, c) samples the window at u = sx X_c + x, v = sy Y_r + y. Only rows and columns that the window reaches
// are visited; the rest of the canvas stays as it was.
import {
  centre, combineRows, fractionsOf, leftOf4, paddedLength, padTable, reaches, rightOf4, scaleY, setEntry, shiftY,
  tableBytes, toPixel,
} from './sampling';
import { loadUpTo4, storeUpTo4 } from './vector';

/** Bytes of scratch: a table of the canvas columns, and three padded rows. */
export function placeScratchBytes(width: i32, canvasWidth: i32): usize {
  return tableBytes(canvasWidth) + <usize>paddedLength(width) * 12;
}

/** Window coordinate, in pixels, of pixel i of n of the canvas. */
// @ts-ignore: decorator
@inline
function sourceOf(i: i32, n: i32, s: f32, shift: f32, side: i32): f32 {
  return toPixel(s * centre(i, n) + shift, side);
}

/** First of n canvas pixels that the window reaches; n when there is none. */
function firstReached(n: i32, s: f32, shift: f32, side: i32): i32 {
  let i = 0;
  while (i < n && !reaches(sourceOf(i, n, s, shift, side), side)) i++;
  return i;
}

/** One past the last of n canvas pixels that the window reaches, none below `first`. */
function endReached(n: i32, s: f32, shift: f32, side: i32, first: i32): i32 {
  let end = n;
  while (end > first && !reaches(sourceOf(end - 1, n, s, shift, side), side)) end--;
  return end;
}

/** The table of canvas columns [first, end): entry 0 is column `first`. */
function lookAlongRow(table: usize, fractions: usize, n: i32, s: f32, x: f32, width: i32, first: i32, end: i32): void {
  for (let q = first; q < end; q++) setEntry(table, fractions, q - first, sourceOf(q, n, s, x, width), width);
  padTable(table, fractions, end - first, width);
}

/** windows [B,h,w], affine [B,columns], before [B,H,W] -> canvases [B,H,W]. */
export function placeWindows(
  windows: usize, affine: usize, columns: i32, before: usize, canvases: usize, batch: i32,
  height: i32, width: i32, canvasHeight: i32, canvasWidth: i32, scratch: usize,
): void {
  const table = scratch;
  const fractions = fractionsOf(table, canvasWidth);
  const row = table + tableBytes(canvasWidth);
  memory.copy(canvases, before, <usize>batch * canvasHeight * canvasWidth << 2);
  memory.fill(row, 0, <usize>paddedLength(width) << 2);
  for (let b = 0; b < batch; b++) {
    const window = windows + (<usize>b * height * width << 2);
    const canvas = canvases + (<usize>b * canvasHeight * canvasWidth << 2);
    const map = affine + (<usize>(b * columns) << 2);
    const sx = load<f32>(map);
    const sy = scaleY(map, columns);
    const x = load<f32>(map, 4);
    const y = shiftY(map, columns);
    const first = firstReached(canvasWidth, sx, x, width);
    const end = endReached(canvasWidth, sx, x, width, first);
    if (first == end) continue;
    lookAlongRow(table, fractions, canvasWidth, sx, x, width, first, end);
    const firstRow = firstReached(canvasHeight, sy, y, height);
    const endRow = endReached(canvasHeight, sy, y, height, firstRow);
    for (let r = firstRow; r < endRow; r++) {
      const p = sourceOf(r, canvasHeight, sy, y, height);
      const top = floor(p);
      combineRows(window, height, width, <i32>top, 1 - (p - top), p - top, 0, width, row + 4);
      const out = canvas + (<usize>(r * canvasWidth + first) << 2);
      for (let q = 0; q < end - first; q += 4) {
        const at = <usize>q << 2;
        const left = leftOf4(row, table + at);
        const step = f32x4.sub(rightOf4(row, table + at), left);
        const sample = f32x4.add(left, f32x4.mul(v128.load(fractions + at), step));
        const count = end - first - q;
        storeUpTo4(out + at, f32x4.add(loadUpTo4(out + at, count), sample), count);
      }
    }
  }
}

/** Adds weight times a row of n floats to another. */
function addRow(from: usize, weight: f32, to: usize, n: i32): void {
  const w = f32x4.splat(weight);
  for (let q = 0; q < n; q += 4) {
    const at = <usize>q << 2;
    storeUpTo4(to + at, f32x4.add(loadUpTo4(to + at, n - q), f32x4.mul(w, loadUpTo4(from + at, n - q))), n - q);
  }
}

/** dy [B,H,W] -> dWindows [B,h,w], dAffine [B,columns]. */
export function placeWindowsGrad(
  dy: usize, windows: usize, affine: usize, columns: i32, dWindows: usize, dAffine: usize, batch: i32,
  height: i32, width: i32, canvasHeight: i32, canvasWidth: i32, scratch: usize,
): void {
  const table = scratch;
  const fractions = fractionsOf(table, canvasWidth);
  const row = table + tableBytes(canvasWidth);
  const slopes = row + (<usize>paddedLength(width) << 2);
  const spread = slopes + (<usize>paddedLength(width) << 2);
  memory.fill(dWindows, 0, <usize>batch * height * width << 2);
  memory.fill(row, 0, <usize>paddedLength(width) * 12);
  for (let b = 0; b < batch; b++) {
    const window = windows + (<usize>b * height * width << 2);
    const dWindow = dWindows + (<usize>b * height * width << 2);
    const dCanvas = dy + (<usize>b * canvasHeight * canvasWidth << 2);
    const map = affine + (<usize>(b * columns) << 2);
    const sx = load<f32>(map);
    const sy = scaleY(map, columns);
    const x = load<f32>(map, 4);
    const y = shiftY(map, columns);
    const first = firstReached(canvasWidth, sx, x, width);
    const end = endReached(canvasWidth, sx, x, width, first);
    const firstRow = firstReached(canvasHeight, sy, y, height);
    const endRow = endReached(canvasHeight, sy, y, height, firstRow);
    lookAlongRow(table, fractions, canvasWidth, sx, x, width, first, end);
    // sums over the canvas of the gradient by the sample's column and row, plain and times the pixel's centre
    let byColumn: f64 = 0;
    let byColumnTimesCentre: f64 = 0;
    let byRow: f64 = 0;
    let byRowTimesCentre: f64 = 0;
    for (let r = firstRow; r < endRow; r++) {
      const p = sourceOf(r, canvasHeight, sy, y, height);
      const top = floor(p);
      const fraction = p - top;
      combineRows(window, height, width, <i32>top, 1 - fraction, fraction, 0, width, row + 4);
      combineRows(window, height, width, <i32>top, -1, 1, 0, width, slopes + 4);
      memory.fill(spread, 0, <usize>paddedLength(width) << 2);
      let down: f64 = 0;
      for (let q = first; q < end; q++) {
        const entry = <usize>(q - first) << 2;
        const left = load<i32>(table + entry);
        const f = load<f32>(fractions + entry);
        const d = load<f32>(dCanvas + (<usize>(r * canvasWidth + q) << 2));
        const across = <f64>(d * (load<f32>(row + left, 4) - load<f32>(row + left)));
        byColumn += across;
        byColumnTimesCentre += across * <f64>centre(q, canvasWidth);
        const leftSlope = load<f32>(slopes + left);
        down += <f64>(d * (leftSlope + f * (load<f32>(slopes + left, 4) - leftSlope)));
        const right = d * f;
        store<f32>(spread + left, load<f32>(spread + left) + (d - right));
        store<f32>(spread + left, load<f32>(spread + left, 4) + right, 4);
      }
      byRow += down;
      byRowTimesCentre += down * <f64>centre(r, canvasHeight);
      if (top >= 0) addRow(spread + 4, 1 - fraction, dWindow + (<usize>(<i32>top * width) << 2), width);
      if (top + 1 < <f32>height) addRow(spread + 4, fraction, dWindow + (<usize>((<i32>top + 1) * width) << 2), width);
    }
    // p = (scale centre + shift + 1) side / 2 - 1/2
    const out = dAffine + (<usize>(b * columns) << 2);
    const perColumn = <f64>width * 0.5;
    const perRow = <f64>height * 0.5;
    if (columns == 3) {
      store<f32>(out, <f32>(byColumnTimesCentre * perColumn + byRowTimesCentre * perRow));
    } else {
      store<f32>(out, <f32>(byColumnTimesCentre * perColumn));
      store<f32>(out, <f32>(byRowTimesCentre * perRow), 8);
    }
    store<f32>(out, <f32>(byColumn * perColumn), 4);
    store<f32>(out + (<usize>(columns - 1) << 2), <f32>(byRow * perRow));
  }
}
