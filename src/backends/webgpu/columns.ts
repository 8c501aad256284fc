/** Columns of matrices in WGSL. */
import { sizeOf, type WebgpuKernel } from './gpu.js';
import { sideBySide } from './stack.js';

const SPLIT = `
  fn main(index : i32) {
    if (index < uniforms.count) {
      let row = index / uniforms.width;
      let column = index % uniforms.width;
      if (column < uniforms.leftWidth) { left[row * uniforms.leftWidth + column] = x[index]; }
      else { right[row * (uniforms.width - uniforms.leftWidth) + column - uniforms.leftWidth] = x[index]; }
    }
  }`;

export const airSplitColumns: WebgpuKernel = (gpu, { x }, attrs) => {
  const [rows, width] = x.shape;
  const leftWidth = Number(attrs.left);
  const writes = { left: [rows, leftWidth], right: [rows, width - leftWidth] };
  const count = sizeOf(x);
  return gpu.run({ reads: { x }, writes, counts: { count, width, leftWidth }, code: SPLIT, threads: count });
};

export const airJoinColumns: WebgpuKernel = (gpu, { left, right }) => sideBySide(gpu, [left, right], left.shape[0]);
