/** How much of a variance a baseline explains. */
import type { ImageFit } from '../core/estimators/estimator.js';

/** How far some numbers lie from their mean. */
class Spread {
  count = 0;
  private mean = 0;
  private squares = 0;

  add(value: number): void {
    this.count++;
    const before = value - this.mean;
    this.mean += before / this.count;
    this.squares += before * (value - this.mean);
  }

  /** Sum of the squared distances from it. */
  get total(): number {
    return this.squares;
  }
}

/**
 * The share of the returns' variance that a baseline explains, 1 - Var(R - b) / Var(R), within steps, over some steps:
 * 1 is all of it, 0 no more than their mean, below 0 worse than a constant would be.
 */
export class ExplainedVariance {
  private left = 0;
  private all = 0;

  /** All images of one step. */
  add(fits: readonly ImageFit[]): void {
    const [left, all] = [new Spread(), new Spread()];
    for (const { returns, baseline, active } of fits) {
      for (let t = 0; t < returns.length; t++) {
        if (active[t] === 0) continue;
        all.add(returns[t]);
        left.add(returns[t] - baseline[t]);
      }
    }
    this.left += left.total;
    this.all += all.total;
  }

  /** NaN if nothing varies. */
  get share(): number {
    return 1 - this.left / this.all;
  }
}
