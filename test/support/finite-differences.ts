/** Derivatives of float64 functions by finite differences, and how numbers are compared. */
import assert from 'node:assert/strict';

/** df/dx_i by central differences. */
export function slopes(f: (x: number[]) => number, x: readonly number[], step = 1e-6): number[] {
  return x.map((value, i) => (f(x.with(i, value + step)) - f(x.with(i, value - step))) / (2 * step));
}

/** Every number to within `tolerance` of the largest expected one, or of `floor` if that is larger. */
export function assertNear(
  actual: ArrayLike<number>,
  expected: ArrayLike<number>,
  tolerance: number,
  what: string,
  floor = 0,
): void {
  assert.equal(actual.length, expected.length, `size of ${what}`);
  let largest = floor;
  for (let i = 0; i < expected.length; i++) largest = Math.max(largest, Math.abs(expected[i]));
  for (let i = 0; i < expected.length; i++) {
    const isNear = Math.abs(actual[i] - expected[i]) <= tolerance * largest;
    assert.ok(isNear, `${what}[${i}]: expected ${expected[i]}, got ${actual[i]} (largest ${largest})`);
  }
}

/** Every number to within `tolerance` of itself, or of `floor` if that is larger. */
export function assertEachNear(
  actual: ArrayLike<number>,
  expected: ArrayLike<number>,
  tolerance: number,
  what: string,
  floor = 0,
): void {
  assert.equal(actual.length, expected.length, `size of ${what}`);
  for (let i = 0; i < expected.length; i++) {
    const allowed = tolerance * Math.max(floor, Math.abs(expected[i]));
    assert.ok(Math.abs(actual[i] - expected[i]) <= allowed, `${what}[${i}]: expected ${expected[i]}, got ${actual[i]}`);
  }
}
