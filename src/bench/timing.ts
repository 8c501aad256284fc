/** Measured numbers: the middle one of several repeats and how far apart they lie; and waiting for a backend. */
import * as tf from '@tensorflow/tfjs';

/** Of several repeats: the median, and the quartiles, between which lies the middle half. */
export type Spread = { median: number; low: number; high: number };

/** How often to measure: first `warmup` times that do not count, then `repeats` times. */
export type RepeatOptions = { warmup: number; repeats: number };

/** @param values at least one */
export function spreadOf(values: readonly number[]): Spread {
  const sorted = [...values].sort((a, b) => a - b);
  const quantile = (share: number): number => {
    const at = share * (sorted.length - 1);
    const below = Math.floor(at);
    return sorted[below] + (at - below) * (sorted[Math.min(below + 1, sorted.length - 1)] - sorted[below]);
  };
  return { median: quantile(0.5), low: quantile(0.25), high: quantile(0.75) };
}

/** Waits until a tensor has been computed: a GPU returns before it has. Reads one number of it. */
export async function settle(tensor: tf.Tensor): Promise<void> {
  const first = tf.slice(
    tensor,
    tensor.shape.map(() => 0),
    tensor.shape.map(() => 1),
  );
  await first.data();
  first.dispose();
}

/** Milliseconds that `run` takes. */
export async function timed(run: () => Promise<unknown>): Promise<number> {
  const start = performance.now();
  await run();
  return performance.now() - start;
}
