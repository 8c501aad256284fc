/** The gradient of the ELBO, on the wasm heap. */
import type { WasmKernel } from './heap.js';

export const airEnumeratedElboGrad: WasmKernel = (heap, inputs, attrs) => {
  const { zPresLogits, logLik, whereKl, whatKl, countWeights } = inputs;
  const [batch, steps] = zPresLogits.shape;
  const [each, counts] = [
    [batch, steps],
    [batch, steps + 1],
  ];
  const passed = [heap.at(zPresLogits, each), heap.at(logLik, counts), heap.at(whereKl, each), heap.at(whatKl, each)];
  const from = [...passed, heap.atIfAny(countWeights, counts)];
  const [dLogits, dLogLik, dKl] = [heap.output(each), heap.output(counts), heap.output(each)];
  const to = [heap.at(dLogits, each), heap.at(dLogLik, counts), heap.at(dKl, each)];
  // room for the work on one image, then log p(n) in float64
  const work = heap.scratch(heap.wasm.elboScratchBytes(steps) + 8 * (steps + 1));
  const logPrior = work + heap.wasm.elboScratchBytes(steps);
  heap.writeFloat64(logPrior, attrs.logPrior as number[]);
  heap.wasm.enumeratedElboGrad(...from, logPrior, Number(attrs.scale), ...to, batch, steps, work);
  return [dLogits, dLogLik, dKl];
};
