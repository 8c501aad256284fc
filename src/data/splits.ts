/** Which digits scenes are made of. A table of constants: help loads it. */

/**
 * `train`: to learn from; `valid`: held out of the training digits, to choose recipes and to watch training by; `test`: to score
 * alone; `full`: all training digits, those of `train` and `valid`. No two of the first three share a digit. Which they are, in a set
 * without test digits of its own: `splitByLabel` in digits.ts.
 */
export const SPLITS = ['train', 'valid', 'test', 'full'] as const;

export type Split = (typeof SPLITS)[number];
