// Four floats at a time: exp, tanh, sigmoid, softplus, log, and loads and stores of the last few of a row.
//
// The polynomials are those of Cephes (S. Moshier, expf.c, tanhf.c, logf.c): relative error below 2e-7. In the plain
// build every operation is one IEEE 754 defines to the bit, so every machine gives the same bytes. The last 1 to 3
// elements of a row go through the same operations as the others, so a number does not depend on its place.
import { multiplyAdd } from './gemm';

// @ts-ignore: decorator
@inline
function splat(value: f32): v128 {
  return f32x4.splat(value);
}

/** As in core/ops/vanish.ts, 2^-116: the least that is kept of what decays. */
export const FORGOTTEN: f32 = 1.2037062152420223e-35;
/** Its root, 2^-58: squares of what is smaller are forgotten. */
export const ROOT_FORGOTTEN: f32 = 3.469446951953614e-18;

/** Elements at `at`: four, or the last `count` of a row with zeros after them. */
// @ts-ignore: decorator
@inline
export function loadUpTo4(at: usize, count: i32): v128 {
  if (count >= 4) return v128.load(at);
  return loadTail(at, count);
}

function loadTail(at: usize, count: i32): v128 {
  if (count == 1) return v128.load32_zero(at);
  const pair = v128.load64_zero(at);
  return count == 2 ? pair : v128.load32_lane(at + 8, pair, 2);
}

// @ts-ignore: decorator
@inline
export function storeUpTo4(at: usize, value: v128, count: i32): void {
  if (count >= 4) v128.store(at, value);
  else storeTail(at, value, count);
}

function storeTail(at: usize, value: v128, count: i32): void {
  if (count == 1) {
    v128.store32_lane(at, value, 0);
    return;
  }
  v128.store64_lane(at, value, 0);
  if (count == 3) v128.store32_lane(at + 8, value, 2);
}

/** value where the lane is below `count`, 0 elsewhere. */
// @ts-ignore: decorator
@inline
export function keepUpTo4(value: v128, count: i32): v128 {
  return v128.and(value, i32x4.lt_s(i32x4(0, 1, 2, 3), i32x4.splat(count)));
}

/** value, but 0 where its size is below `least`, which is positive. NaN stays NaN. */
// @ts-ignore: decorator
@inline
export function vanishBelow(value: v128, least: f32): v128 {
  return v128.andnot(value, f32x4.lt(f32x4.abs(value), splat(least)));
}

// @ts-ignore: decorator
@inline
export function sumLanes(v: v128): f32 {
  return f32x4.extract_lane(v, 0) + f32x4.extract_lane(v, 1) + (f32x4.extract_lane(v, 2) + f32x4.extract_lane(v, 3));
}

/** e^x, x held to [-87, 88], where the result is a normal number. NaN stays NaN. */
// @ts-ignore: decorator
@inline
export function exp4(value: v128): v128 {
  const x = f32x4.pmin(f32x4.pmax(value, splat(-87)), splat(88));
  const n = f32x4.nearest(f32x4.mul(x, splat(1.44269504088896341)));
  // x - n ln 2, with ln 2 in two parts so that n times the first is exact
  const r = multiplyAdd(n, splat(2.12194440e-4), multiplyAdd(n, splat(-0.693359375), x));
  let p = multiplyAdd(splat(1.9875691500e-4), r, splat(1.3981999507e-3));
  p = multiplyAdd(p, r, splat(8.3334519073e-3));
  p = multiplyAdd(p, r, splat(4.1665795894e-2));
  p = multiplyAdd(p, r, splat(1.6666665459e-1));
  p = multiplyAdd(p, r, splat(5.0000001201e-1));
  p = f32x4.add(multiplyAdd(p, f32x4.mul(r, r), r), splat(1));
  return f32x4.mul(p, i32x4.shl(i32x4.add(i32x4.trunc_sat_f32x4_s(n), i32x4.splat(127)), 23));
}

/** log x for normal positive x. */
// @ts-ignore: decorator
@inline
export function log4(x: v128): v128 {
  // x = m 2^e with m in [sqrt(1/2), sqrt(2))
  const exponent = i32x4.shr_s(i32x4.sub(x, i32x4.splat(0x3f3504f3)), 23);
  const m = f32x4.sub(i32x4.sub(x, i32x4.shl(exponent, 23)), splat(1));
  const e = f32x4.convert_i32x4_s(exponent);
  const z = f32x4.mul(m, m);
  let p = multiplyAdd(splat(7.0376836292e-2), m, splat(-1.1514610310e-1));
  p = multiplyAdd(p, m, splat(1.1676998740e-1));
  p = multiplyAdd(p, m, splat(-1.2420140846e-1));
  p = multiplyAdd(p, m, splat(1.4249322787e-1));
  p = multiplyAdd(p, m, splat(-1.6668057665e-1));
  p = multiplyAdd(p, m, splat(2.0000714765e-1));
  p = multiplyAdd(p, m, splat(-2.4999993993e-1));
  p = multiplyAdd(p, m, splat(3.3333331174e-1));
  p = f32x4.mul(f32x4.mul(p, m), z);
  p = multiplyAdd(e, splat(-2.12194440e-4), p);
  p = multiplyAdd(z, splat(-0.5), p);
  return multiplyAdd(e, splat(0.693359375), f32x4.add(m, p));
}

/** 1 / (1 + e^-x), x held to -87 at least, where the result is a normal number. */
// @ts-ignore: decorator
@inline
export function sigmoid4(x: v128): v128 {
  return f32x4.div(splat(1), f32x4.add(splat(1), exp4(f32x4.pmin(f32x4.neg(x), splat(87)))));
}

/**
 * The sigmoid of a gate of the LSTM: held to at least e^-40, 4e-18, below which nothing that it lets through, and no gradient by it, is
 * worth anything (see core/ops/vanish.ts).
 */
// @ts-ignore: decorator
@inline
export function gate4(x: v128): v128 {
  return sigmoid4(f32x4.pmax(x, splat(-40)));
}

/** tanh x: an odd polynomial near 0, 1 - 2 / (e^2|x| + 1) elsewhere. */
// @ts-ignore: decorator
@inline
export function tanh4(x: v128): v128 {
  const size = f32x4.abs(x);
  const z = f32x4.mul(x, x);
  let p = multiplyAdd(splat(-5.70498872745e-3), z, splat(2.06390887954e-2));
  p = multiplyAdd(p, z, splat(-5.37397155531e-2));
  p = multiplyAdd(p, z, splat(1.33314422036e-1));
  p = multiplyAdd(p, z, splat(-3.33332819422e-1));
  const near = multiplyAdd(f32x4.mul(p, z), x, x);
  const far = f32x4.sub(splat(1), f32x4.div(splat(2), f32x4.add(exp4(f32x4.add(size, size)), splat(1))));
  const sign = v128.and(x, i32x4.splat(0x80000000));
  return v128.bitselect(near, v128.or(far, sign), f32x4.lt(size, splat(0.625)));
}

/** log(1 + e^x) = max(x, 0) + log(1 + t), t = e^-|x|; what 1 + t rounds away is put back to first order. */
// @ts-ignore: decorator
@inline
export function softplus4(x: v128): v128 {
  const t = exp4(f32x4.neg(f32x4.abs(x)));
  const u = f32x4.add(splat(1), t);
  const lost = f32x4.sub(t, f32x4.sub(u, splat(1)));
  return f32x4.add(f32x4.max(x, splat(0)), f32x4.add(log4(u), f32x4.div(lost, u)));
}
