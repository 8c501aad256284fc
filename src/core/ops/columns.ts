/** Columns of a matrix, and columns side by side. */
import type * as tf from '@tensorflow/tfjs';
import { defineOp } from './op.js';

const splitColumnsOp = defineOp<{ x: tf.Tensor2D }, { left: number }, [left: tf.Tensor2D, right: tf.Tensor2D]>({
  name: 'AirSplitColumns',
  composite: (ops, { x }, { left }) => {
    const [a, b] = ops.split(x, [left, x.shape[1] - left], 1);
    return [a, b];
  },
});

/** [B, D] -> its first columns [B, left], and the others [B, D - left]; there are some of both. */
export function splitColumns(x: tf.Tensor2D, left: number): [left: tf.Tensor2D, right: tf.Tensor2D] {
  return splitColumnsOp({ x }, { left });
}

const joinColumnsOp = defineOp<{ left: tf.Tensor2D; right: tf.Tensor2D }, Record<string, never>, [tf.Tensor2D]>({
  name: 'AirJoinColumns',
  composite: (ops, { left, right }) => [ops.concat([left, right], 1)],
});

/** [B, D] and [B, E] -> [B, D + E] */
export function joinColumns(left: tf.Tensor2D, right: tf.Tensor2D): tf.Tensor2D {
  return joinColumnsOp({ left, right }, {})[0];
}
