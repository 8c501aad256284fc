// Adam in one pass over the memory. Results may overwrite what they come from. What is worth nothing vanishes: see
// core/ops/vanish.ts.
import { FORGOTTEN, loadUpTo4, ROOT_FORGOTTEN, storeUpTo4, vanishBelow } from './vector';

/**
 * Adam: m' = beta1 m + rest1 g, v' = beta2 v + rest2 g^2, param' = param - rate (m' / correction1) / (sqrt(v' /
 * correction2) + epsilon). rest = 1 - beta comes rounded from float64, because 1 - 0.999 in float32 is off by 1e-5.
 */
export function adam(
  param: usize, grad: usize, m: usize, v: usize, paramNext: usize, mNext: usize, vNext: usize, n: i32,
  rate: f32, beta1: f32, rest1: f32, beta2: f32, rest2: f32, epsilon: f32, correction1: f32, correction2: f32,
): void {
  const stepSize = f32x4.splat(rate / correction1);
  for (let i = 0; i < n; i += 4) {
    const left = n - i;
    const at = <usize>i << 2;
    const g = vanishBelow(loadUpTo4(grad + at, left), ROOT_FORGOTTEN);
    const mOld = f32x4.mul(f32x4.splat(beta1), loadUpTo4(m + at, left));
    const first = f32x4.add(mOld, f32x4.mul(f32x4.splat(rest1), g));
    const vOld = f32x4.mul(f32x4.splat(beta2), loadUpTo4(v + at, left));
    const second = f32x4.add(vOld, f32x4.mul(f32x4.splat(rest2), f32x4.mul(g, g)));
    const spread = f32x4.add(f32x4.sqrt(f32x4.div(second, f32x4.splat(correction2))), f32x4.splat(epsilon));
    const step = f32x4.div(f32x4.mul(stepSize, first), spread);
    const moved = f32x4.sub(loadUpTo4(param + at, left), step);
    storeUpTo4(mNext + at, vanishBelow(first, FORGOTTEN), left);
    storeUpTo4(vNext + at, vanishBelow(second, FORGOTTEN), left);
    storeUpTo4(paramNext + at, moved, left);
  }
}
