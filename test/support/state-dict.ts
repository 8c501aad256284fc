/** The state_dict of Pyro's AIR example that the oracle was made with. */
import type { TensorData } from '#air/formats/safetensors.js';
import { oracles } from './oracle-file.js';

export const [PYRO] = oracles('pyro');

/** As a file of Pyro's holds it: the weights, the baseline's too, and the priors of z_where. */
export function stateDict(): Map<string, TensorData> {
  const params = [...PYRO.tensors].filter(([name]) => name.startsWith('param.'));
  return new Map(params.map(([name, tensor]) => [name.slice('param.'.length), structuredClone(tensor)]));
}

/** A tensor full of one number. */
export function F32(shape: number[], value: number): TensorData & { dtype: 'F32' } {
  const size = shape.reduce((product, side) => product * side, 1);
  return { dtype: 'F32', shape, data: new Float32Array(size).fill(value) };
}

/** A float's bits tell -0 from 0. */
export function bitsOf(data: ArrayBufferView | undefined): Uint32Array | undefined {
  return data && new Uint32Array(data.buffer.slice(data.byteOffset, data.byteOffset + data.byteLength));
}
