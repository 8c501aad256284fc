/** What a number may be: the range of a setting, or of an option. Imports nothing: help loads it. */

/** `min` and `max` are inclusive, `above` and `below` exclusive. No range has NaN or an infinite number in it. */
export type Range = {
  /** Whole numbers alone. */
  readonly isWhole?: boolean | undefined;
  readonly min?: number | undefined;
  readonly max?: number | undefined;
  readonly above?: number | undefined;
  readonly below?: number | undefined;
};

export function isWithin(value: number, { isWhole, min, max, above, below }: Range): boolean {
  if (isWhole ? !Number.isSafeInteger(value) : !Number.isFinite(value)) return false;
  if ((min !== undefined && value < min) || (max !== undefined && value > max)) return false;
  return !(above !== undefined && value <= above) && !(below !== undefined && value >= below);
}

/** `from 1 to 20`, `above 0 and at most 1`; empty if all numbers are in it. */
export function describeBounds({ min, max, above, below }: Range): string {
  if (min !== undefined && max !== undefined) return `from ${min} to ${max}`;
  const lower = min !== undefined ? `at least ${min}` : above !== undefined ? `above ${above}` : '';
  const upper = max !== undefined ? `at most ${max}` : below !== undefined ? `below ${below}` : '';
  return [lower, upper].filter((part) => part !== '').join(' and ');
}

/** `a whole number from 1 to 20`. */
export function describeRange(range: Range): string {
  return `a ${range.isWhole ? 'whole ' : ''}number ${describeBounds(range)}`.trim();
}
