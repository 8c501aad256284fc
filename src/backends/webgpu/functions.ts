/** Functions in WGSL that shaders share, each with what it takes. */

/**
 * log(1 + e^x) = max(x, 0) + log1p(e^-|x|), where log1p(y) = 2 artanh(s), s = y / (2 + y) <= 1/3, is a series in s^2 that
 * ends here at an error below 1e-8. tfjs takes log(e^x + 1), which is 6 % off at x = -14.
 */
export const SOFTPLUS = `
  fn softplus(x : f32) -> f32 {
    let y = exp(-abs(x));
    let s = y / (2.0 + y);
    let q = s * s;
    let series = 1.0 + q * (1.0 / 3.0 + q * (1.0 / 5.0 + q * (1.0 / 7.0 + q * (1.0 / 9.0
      + q * (1.0 / 11.0 + q * (1.0 / 13.0 + q / 15.0))))));
    return max(x, 0.0) + 2.0 * s * series;
  }`;

/** Of e^-|x|, which never overflows. */
export const SIGMOID = `
  fn sigmoid(x : f32) -> f32 {
    let y = exp(-abs(x));
    return select(1.0, y, x < 0.0) / (1.0 + y);
  }`;

/** WGSL's own may overflow, and 1 - e^-2|x| has no digits left near 0: there a series, whose next term is below 1e-8. */
export const TANH = `
  fn tangent(x : f32) -> f32 {
    let y = exp(-2.0 * abs(x));
    let q = x * x;
    let near = x * (1.0 - q * (1.0 / 3.0 - q * (2.0 / 15.0 - q * (17.0 / 315.0 - q * (62.0 / 2835.0)))));
    return select(sign(x) * ((1.0 - y) / (1.0 + y)), near, abs(x) < 0.25);
  }`;

/**
 * Sums over the threads of a workgroup, a power of two of them; all have to call it. The result is that of every thread.
 * Halves are added to halves, so the order is the same each time.
 */
export function groupSum(threads: number): string {
  return `
  var<workgroup> partial : array<f32, ${threads}>;
  fn groupSum(x : f32) -> f32 {
    workgroupBarrier();
    partial[localIndex] = x;
    workgroupBarrier();
    for (var half = ${threads / 2}u; half > 0u; half = half / 2u) {
      if (localIndex < half) {
        partial[localIndex] = partial[localIndex] + partial[localIndex + half];
      }
      workgroupBarrier();
    }
    return partial[0];
  }`;
}
