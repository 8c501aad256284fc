/** Derivatives of float64 functions by finite differences. */

/** df/dx_i by central differences. */
export function slopes(f: (x: number[]) => number, x: readonly number[], step = 1e-6): number[] {
  return x.map((value, i) => (f(x.with(i, value + step)) - f(x.with(i, value - step))) / (2 * step));
}
