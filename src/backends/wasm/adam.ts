/** Adam for all weights on the wasm heap. */
import type { WasmKernel } from './heap.js';
import { moveWeights } from './optimiser.js';

export const airAdam: WasmKernel = (heap, inputs, attrs) => {
  const [rate, beta1, beta2] = [Number(attrs.rate), Number(attrs.beta1), Number(attrs.beta2)];
  const factors = [rate, beta1, 1 - beta1, beta2, 1 - beta2];
  const rest = [Number(attrs.epsilon), Number(attrs.correction1), Number(attrs.correction2)];
  return moveWeights(heap, inputs, [inputs.m, inputs.v], (...at) => heap.wasm.adam(...at, ...factors, ...rest));
};
