/** Rows of tensors on the host. */
import * as tf from '@tensorflow/tfjs';

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

/** Several tensors [B, any] image by image: for each of the B, its row of every tensor. Disposes the tensors. */
export async function takeRows<Name extends string>(
  tensors: { readonly [name in Name]: tf.Tensor },
): Promise<{ [name in Name]: Float32Array }[]> {
  const names = Object.keys(tensors) as Name[];
  const columns = await Promise.all(names.map((name) => copyRows(tensors[name])));
  tf.dispose(names.map((name) => tensors[name]));
  const rowOf = (b: number) => Object.fromEntries(names.map((name, k) => [name, columns[k][b]]));
  return columns[0].map((_, b) => rowOf(b) as { [name in Name]: Float32Array });
}
