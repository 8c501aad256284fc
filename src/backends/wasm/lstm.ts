/** The LSTM cell on the wasm heap. */
import type { TensorInfo } from '@tensorflow/tfjs';
import { listed } from '../../core/ops/op.js';
import { atMost, type WasmKernel } from './heap.js';
import { multiply } from './linear.js';

export const airLstmCell: WasmKernel = (heap, inputs) => {
  const { h, c, start, weightIh, weightHh, biasIh, biasHh } = inputs;
  const [batch, hidden] = h.shape;
  const [wide, width] = weightIh.shape;
  const state = [batch, hidden];
  const [hNext, cNext] = [heap.output(state), heap.output(state)];
  const [gates, x] = [heap.output([batch, wide]), heap.output([batch, width])];
  const xAt = heap.at(x, x.shape);
  let column = 0;
  for (const part of listed<TensorInfo>(inputs, 'x')) {
    const bytes = 4 * part.shape[1];
    heap.wasm.copyRows(heap.at(part, [batch, part.shape[1]]), bytes, xAt + 4 * column, 4 * width, batch, bytes);
    column += part.shape[1];
  }
  const from = [
    heap.at(h, state),
    heap.at(c, state),
    heap.at(weightIh, [4 * hidden, column]),
    heap.at(weightHh, [4 * hidden, hidden]),
    heap.at(biasIh, [4 * hidden]),
    heap.at(biasHh, [4 * hidden]),
    heap.atIfAny(start, [batch, wide]),
  ];
  const to = [heap.at(hNext, state), heap.at(cNext, state), heap.at(gates, gates.shape)];
  const scratch = heap.scratch(heap.wasm.lstmScratchBytes(batch, width, hidden));
  heap.wasm.lstmCell(xAt, ...from, ...to, batch, width, hidden, scratch);
  return [hNext, cNext, gates, x];
};

export const airLstmCellGrad: WasmKernel = (heap, inputs, attrs) => {
  const { dc, gates, c, cNext, weightIh, weightHh } = inputs;
  const [batch, hidden] = c.shape;
  const [wide, width] = weightIh.shape;
  const state = [batch, hidden];
  const [dh, dhMore] = atMost(2, listed<TensorInfo>(inputs, 'dh'));
  const from = [heap.at(dh, state), heap.atIfAny(dhMore, state), heap.atIfAny(dc, state)];
  const saved = [heap.at(gates, [batch, wide]), heap.at(c, state), heap.at(cNext, state)];
  const [dPre, dhBefore, dcBefore] = [heap.output([batch, wide]), heap.output(state), heap.output(state)];
  const dPreAt = heap.at(dPre, dPre.shape);
  heap.wasm.lstmCellGrad(...from, ...saved, dPreAt, heap.at(dcBefore, state), batch, hidden);
  const at = { a: dPreAt, b: heap.at(weightHh, [wide, hidden]), out: heap.at(dhBefore, state) };
  multiply(heap, at, [batch, wide, hidden]);

  const product = heap.wasm.gemmScratchBytes(batch, width, wide, false);
  const scratch = heap.scratch(product + 4 * batch * width);
  const dxAt = scratch + product;
  const sizes = attrs.sizes as number[];
  if (sizes.length === 0) return [dPre, dhBefore, dcBefore];
  heap.wasm.gemm(dPreAt, heap.at(weightIh, [wide, width]), dxAt, batch, width, wide, false, false, scratch);
  let column = 0;
  const parts = sizes.map((size) => {
    const part = heap.output([batch, size]);
    heap.wasm.copyRows(dxAt + 4 * column, 4 * width, heap.at(part, part.shape), 4 * size, batch, 4 * size);
    column += size;
    return part;
  });
  return [dPre, dhBefore, dcBefore, ...parts];
};
