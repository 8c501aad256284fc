/** Placing windows in WGSL; windows are [B, h w]. */
import { groupSum } from './functions.js';
import { type Inputs, type Named, sizeOf, THREADS, type WebgpuKernel } from './gpu.js';
import { MAPS, sampler } from './sampling.js';

/** Where pixel i of `n` of the canvas looks along an axis of the window. */
const PLACING = `
  ${MAPS}
  ${sampler('windows')}
  fn pointOf(axis : Axis, i : i32, n : i32, side : i32) -> f32 {
    return toPixel(axis.scale * centre(i, n) + axis.shift, side);
  }`;

const PLACE = `
  ${PLACING}
  fn main(index : i32) {
    if (index < uniforms.count) {
      let area = uniforms.height * uniforms.width;
      let b = index / area;
      let p = pointOf(axisY(b), (index % area) / uniforms.width, uniforms.height, uniforms.windowsHeight);
      let q = pointOf(axisX(b), index % uniforms.width, uniforms.width, uniforms.windowsWidth);
      placed[index] = canvas[index] + sampleAt(b, p, q).value;
    }
  }`;

function sizesOf([, height, width]: readonly number[], { affine }: Inputs, attrs: Named<unknown>): Named<number> {
  const [windowsHeight, windowsWidth] = [Number(attrs.height), Number(attrs.width)];
  return { windowsHeight, windowsWidth, numbers: affine.shape[1], height, width };
}

export const airPlaceWindows: WebgpuKernel = (gpu, inputs, attrs) => {
  const { windows, affine, canvas } = inputs;
  const count = sizeOf(canvas);
  const [placed] = gpu.run({
    ...{ reads: { windows, affine, canvas }, writes: { placed: canvas.shape } },
    ...{ counts: { count, ...sizesOf(canvas.shape, inputs, attrs) }, code: PLACE, threads: count },
  });
  return placed;
};

/**
 * A workgroup an image. By a pixel of the window: each thread gathers what of the canvas looks at its pixel, so that no two add to
 * the same. Points are p = slope i + begin, so those within a pixel of `at` lie between two i; one more on each side makes up
 * for rounding, and weighs nothing. A slope near 0 looks at the same place from everywhere.
 */
const PLACE_GRAD = `
  ${PLACING}
  ${groupSum(THREADS)}
  struct Range { first : i32, last : i32 };
  fn lookingAt(axis : Axis, at : i32, n : i32, side : i32) -> Range {
    let begin = pointOf(axis, 0, n, side);
    let slope = axis.scale * f32(side) / f32(n);
    if (!(abs(slope) > 1e-4)) { return Range(0, n - 1); }
    let one = (f32(at) - 1.0 - begin) / slope;
    let other = (f32(at) + 1.0 - begin) / slope;
    let low = clamp(min(one, other) - 1.0, 0.0, f32(n));
    let high = clamp(max(one, other) + 1.0, -1.0, f32(n - 1));
    return Range(i32(floor(low)), i32(ceil(high)));
  }
  fn main(index : i32) {
    let b = index / ${THREADS};
    let thread = index % ${THREADS};
    let x = axisX(b);
    let y = axisY(b);
    let area = uniforms.height * uniforms.width;
    let windowArea = uniforms.windowsHeight * uniforms.windowsWidth;
    // sums of the gradient by the sample's column and row, plain and times the pixel's centre
    var across = 0.0;
    var acrossTimesCentre = 0.0;
    var down = 0.0;
    var downTimesCentre = 0.0;
    if (b < uniforms.batch) {
      for (var k = thread; k < windowArea; k = k + ${THREADS}) {
        let i = k / uniforms.windowsWidth;
        let j = k % uniforms.windowsWidth;
        let rows = lookingAt(y, i, uniforms.height, uniforms.windowsHeight);
        let columns = lookingAt(x, j, uniforms.width, uniforms.windowsWidth);
        var sum = 0.0;
        for (var r = rows.first; r <= rows.last; r = r + 1) {
          let p = pointOf(y, r, uniforms.height, uniforms.windowsHeight);
          var ofRow = 0.0;
          for (var c = columns.first; c <= columns.last; c = c + 1) {
            let q = pointOf(x, c, uniforms.width, uniforms.windowsWidth);
            let weight = max(1.0 - abs(q - f32(j)), 0.0);
            ofRow = ofRow + weight * dy[b * area + r * uniforms.width + c];
          }
          sum = sum + max(1.0 - abs(p - f32(i)), 0.0) * ofRow;
        }
        dWindows[b * windowArea + k] = sum;
      }
      for (var k = thread; k < area; k = k + ${THREADS}) {
        let r = k / uniforms.width;
        let c = k % uniforms.width;
        let p = pointOf(y, r, uniforms.height, uniforms.windowsHeight);
        let q = pointOf(x, c, uniforms.width, uniforms.windowsWidth);
        let found = sampleAt(b, p, q);
        let d = dy[b * area + k];
        across = across + d * found.byColumn;
        acrossTimesCentre = acrossTimesCentre + d * found.byColumn * centre(c, uniforms.width);
        down = down + d * found.byRow;
        downTimesCentre = downTimesCentre + d * found.byRow * centre(r, uniforms.height);
      }
    }
    let byColumn = groupSum(across);
    let byColumnTimesCentre = groupSum(acrossTimesCentre);
    let byRow = groupSum(down);
    let byRowTimesCentre = groupSum(downTimesCentre);
    if (b < uniforms.batch && localIndex == 0u) {
      // points = (scale centre + shift + 1) side/2 - 1/2
      let perColumn = f32(uniforms.windowsWidth) * 0.5;
      let perRow = f32(uniforms.windowsHeight) * 0.5;
      let at = b * uniforms.numbers;
      if (uniforms.numbers == 3) {
        dAffine[at] = byColumnTimesCentre * perColumn + byRowTimesCentre * perRow;
      } else {
        dAffine[at] = byColumnTimesCentre * perColumn;
        dAffine[at + 2] = byRowTimesCentre * perRow;
      }
      dAffine[at + 1] = byColumn * perColumn;
      dAffine[at + uniforms.numbers - 1] = byRow * perRow;
    }
  }`;

export const airPlaceWindowsGrad: WebgpuKernel = (gpu, inputs, attrs) => {
  const { dy, windows, affine } = inputs;
  const [batch] = dy.shape;
  return gpu.run({
    ...{ reads: { dy, windows, affine }, writes: { dWindows: windows.shape, dAffine: affine.shape } },
    ...{ counts: { batch, ...sizesOf(dy.shape, inputs, attrs) }, code: PLACE_GRAD, threads: batch * THREADS },
  });
};
