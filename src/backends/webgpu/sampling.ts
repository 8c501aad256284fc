/** Bilinear sampling in WGSL, what reading and placing windows share; the maps are those of core/ops/sampling.ts. */

/**
 * An axis of a map, u = scale X + shift, of image b; the maps are `affine`, [B, 3] or [B, 4], `uniforms.numbers` to each.
 * `centre` is the normalised coordinate of pixel i of n, `toPixel` turns one into the pixel coordinate on a side.
 */
export const MAPS = `
  struct Axis { scale : f32, shift : f32 };
  fn axisX(b : i32) -> Axis { return Axis(affine[b * uniforms.numbers], affine[b * uniforms.numbers + 1]); }
  fn axisY(b : i32) -> Axis {
    let at = b * uniforms.numbers;
    if (uniforms.numbers == 3) { return Axis(affine[at], affine[at + 2]); }
    return Axis(affine[at + 2], affine[at + 3]);
  }
  fn centre(i : i32, n : i32) -> f32 { return f32(2 * i + 1) / f32(n) - 1.0; }
  fn toPixel(u : f32, side : i32) -> f32 { return (u + 1.0) * (f32(side) * 0.5) - 0.5; }`;

/**
 * What picture b of a tensor NAME [B, height, width] has at row p and column q, and how fast that changes with either. 0 beyond
 * it, and for NaN.
 */
export function sampler(name: string): string {
  return `
  struct Sample { value : f32, byRow : f32, byColumn : f32 };
  fn pixel(b : i32, r : i32, c : i32) -> f32 {
    if (r < 0 || c < 0 || r >= uniforms.${name}Height || c >= uniforms.${name}Width) { return 0.0; }
    return ${name}[(b * uniforms.${name}Height + r) * uniforms.${name}Width + c];
  }
  fn reaches(p : f32, side : i32) -> bool { return p >= -1.0 && p < f32(side); }
  fn sampleAt(b : i32, p : f32, q : f32) -> Sample {
    if (!reaches(p, uniforms.${name}Height) || !reaches(q, uniforms.${name}Width)) { return Sample(0.0, 0.0, 0.0); }
    let top = floor(p);
    let left = floor(q);
    let down = p - top;
    let across = q - left;
    let r = i32(top);
    let c = i32(left);
    let topLeft = pixel(b, r, c);
    let topRight = pixel(b, r, c + 1);
    let bottomLeft = pixel(b, r + 1, c);
    let bottomRight = pixel(b, r + 1, c + 1);
    let atLeft = (1.0 - down) * topLeft + down * bottomLeft;
    let atRight = (1.0 - down) * topRight + down * bottomRight;
    let atTop = (1.0 - across) * topLeft + across * topRight;
    let atBottom = (1.0 - across) * bottomLeft + across * bottomRight;
    return Sample((1.0 - across) * atLeft + across * atRight, atBottom - atTop, atRight - atLeft);
  }`;
}
