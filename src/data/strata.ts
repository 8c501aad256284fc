/** Counts of objects that are each as frequent, not only each as likely. */
import { Draws } from '../core/rng.js';

/**
 * The number of objects of scene `i`: of every `counts.length` scenes from the first on, each of the counts has one, in an order
 * of their own. So in any first scenes, and in any shard, no count is more than one scene ahead of another; or two, if a shard
 * begins inside such a run.
 *
 * @param counts one or more, each once  @param i below 2^53
 */
export function stratifiedCount(counts: readonly number[], seed: number, i: number): number {
  const run = Math.floor(i / counts.length);
  return counts[new Draws(seed, 'strata', run).permutation(counts.length)[i % counts.length]];
}
