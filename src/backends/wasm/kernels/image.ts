// Images against canvases: the Gaussian likelihood, its gradient, and the pooled difference the guide looks at.
import { loadUpTo4, storeUpTo4 } from './vector';

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
