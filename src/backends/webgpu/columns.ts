/** Columns of matrices in WGSL, and parts of any tensor, which are columns of it as a matrix. */
import * as tf from '@tensorflow/tfjs';
import type { Gpu, WebgpuKernel } from './gpu.js';
import { columnsOf, sideBySide } from './stack.js';

export const airSplitColumns: WebgpuKernel = (gpu, { x }, attrs) => {
  const [rows, width] = x.shape;
  const left = Number(attrs.left);
  return columnsOf(gpu, x, rows, [left, width - left]);
};

export const airJoinColumns: WebgpuKernel = (gpu, { left, right }) => sideBySide(gpu, [left, right], left.shape[0]);

/** In place of tfjs's split, given its kernel, which takes a dispatch for each part: of numbers, all parts at once. */
export function splitAtOnce(gpu: Gpu, split: tf.KernelFunc): tf.KernelFunc {
  return (call) => {
    const x = call.inputs.x as tf.Tensor;
    const [axis] = tf.util.parseAxisParam(Number(call.attrs?.axis), x.shape);
    const sizes = tf.backend_util.prepareSplitSize(x, call.attrs?.numOrSizeSplits as number | number[], axis);
    if (x.dtype !== 'float32' || sizes.includes(0)) return split(call);
    const rows = tf.util.sizeFromShape(x.shape.slice(0, axis));
    const inner = tf.util.sizeFromShape(x.shape.slice(axis + 1));
    const widths = sizes.map((size) => size * inner);
    return columnsOf(gpu, x, rows, widths).map(({ dataId, dtype }, i) => {
      const shape = x.shape.map((side, at) => (at === axis ? sizes[i] : side));
      return { dataId, shape, dtype };
    });
  };
}
