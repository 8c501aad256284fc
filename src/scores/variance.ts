/** How much of a variance something explains. */

/** What was expected of one image against what came, at the places that count. */
export type Fit = {
  returns: ArrayLike<number>;
  baseline: ArrayLike<number>;
  /** 1 at the places that count, 0 elsewhere. */
  active: ArrayLike<number>;
};

/** Sum, and sum of squares, of some numbers. */
class Moments {
  count = 0;
  private mean = 0;
  private squares = 0;

  add(value: number): void {
    this.count++;
    const before = value - this.mean;
    this.mean += before / this.count;
    this.squares += before * (value - this.mean);
  }

  /** Sum of the squared distances from the mean. */
  get spread(): number {
    return this.squares;
  }
}

/**
 * The share of the variance of costs that a baseline explains, 1 - Var(R - b) / Var(R), within steps, over some steps:
 * 1 is all of it, 0 no more than their mean, below 0 worse than a constant would be.
 */
export class ExplainedVariance {
  private left = 0;
  private all = 0;

  /** All images of one step. */
  add(fits: readonly Fit[]): void {
    const [left, all] = [new Moments(), new Moments()];
    for (const { returns, baseline, active } of fits) {
      for (let t = 0; t < returns.length; t++) {
        if (active[t] === 0) continue;
        all.add(returns[t]);
        left.add(returns[t] - baseline[t]);
      }
    }
    this.left += left.spread;
    this.all += all.spread;
  }

  /** NaN if nothing varies. */
  get share(): number {
    return 1 - this.left / this.all;
  }
}
