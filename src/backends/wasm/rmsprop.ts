/** RMSProp for all weights on the wasm heap. */
import type { WasmKernel } from './heap.js';
import { moveWeights } from './optimiser.js';

export const airRmsprop: WasmKernel = (heap, inputs, attrs) => {
  const decay = Number(attrs.decay);
  const factors = [Number(attrs.rate), decay, 1 - decay, Number(attrs.momentum), Number(attrs.epsilon)];
  const moments = [inputs.mean, inputs.square, inputs.move];
  return moveWeights(heap, inputs, moments, (...at) => heap.wasm.rmsprop(...at, ...factors));
};
