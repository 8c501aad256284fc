/** Several tensors as one: one after the other, or added up. */
import type * as tf from '@tensorflow/tfjs';
import { BUFFERS_ANYWHERE, type Gpu, type Named, sizeOf } from './gpu.js';

/** NAME0, NAME1, ... */
export function numberedReads(name: string, tensors: readonly tf.TensorInfo[]): Named<tf.TensorInfo> {
  return Object.fromEntries(tensors.map((tensor, i) => [`${name}${i}`, tensor]));
}

/** Tensors beside the one that is written. */
const MOST = BUFFERS_ANYWHERE - 1;

/**
 * Matrices of as many rows side by side, [rows, their columns together].
 *
 * @param rows what has other axes, or one, is taken as so many rows
 */
export function sideBySide(gpu: Gpu, tensors: readonly tf.TensorInfo[], rows: number): tf.TensorInfo {
  const widths = tensors.map((tensor) => sizeOf(tensor) / rows);
  const joined = gpu.make([rows, widths.reduce((sum, width) => sum + width, 0)]);
  for (let first = 0, start = 0; first < tensors.length; first += MOST) {
    const parts = tensors.slice(first, first + MOST);
    const partWidths = widths.slice(first, first + MOST);
    const width = partWidths.reduce((sum, part) => sum + part, 0);
    // from the last part to the first, each where it begins
    const choose = parts.map((_, i) => {
      const begin = partWidths.slice(0, i).map((_, before) => `uniforms.width${before}`);
      const [from, value] = [begin.join(' + ') || '0', `part${i}[row * uniforms.width${i} + column - begin${i}]`];
      return `let begin${i} = ${from}; if (column >= begin${i} && column < begin${i} + uniforms.width${i}) { value = ${value}; }`;
    });
    const code = `
    fn main(index : i32) {
      if (index < uniforms.count) {
        let row = index / uniforms.width;
        let column = index % uniforms.width;
        var value = 0.0;
        ${choose.join('\n')}
        joined[row * uniforms.across + uniforms.start + column] = value;
      }
    }`;
    const ofParts = Object.fromEntries(partWidths.map((part, i) => [`width${i}`, part]));
    const count = rows * width;
    gpu.run({
      ...{ reads: numberedReads('part', parts), writes: { joined } },
      ...{ counts: { count, width, start, across: joined.shape[1], ...ofParts }, code, threads: count },
    });
    start += width;
  }
  return joined;
}

/** Back again: columns of a matrix of so many rows, [rows, width] for each of the widths, which make up its columns. */
export function columnsOf(gpu: Gpu, x: tf.TensorInfo, rows: number, widths: readonly number[]): tf.TensorInfo[] {
  const across = sizeOf(x) / rows;
  const all: tf.TensorInfo[] = [];
  for (let first = 0, start = 0; first < widths.length; first += MOST) {
    const here = widths.slice(first, first + MOST);
    const width = here.reduce((sum, part) => sum + part, 0);
    const choose = here.map(
      (_, i) => `
        if (column < uniforms.width${i}) { part${i}[row * uniforms.width${i} + column] = value; return; }
        column = column - uniforms.width${i};`,
    );
    const code = `
    fn main(index : i32) {
      if (index < uniforms.count) {
        let row = index / uniforms.width;
        var column = index % uniforms.width;
        let value = x[row * uniforms.across + uniforms.start + column];
        ${choose.join('')}
      }
    }`;
    const ofParts = Object.fromEntries(here.map((part, i) => [`width${i}`, part]));
    const count = rows * width;
    const parts = gpu.run({
      reads: { x },
      writes: Object.fromEntries(here.map((part, i) => [`part${i}`, [rows, part]])),
      ...{ counts: { count, width, start, across, ...ofParts }, code, threads: count },
    });
    all.push(...parts);
    start += width;
  }
  return all;
}

/** Tensors of one shape one after the other along their first axis, [all rows, the rest]. */
export function stacked(gpu: Gpu, tensors: readonly tf.TensorInfo[]): tf.TensorInfo {
  const { dataId, shape, dtype } = sideBySide(gpu, tensors, 1);
  const rows = tensors.reduce((sum, tensor) => sum + tensor.shape[0], 0);
  return { dataId, shape: [rows, shape[1] / rows], dtype };
}

/** The sum of tensors of one shape, a new tensor, unless it is just one. */
export function total(gpu: Gpu, tensors: readonly tf.TensorInfo[]): tf.TensorInfo {
  const [first, ...others] = tensors;
  if (others.length === 0) return gpu.share(first);
  const parts = tensors.slice(0, MOST);
  const count = sizeOf(first);
  const code = `
  fn main(index : i32) {
    if (index < uniforms.count) { sum[index] = ${parts.map((_, i) => `part${i}[index]`).join(' + ')}; }
  }`;
  const [sum] = gpu.run({
    ...{ reads: numberedReads('part', parts), writes: { sum: first.shape } },
    ...{ counts: { count }, code, threads: count },
  });
  if (tensors.length <= MOST) return sum;
  const all = total(gpu, [sum, ...tensors.slice(MOST)]);
  gpu.release(sum);
  return all;
}

/** At most so many tensors whose sum is that of all of them, and what of it is to be released. */
export function atMost(
  gpu: Gpu,
  count: number,
  tensors: readonly tf.TensorInfo[],
): { tensors: tf.TensorInfo[]; own: tf.TensorInfo[] } {
  if (tensors.length <= count) return { tensors: [...tensors], own: [] };
  const rest = total(gpu, tensors.slice(count - 1));
  return { tensors: [...tensors.slice(0, count - 1), rest], own: [rest] };
}
