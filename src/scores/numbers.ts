/** Scores in print, the same in every table and message. */

/** 0.97 -> 97.00 % */
export const percent = (share: number): string => `${(100 * share).toFixed(2)} %`;

export const decimals =
  (digits: number) =>
  (value: number): string =>
    value.toFixed(digits);
