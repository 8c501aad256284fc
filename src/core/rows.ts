/** Rows of tensors on the host. */
import type * as tf from '@tensorflow/tfjs';

/** Rows of a [B, D] tensor, one in memory with the others: for what is not kept. */
export async function viewRows(tensor: tf.Tensor): Promise<Float32Array[]> {
  const values = (await tensor.data()) as Float32Array;
  const width = values.length / tensor.shape[0];
  return Array.from({ length: tensor.shape[0] }, (_, b) => values.subarray(b * width, (b + 1) * width));
}

/** The same, each in memory of its own. */
export async function copyRows(tensor: tf.Tensor): Promise<Float32Array[]> {
  return (await viewRows(tensor)).map((row) => row.slice());
}
