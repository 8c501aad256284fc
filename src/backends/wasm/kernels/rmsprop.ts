// Centred RMSProp with momentum in one pass over the memory. Results may overwrite what they come from. What is worth nothing
// vanishes: see core/ops/vanish.ts.
import { FORGOTTEN, loadUpTo4, ROOT_FORGOTTEN, storeUpTo4, vanishBelow } from './vector';

/**
 * mean' = decay mean + rest g, square' = decay square + rest g^2, move' = momentum move + rate g / sqrt(square' - mean'^2 +
 * epsilon), param' = param - move'. rest = 1 - decay comes rounded from float64.
 */
export function rmsprop(
  param: usize, grad: usize, mean: usize, square: usize, move: usize,
  paramNext: usize, meanNext: usize, squareNext: usize, moveNext: usize, n: i32,
  rate: f32, decay: f32, rest: f32, momentum: f32, epsilon: f32,
): void {
  const zero = f32x4.splat(0);
  for (let i = 0; i < n; i += 4) {
    const left = n - i;
    const at = <usize>i << 2;
    const g = vanishBelow(loadUpTo4(grad + at, left), ROOT_FORGOTTEN);
    const meanOld = f32x4.mul(f32x4.splat(decay), loadUpTo4(mean + at, left));
    const first = f32x4.add(meanOld, f32x4.mul(f32x4.splat(rest), g));
    const kept = vanishBelow(first, ROOT_FORGOTTEN);
    const squareOld = f32x4.mul(f32x4.splat(decay), loadUpTo4(square + at, left));
    const second = f32x4.add(squareOld, f32x4.mul(f32x4.splat(rest), f32x4.mul(g, g)));
    const variance = f32x4.max(f32x4.sub(second, f32x4.mul(kept, kept)), zero);
    const spread = f32x4.sqrt(f32x4.add(variance, f32x4.splat(epsilon)));
    const moveOld = f32x4.mul(f32x4.splat(momentum), loadUpTo4(move + at, left));
    const step = f32x4.add(moveOld, f32x4.div(f32x4.mul(f32x4.splat(rate), g), spread));
    const moved = f32x4.sub(loadUpTo4(param + at, left), step);
    storeUpTo4(meanNext + at, vanishBelow(first, FORGOTTEN), left);
    storeUpTo4(squareNext + at, vanishBelow(second, FORGOTTEN), left);
    storeUpTo4(moveNext + at, vanishBelow(step, FORGOTTEN), left);
    storeUpTo4(paramNext + at, moved, left);
  }
}
