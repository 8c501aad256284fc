/** Likelihoods of images and what canvases leave of them, in WGSL. */
import type * as tf from '@tensorflow/tfjs';
import { groupSum } from './functions.js';
import { type Gpu, type Inputs, type Named, sizeOf, THREADS, type WebgpuKernel } from './gpu.js';

/** A canvas is taken to lie this far within 0..1, as in core/ops/image.ts. */
const HELD = `
  const low = 1e-6;
  const high = 1.0 - 1e-6;
  fn held(c : f32) -> f32 { return select(select(high, c, c < high), low, c < low); }`;

/** Sums over the pixels of each image of `term`, WGSL of x and c: [B, 1], times `factor`, plus `constant`. */
function sumOfPixels(
  gpu: Gpu,
  { images, canvas }: Inputs,
  { functions, term }: { functions: string; term: string },
  numbers: { factor: number; constant: number },
): tf.TensorInfo {
  const [batch, ...sides] = images.shape;
  const pixels = sides[0] * sides[1];
  const code = `
  ${functions}
  ${groupSum(THREADS)}
  fn main(index : i32) {
    let b = index / ${THREADS};
    var ofThread = 0.0;
    if (b < uniforms.batch) {
      for (var i = index % ${THREADS}; i < uniforms.pixels; i = i + ${THREADS}) {
        let x = images[b * uniforms.pixels + i];
        let c = canvas[b * uniforms.pixels + i];
        ofThread = ofThread + ${term};
      }
    }
    let sum = groupSum(ofThread);
    if (b < uniforms.batch && localIndex == 0u) { logLik[b] = sum * uniforms.factor + uniforms.constant; }
  }`;
  const [logLik] = gpu.run({
    ...{ reads: { images, canvas }, writes: { logLik: [batch, 1] }, counts: { batch, pixels }, numbers },
    ...{ code, threads: batch * THREADS },
  });
  return logLik;
}

/** dy [B, 1] times `slope`, WGSL of x and c, at each pixel, on top of `later`. */
function gradOfPixels(
  gpu: Gpu,
  { dy, images, canvas, later }: Inputs,
  { functions, slope }: { functions: string; slope: string },
  numbers: Named<number> = {},
): tf.TensorInfo {
  const [, height, width] = images.shape;
  const code = `
  ${functions}
  fn main(index : i32) {
    if (index < uniforms.count) {
      let x = images[index];
      let c = canvas[index];
      dCanvas[index] = ${later === undefined ? '' : 'later[index] + '}dy[index / uniforms.pixels] * (${slope});
    }
  }`;
  const count = sizeOf(images);
  const added: Named<tf.TensorInfo> = later === undefined ? {} : { later };
  const [dCanvas] = gpu.run({
    ...{ reads: { dy, images, canvas, ...added }, writes: { dCanvas: images.shape }, numbers },
    ...{ counts: { count, pixels: height * width }, code, threads: count },
  });
  return dCanvas;
}

export const airImageLogLik: WebgpuKernel = (gpu, inputs, attrs) => {
  const [, height, width] = inputs.images.shape;
  const sd = Number(attrs.sd);
  const constant = -height * width * Math.log(sd * Math.sqrt(2 * Math.PI));
  const squares = { functions: '', term: '(x - c) * (x - c)' };
  return sumOfPixels(gpu, inputs, squares, { factor: -1 / (2 * sd ** 2), constant });
};

export const airImageLogLikGrad: WebgpuKernel = (gpu, inputs, attrs) =>
  gradOfPixels(
    gpu,
    inputs,
    { functions: '', slope: 'uniforms.weight * (x - c)' },
    { weight: 1 / Number(attrs.sd) ** 2 },
  );

export const airBernoulliLogLik: WebgpuKernel = (gpu, inputs) => {
  const term = 'x * log(held(c)) + (1.0 - x) * log(1.0 - held(c))';
  return sumOfPixels(gpu, inputs, { functions: HELD, term }, { factor: 1, constant: 0 });
};

export const airBernoulliLogLikGrad: WebgpuKernel = (gpu, inputs) => {
  // nothing where the canvas is held back
  const slope = 'select(0.0, (x - held(c)) / (held(c) * (1.0 - held(c))), low < c && c < high)';
  return gradOfPixels(gpu, inputs, { functions: HELD, slope });
};

const RESIDUAL = `
  fn main(index : i32) {
    if (index < uniforms.count) {
      let b = index / (uniforms.down * uniforms.across);
      let square = index % (uniforms.down * uniforms.across);
      let top = (square / uniforms.across) * uniforms.pool;
      let left = (square % uniforms.across) * uniforms.pool;
      var sum = 0.0;
      for (var r = top; r < top + uniforms.pool; r = r + 1) {
        for (var c = left; c < left + uniforms.pool; c = c + 1) {
          let at = (b * uniforms.height + r) * uniforms.width + c;
          sum = sum + (images[at] - canvas[at]);
        }
      }
      rest[index] = sum / f32(uniforms.pool * uniforms.pool);
    }
  }`;

export const airResidual: WebgpuKernel = (gpu, { images, canvas }, attrs) => {
  const [batch, height, width] = images.shape;
  const pool = Number(attrs.pool);
  const [down, across] = [Math.floor(height / pool), Math.floor(width / pool)];
  const count = batch * down * across;
  const [rest] = gpu.run({
    ...{ reads: { images, canvas }, writes: { rest: [batch, down * across] } },
    ...{ counts: { count, down, across, pool, height, width }, code: RESIDUAL, threads: count },
  });
  return rest;
};
