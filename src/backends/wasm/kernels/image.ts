// Images against canvases: likelihoods, their gradients, and the pooled difference the guide looks at.
import { keepUpTo4, loadUpTo4, log4, storeUpTo4, sumLanes } from './vector';

/** Vectors summed in float32 before they go into the float64 sum. */
const RUN: i32 = 8;

/** Sum of (x - c)^2 over n pixels: runs of 32 pixels in float32, the runs in float64. */
function squaredDistance(image: usize, canvas: usize, n: i32): f64 {
  let low = f64x2.splat(0);
  let high = low;
  for (let i = 0; i < n; ) {
    let run = f32x4.splat(0);
    for (let k = 0; k < RUN && i < n; k++) {
      const at = <usize>i << 2;
      const d = f32x4.sub(loadUpTo4(image + at, n - i), loadUpTo4(canvas + at, n - i));
      run = f32x4.add(run, f32x4.mul(d, d));
      i += 4;
    }
    low = f64x2.add(low, f64x2.promote_low_f32x4(run));
    high = f64x2.add(high, f64x2.promote_low_f32x4(i64x2.shuffle(run, run, 1, 0)));
  }
  const sum = f64x2.add(low, high);
  return f64x2.extract_lane(sum, 0) + f64x2.extract_lane(sum, 1);
}

/** images, canvases [B,n] -> -|x - c|^2 weight - constant, [B]. */
export function imageLogLik(
  images: usize, canvases: usize, out: usize, batch: i32, n: i32, weight: f64, constant: f64,
): void {
  const stride = <usize>n << 2;
  for (let b = 0; b < batch; b++) {
    const at = <usize>b * stride;
    store<f32>(out + (<usize>b << 2), <f32>(-squaredDistance(images + at, canvases + at, n) * weight - constant));
  }
}

/** dy [B] -> dCanvases [B,n] = later + dy (x - c) weight; `later` [B,n], or 0. */
export function imageLogLikGrad(
  dy: usize, images: usize, canvases: usize, later: usize, dCanvases: usize, batch: i32, n: i32, weight: f32,
): void {
  for (let b = 0; b < batch; b++) {
    const factor = f32x4.splat(load<f32>(dy + (<usize>b << 2)) * weight);
    const row = <usize>b * n << 2;
    for (let i = 0; i < n; i += 4) {
      const at = row + (<usize>i << 2);
      const d = f32x4.sub(loadUpTo4(images + at, n - i), loadUpTo4(canvases + at, n - i));
      let out = f32x4.mul(factor, d);
      if (later) out = f32x4.add(loadUpTo4(later + at, n - i), out);
      storeUpTo4(dCanvases + at, out, n - i);
    }
  }
}

/** A canvas is taken to lie this far within 0..1, where its logarithms are finite; as in core/ops/image.ts. */
const NEARLY_CERTAIN: f32 = 1e-6;
const ALMOST_ONE: f32 = <f32>(1 - 1e-6);

// @ts-ignore: decorator
@inline
function held(canvas: v128): v128 {
  return f32x4.min(f32x4.max(canvas, f32x4.splat(NEARLY_CERTAIN)), f32x4.splat(ALMOST_ONE));
}

/** images, canvases [B,n] -> sum of x log c + (1 - x) log (1 - c), [B]: runs of 32 pixels in float32, the runs in float64. */
export function bernoulliLogLik(images: usize, canvases: usize, out: usize, batch: i32, n: i32): void {
  const one = f32x4.splat(1);
  for (let b = 0; b < batch; b++) {
    const row = <usize>b * n << 2;
    let total: f64 = 0;
    for (let i = 0; i < n; ) {
      let run = f32x4.splat(0);
      for (let k = 0; k < RUN && i < n; k++) {
        const at = row + (<usize>i << 2);
        const x = loadUpTo4(images + at, n - i);
        const c = held(loadUpTo4(canvases + at, n - i));
        const ones = f32x4.mul(x, log4(c));
        const zeros = f32x4.mul(f32x4.sub(one, x), log4(f32x4.sub(one, c)));
        run = f32x4.add(run, keepUpTo4(f32x4.add(ones, zeros), n - i));
        i += 4;
      }
      total += <f64>sumLanes(run);
    }
    store<f32>(out + (<usize>b << 2), <f32>total);
  }
}

/** dy [B] -> dCanvases [B,n] = later + dy (x - c) / (c (1 - c)), nothing where c is held; `later` [B,n], or 0. */
export function bernoulliLogLikGrad(
  dy: usize, images: usize, canvases: usize, later: usize, dCanvases: usize, batch: i32, n: i32,
): void {
  const one = f32x4.splat(1);
  for (let b = 0; b < batch; b++) {
    const factor = f32x4.splat(load<f32>(dy + (<usize>b << 2)));
    const row = <usize>b * n << 2;
    for (let i = 0; i < n; i += 4) {
      const at = row + (<usize>i << 2);
      const canvas = loadUpTo4(canvases + at, n - i);
      const c = held(canvas);
      const slope = f32x4.div(f32x4.sub(loadUpTo4(images + at, n - i), c), f32x4.mul(c, f32x4.sub(one, c)));
      const isFree = v128.and(
        f32x4.gt(canvas, f32x4.splat(NEARLY_CERTAIN)), f32x4.lt(canvas, f32x4.splat(ALMOST_ONE)),
      );
      let out = v128.and(isFree, f32x4.mul(factor, slope));
      if (later) out = f32x4.add(loadUpTo4(later + at, n - i), out);
      storeUpTo4(dCanvases + at, out, n - i);
    }
  }
}

/** images - canvases [B,H,W], the mean of each pool x pool block -> [B, floor(H/pool), floor(W/pool)]. */
export function residual(
  images: usize, canvases: usize, out: usize, batch: i32, height: i32, width: i32, pool: i32,
): void {
  const rows = height / pool;
  const columns = width / pool;
  const weight: f32 = 1 / <f32>(pool * pool);
  for (let b = 0; b < batch; b++) {
    for (let r = 0; r < rows; r++) {
      const start = <usize>((b * height + r * pool) * width) << 2;
      let q = 0;
      if (pool == 2) {
        for (; q + 4 <= columns; q += 4) {
          const at = start + (<usize>q << 3);
          const left = sumOfTwoRows(images + at, canvases + at, width);
          const right = sumOfTwoRows(images + at + 16, canvases + at + 16, width);
          const sum = f32x4.add(i32x4.shuffle(left, right, 0, 2, 4, 6), i32x4.shuffle(left, right, 1, 3, 5, 7));
          v128.store(out + (<usize>q << 2), f32x4.mul(sum, f32x4.splat(weight)));
        }
      }
      for (; q < columns; q++) {
        // columns first, as above, so that a block has the same bytes wherever it is
        let sum: f32 = 0;
        for (let c = 0; c < pool; c++) {
          let column: f32 = 0;
          for (let k = 0; k < pool; k++) {
            const at = start + (<usize>(k * width + q * pool + c) << 2);
            column += load<f32>(images + at) - load<f32>(canvases + at);
          }
          sum += column;
        }
        store<f32>(out + (<usize>q << 2), sum * weight);
      }
      out += <usize>columns << 2;
    }
  }
}

// @ts-ignore: decorator
@inline
function sumOfTwoRows(image: usize, canvas: usize, width: i32): v128 {
  const stride = <usize>width << 2;
  const upper = f32x4.sub(v128.load(image), v128.load(canvas));
  return f32x4.add(upper, f32x4.sub(v128.load(image + stride), v128.load(canvas + stride)));
}
