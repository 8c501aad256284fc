// A dense layer y = act(x W^T + bias + shift), and what its gradient needs besides products.
import { FROM_BIAS, gemmBlocked, gemmScratchBytes } from './gemm';
import { exp4, FORGOTTEN, loadUpTo4, sigmoid4, softplus4, storeUpTo4, vanishBelow } from './vector';

// Activations, numbered as in the glue (linear.ts).
const RELU: i32 = 1;
const SIGMOID: i32 = 2;
const ELU: i32 = 3;
const SOFTPLUS: i32 = 4;

/** Bytes of scratch for `dense`: that of its product, and a row of bias + shift. */
export function denseScratchBytes(batch: i32, inputs: i32, outputs: i32): usize {
  return gemmScratchBytes(batch, outputs, inputs, false) + (<usize>outputs << 2);
}

/** x [B,I], weight [O,I], bias [O] -> y [B,O]. */
export function dense(
  x: usize, weight: usize, bias: usize, y: usize, batch: i32, inputs: i32, outputs: i32,
  activation: i32, shift: f32, scratch: usize,
): void {
  const start = scratch + gemmScratchBytes(batch, outputs, inputs, false);
  for (let o = 0; o < outputs; o++) store<f32>(start + (<usize>o << 2), load<f32>(bias + (<usize>o << 2)) + shift);
  gemmBlocked(x, weight, y, batch, outputs, inputs, false, true, FROM_BIAS, start, scratch);
  const size = batch * outputs;
  if (activation == RELU) {
    for (let i = 0; i < size; i += 4) {
      const at = y + (<usize>i << 2);
      const value = loadUpTo4(at, size - i);
      storeUpTo4(at, f32x4.max(value, f32x4.splat(0)), size - i);
    }
  } else if (activation == SIGMOID) {
    for (let i = 0; i < size; i += 4) {
      const at = y + (<usize>i << 2);
      storeUpTo4(at, sigmoid4(loadUpTo4(at, size - i)), size - i);
    }
  } else if (activation == ELU) {
    const zero = f32x4.splat(0);
    for (let i = 0; i < size; i += 4) {
      const at = y + (<usize>i << 2);
      const value = loadUpTo4(at, size - i);
      const below = f32x4.sub(exp4(f32x4.min(value, zero)), f32x4.splat(1));
      storeUpTo4(at, v128.bitselect(below, value, f32x4.lt(value, zero)), size - i);
    }
  } else if (activation == SOFTPLUS) {
    for (let i = 0; i < size; i += 4) {
      const at = y + (<usize>i << 2);
      storeUpTo4(at, softplus4(loadUpTo4(at, size - i)), size - i);
    }
  }
}

/** dy, y -> dy * act'(y), n elements; not for linear, whose derivative is 1. */
export function activationGrad(dy: usize, y: usize, dPre: usize, n: i32, activation: i32): void {
  const one = f32x4.splat(1);
  const zero = f32x4.splat(0);
  for (let i = 0; i < n; i += 4) {
    const offset = <usize>i << 2;
    const g = loadUpTo4(dy + offset, n - i);
    const v = loadUpTo4(y + offset, n - i);
    const slope = activation == RELU
      ? v128.and(one, f32x4.gt(v, zero))
      : activation == ELU
        ? f32x4.add(one, f32x4.min(v, zero))
        : activation == SOFTPLUS
          ? f32x4.sub(one, exp4(f32x4.neg(v)))
          : f32x4.mul(v, f32x4.sub(one, v));
    storeUpTo4(dPre + offset, vanishBelow(f32x4.mul(g, slope), FORGOTTEN), n - i); // of pixels that are all but off, say
  }
}

/** [rows, columns] -> sums over the rows [columns], added to what is there unless `isFirst`. */
export function columnSums(from: usize, to: usize, rows: i32, columns: i32, isFirst: bool): void {
  const stride = <usize>columns << 2;
  for (let j = 0; j < columns; j += 4) {
    let at = from + (<usize>j << 2);
    let sum = isFirst ? f32x4.splat(0) : loadUpTo4(to + (<usize>j << 2), columns - j);
    for (let r = 0; r < rows; r++) {
      sum = f32x4.add(sum, loadUpTo4(at, columns - j));
      at += stride;
    }
    storeUpTo4(to + (<usize>j << 2), sum, columns - j);
  }
}
