/** z_where as sides and centres in WGSL, number by number: a few, but in plain ops each is a dozen dispatches. */
import type * as tf from '@tensorflow/tfjs';
import { MAX_SIDE, MIN_SIDE } from '../../core/ops/sides.js';
import { SIGMOID, TANH } from './functions.js';
import { type Gpu, type Inputs, sizeOf, type WebgpuKernel } from './gpu.js';

/** One number of a tensor of the shape of the first one given. */
function numberByNumber(gpu: Gpu, reads: Inputs, functions: string, body: string): tf.TensorInfo {
  const [first] = Object.values(reads);
  const code = `
  ${functions}
  fn main(index : i32) {
    if (index >= uniforms.count) { return; }
    let column = index % uniforms.width;
    ${body}
  }`;
  const { shape } = first;
  const [count, width] = [sizeOf(first), shape[1]];
  const [y] = gpu.run({ reads, writes: { y: shape }, counts: { count, width }, code, threads: count });
  return y;
}

/** A head is a logit, (side, centre) of both axes, and raw scales. */
const IS_LOC = 'column >= 1 && column <= 4';
const IS_SIDE = 'column % 2 == 1';

export const airSquashSides: WebgpuKernel = (gpu, { head }) =>
  numberByNumber(
    gpu,
    { head },
    SIGMOID + TANH,
    `let x = head[index];
    y[index] = select(x, select(tangent(x), sigmoid(x), ${IS_SIDE}), ${IS_LOC});`,
  );

export const airSquashSidesGrad: WebgpuKernel = (gpu, { dy, squashed }) =>
  numberByNumber(
    gpu,
    { dy, squashed },
    '',
    `let x = squashed[index];
    let slope = select(1.0 - x * x, x * (1.0 - x), ${IS_SIDE});
    y[index] = dy[index] * select(1.0, slope, ${IS_LOC});`,
  );

/** A side whose size is held within its bounds; 0 counts as positive. */
const HELD = `
  fn held(side : f32) -> f32 {
    let size = clamp(abs(side), f32(${MIN_SIDE}), f32(${MAX_SIDE}));
    return select(size, -size, side < 0.0);
  }`;

export const airSidesToAffine: WebgpuKernel = (gpu, { sides }) =>
  numberByNumber(
    gpu,
    { sides },
    HELD,
    `let side = held(sides[index - column % 2]);
    y[index] = select(-sides[index] / side, 1.0 / side, column % 2 == 0);`,
  );

export const airSidesToAffineGrad: WebgpuKernel = (gpu, { dy, sides }) =>
  numberByNumber(
    gpu,
    { dy, sides },
    HELD,
    `let at = index - column % 2;
    let side = held(sides[at]);
    let bySide = (dy[at + 1] * sides[at + 1] - dy[at]) / (side * side);
    let isFree = sides[at] == side;
    y[index] = select(-dy[at + 1] / side, select(0.0, bySide, isFree), column % 2 == 0);`,
  );
