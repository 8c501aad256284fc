/** What a step is made with: all that the schedule and the lessons decide. */
import type { GroupName } from './weight-groups.js';

/** What one step needs besides weights and images. */
export type StepPlan = {
  /** From 1; names the noise. */
  step: number;
  /** The learning rate of each group of weights. */
  rates: { readonly [group in GroupName]: number };
  /** log p(n), n = 0..N */
  logPrior: readonly number[];
  /** Whether to measure the norm of the gradient. */
  wantsNorm: boolean;
  /** Known counts of the images of the batch, -1 where there is none; undefined: none are known. */
  counts?: readonly number[];
};
