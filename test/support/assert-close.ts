/** How numbers are compared: each with itself, or all with the largest of them. */
import assert from 'node:assert/strict';

/** One number, or many. */
type Numbers = number | ArrayLike<number>;

/** Both as lists, which must be of one size. */
function lists(actual: Numbers, expected: Numbers, what: string): [ArrayLike<number>, ArrayLike<number>] {
  const [left, right] = [actual, expected].map((all) => (typeof all === 'number' ? [all] : all));
  assert.equal(left.length, right.length, `size of ${what}`);
  return [left, right];
}

/** Every number to within `tolerance` of its own size, or of `floor` if that is larger. */
export function assertCloseEach(actual: Numbers, expected: Numbers, tolerance: number, what: string, floor = 0): void {
  const [left, right] = lists(actual, expected, what);
  for (let i = 0; i < right.length; i++) {
    const isClose = Math.abs(left[i] - right[i]) <= tolerance * Math.max(floor, Math.abs(right[i]));
    if (!isClose) assert.fail(`${what}[${i}]: expected ${right[i]}, got ${left[i]}`);
  }
}

/** Every number finite, and to within `tolerance` of the largest expected one, or of `floor` if that is larger. */
export function assertCloseOverall(
  actual: Numbers,
  expected: Numbers,
  tolerance: number,
  what: string,
  floor = 0,
): void {
  const [left, right] = lists(actual, expected, what);
  let largest = floor;
  for (let i = 0; i < right.length; i++) largest = Math.max(largest, Math.abs(right[i]));
  for (let i = 0; i < right.length; i++) {
    const isClose = Number.isFinite(left[i]) && Math.abs(left[i] - right[i]) <= tolerance * largest;
    if (!isClose) assert.fail(`${what}[${i}]: expected ${right[i]}, got ${left[i]} (largest ${largest})`);
  }
}
