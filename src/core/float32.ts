/** Numbers that were float32 once, written for people. */

/** The float32 as the shortest decimal that gives it back: 0.1 rather than 0.10000000149011612. */
export function shortest(value: number): number {
  for (let digits = 6; digits < 9; digits++) {
    const candidate = Number(value.toPrecision(digits));
    if (Math.fround(candidate) === value) return candidate;
  }
  return Number(value.toPrecision(9));
}
