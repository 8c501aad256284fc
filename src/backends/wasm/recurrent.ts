/** The LSTM cell on the wasm heap. */
import type { WasmKernel } from './heap.js';

export const airLstmCell: WasmKernel = (heap, { x, h, c, weightIh, weightHh, biasIh, biasHh }) => {
  const [batch, inputs] = x.shape;
  const hidden = h.shape[1];
  const state = [batch, hidden];
  const from = [
    heap.at(x, [batch, inputs]),
    heap.at(h, state),
    heap.at(c, state),
    heap.at(weightIh, [4 * hidden, inputs]),
    heap.at(weightHh, [4 * hidden, hidden]),
    heap.at(biasIh, [4 * hidden]),
    heap.at(biasHh, [4 * hidden]),
  ];
  const [hNext, cNext, gates] = [heap.output(state), heap.output(state), heap.output([batch, 4 * hidden])];
  const to = [heap.at(hNext, state), heap.at(cNext, state), heap.at(gates, [batch, 4 * hidden])];
  const scratch = heap.scratch(heap.wasm.lstmScratchBytes(batch, inputs, hidden));
  heap.wasm.lstmCell(...from, ...to, batch, inputs, hidden, scratch);
  return [hNext, cNext, gates];
};

export const airLstmCellGrad: WasmKernel = (heap, { dh, dc, gates, c, cNext, x, h }) => {
  const [batch, inputs] = x.shape;
  const hidden = h.shape[1];
  const [state, wide] = [
    [batch, hidden],
    [batch, 4 * hidden],
  ];
  const from = [heap.at(dh, state), heap.at(dc, state), heap.at(gates, wide), heap.at(c, state), heap.at(cNext, state)];
  const [xAt, hAt] = [heap.at(x, [batch, inputs]), heap.at(h, state)];
  const [dPre, dcPrevious] = [heap.output(wide), heap.output(state)];
  const dWeightIh = heap.output([4 * hidden, inputs]);
  const dWeightHh = heap.output([4 * hidden, hidden]);
  const dBias = heap.output([4 * hidden]);
  const dPreAt = heap.at(dPre, wide);
  heap.wasm.lstmCellGrad(...from, dPreAt, heap.at(dcPrevious, state), batch, hidden);
  const scratch = heap.scratch(heap.wasm.weightGradScratchBytes(batch, Math.max(inputs, hidden), 4 * hidden));
  const dIhAt = heap.at(dWeightIh, dWeightIh.shape);
  const dHhAt = heap.at(dWeightHh, dWeightHh.shape);
  heap.wasm.weightGrads(dPreAt, batch, 4 * hidden, xAt, inputs, dIhAt, hAt, hidden, dHhAt, scratch);
  heap.wasm.columnSums(dPreAt, heap.at(dBias, [4 * hidden]), batch, 4 * hidden);
  return [dPre, dcPrevious, dWeightIh, dWeightHh, dBias];
};
