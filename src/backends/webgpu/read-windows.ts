/** Reading windows in WGSL; windows are [B, h w]. */
import { groupSum } from './functions.js';
import { type Inputs, type Named, THREADS, type WebgpuKernel } from './gpu.js';
import { MAPS, sampler } from './sampling.js';

/** Where sample i of `n` looks along an axis: a scale that serves both is no less than the least. */
const READING = `
  ${MAPS}
  ${sampler('images')}
  fn scaleOf(axis : Axis) -> f32 {
    return select(axis.scale, max(axis.scale, uniforms.minScale), uniforms.numbers == 3);
  }
  fn pointOf(axis : Axis, i : i32, n : i32, side : i32) -> f32 {
    return toPixel((centre(i, n) - axis.shift) / scaleOf(axis), side);
  }`;

const READ = `
  ${READING}
  fn main(index : i32) {
    if (index < uniforms.count) {
      let area = uniforms.height * uniforms.width;
      let b = index / area;
      let i = (index % area) / uniforms.width;
      let j = index % uniforms.width;
      let p = pointOf(axisY(b), i, uniforms.height, uniforms.imagesHeight);
      let q = pointOf(axisX(b), j, uniforms.width, uniforms.imagesWidth);
      windows[index] = sampleAt(b, p, q).value;
    }
  }`;

function sizesOf({ images, affine }: Inputs, { height, width }: Named<unknown>): Named<number> {
  const [, imagesHeight, imagesWidth] = images.shape;
  return { imagesHeight, imagesWidth, numbers: affine.shape[1], height: Number(height), width: Number(width) };
}

export const airReadWindows: WebgpuKernel = (gpu, inputs, attrs) => {
  const { images, affine } = inputs;
  const shape = [images.shape[0], Number(attrs.height) * Number(attrs.width)];
  const count = shape[0] * shape[1];
  const [windows] = gpu.run({
    ...{ reads: { images, affine }, writes: { windows: shape } },
    ...{ counts: { count, ...sizesOf(inputs, attrs) }, numbers: { minScale: Number(attrs.minScale) } },
    ...{ code: READ, threads: count },
  });
  return windows;
};

/** A workgroup an image. points = ((centre - shift)/scale + 1) side/2 - 1/2 */
const READ_GRAD = `
  ${READING}
  ${groupSum(THREADS)}
  fn main(index : i32) {
    let b = index / ${THREADS};
    let area = uniforms.height * uniforms.width;
    let x = axisX(b);
    let y = axisY(b);
    // sums of the gradient by the sample's column and row, plain and times the distance from (x, y)
    var across = 0.0;
    var acrossTimesDistance = 0.0;
    var down = 0.0;
    var downTimesDistance = 0.0;
    if (b < uniforms.batch) {
      for (var k = index % ${THREADS}; k < area; k = k + ${THREADS}) {
        let i = k / uniforms.width;
        let j = k % uniforms.width;
        let p = pointOf(y, i, uniforms.height, uniforms.imagesHeight);
        let q = pointOf(x, j, uniforms.width, uniforms.imagesWidth);
        let found = sampleAt(b, p, q);
        let d = dy[b * area + k];
        across = across + d * found.byColumn;
        acrossTimesDistance = acrossTimesDistance + d * found.byColumn * (centre(j, uniforms.width) - x.shift);
        down = down + d * found.byRow;
        downTimesDistance = downTimesDistance + d * found.byRow * (centre(i, uniforms.height) - y.shift);
      }
    }
    let byColumn = groupSum(across);
    let byColumnTimesDistance = groupSum(acrossTimesDistance);
    let byRow = groupSum(down);
    let byRowTimesDistance = groupSum(downTimesDistance);
    if (b < uniforms.batch && localIndex == 0u) {
      let perColumn = f32(uniforms.imagesWidth) * 0.5 / scaleOf(x);
      let perRow = f32(uniforms.imagesHeight) * 0.5 / scaleOf(y);
      let ofX = -byColumnTimesDistance * perColumn / scaleOf(x);
      let ofY = -byRowTimesDistance * perRow / scaleOf(y);
      let at = b * uniforms.numbers;
      if (uniforms.numbers == 3) {
        dAffine[at] = select(0.0, ofX + ofY, x.scale > uniforms.minScale);
      } else {
        dAffine[at] = ofX;
        dAffine[at + 2] = ofY;
      }
      dAffine[at + 1] = -byColumn * perColumn;
      dAffine[at + uniforms.numbers - 1] = -byRow * perRow;
    }
  }`;

export const airReadWindowsGrad: WebgpuKernel = (gpu, inputs, attrs) => {
  const { dy, images, affine } = inputs;
  const [batch] = images.shape;
  const [dAffine] = gpu.run({
    ...{ reads: { dy, images, affine }, writes: { dAffine: affine.shape } },
    ...{ counts: { batch, ...sizesOf(inputs, attrs) }, numbers: { minScale: Number(attrs.minScale) } },
    ...{ code: READ_GRAD, threads: batch * THREADS },
  });
  return dAffine;
};
