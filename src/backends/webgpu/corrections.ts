/** Two kernels of tfjs's webgpu backend that give wrong numbers, put right. */
import * as tf from '@tensorflow/tfjs';
import { SOFTPLUS } from './functions.js';
import { sizeOf, type WebgpuBackend, type WebgpuKernel } from './gpu.js';

const PROGRAM = `
  ${SOFTPLUS}
  fn main(index : i32) {
    if (index < uniforms.count) { y[index] = softplus(x[index]); }
  }`;

/** tfjs takes log(e^x + 1), which is 6 % off at x = -14. */
export const softplus: WebgpuKernel = (gpu, { x }) => {
  const count = sizeOf(x);
  const [y] = gpu.run({ reads: { x }, writes: { y: x.shape }, counts: { count }, code: PROGRAM, threads: count });
  return y;
};

/** From here on tfjs may split the inner dimension of a product (`MatMulSplitKProgram`). */
const SPLIT_FROM = 2000;

/** `MatMulSmallOutputSizeProgram`: what tfjs takes for small products with a shorter inner dimension. */
const SMALL_OUTPUT = 2;

/** tfjs's product, given its kernel, but never split where that is wrong. */
export function unsplit(matMul: tf.KernelFunc): tf.KernelFunc {
  return (call) => {
    if (!mayBeSplit(call)) return matMul(call);
    const flags = tf.env();
    const before = flags.getNumber('WEBGPU_MATMUL_PROGRAM_TYPE');
    flags.set('WEBGPU_MATMUL_PROGRAM_TYPE', SMALL_OUTPUT);
    try {
      return matMul(call);
    } finally {
      flags.set('WEBGPU_MATMUL_PROGRAM_TYPE', before);
    }
  };
}

/** tfjs's split product reads a transposed right operand four columns at a time as if it were not transposed. */
function mayBeSplit({ inputs, attrs, backend }: Parameters<tf.KernelFunc>[0]): boolean {
  if (attrs?.transposeB !== true) return false;
  const [a, b] = [inputs.a, inputs.b].map((operand) => (operand as tf.TensorInfo).shape);
  const [columns, inner] = b.slice(-2);
  const rows = a[a.length - (attrs.transposeA === true ? 1 : 2)];
  const tiles = Math.ceil(rows / 32) * Math.ceil(columns / 32);
  return inner >= SPLIT_FROM && tiles <= 2 * (backend as WebgpuBackend).thresholdToIncreaseWorkgroups;
}
