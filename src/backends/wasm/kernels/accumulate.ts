// Sums of gradients. The result may overwrite what it comes from.
import { loadUpTo4, storeUpTo4 } from './vector';

/** out = sum + part. */
export function accumulate(sum: usize, part: usize, out: usize, n: i32): void {
  for (let i = 0; i < n; i += 4) {
    const at = <usize>i << 2;
    storeUpTo4(out + at, f32x4.add(loadUpTo4(sum + at, n - i), loadUpTo4(part + at, n - i)), n - i);
  }
}
