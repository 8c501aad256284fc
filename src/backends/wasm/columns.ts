/** Columns of matrices on the wasm heap: rows of bytes are copied there, where tfjs would take them through JavaScript. */
import type { WasmKernel } from './heap.js';

export const airSplitColumns: WasmKernel = (heap, { x }, attrs) => {
  const [rows, columns] = x.shape;
  const left = Number(attrs.left);
  const from = heap.at(x, x.shape);
  return [
    { start: 0, width: left },
    { start: left, width: columns - left },
  ].map(({ start, width }) => {
    const part = heap.output([rows, width]);
    heap.wasm.copyRows(from + 4 * start, 4 * columns, heap.at(part, part.shape), 4 * width, rows, 4 * width);
    return part;
  });
};

export const airJoinColumns: WasmKernel = (heap, { left, right }) => {
  const [rows] = left.shape;
  const columns = left.shape[1] + right.shape[1];
  const joined = heap.output([rows, columns]);
  const to = heap.at(joined, joined.shape);
  let start = 0;
  for (const part of [left, right]) {
    const bytes = 4 * part.shape[1];
    heap.wasm.copyRows(heap.at(part, [rows, part.shape[1]]), bytes, to + start, 4 * columns, rows, bytes);
    start += bytes;
  }
  return joined;
};
