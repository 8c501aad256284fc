/** Starts the wasm backend of tfjs in Node, with the kernels of air on it. */
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import * as tf from '@tensorflow/tfjs';
import { setWasmPaths } from '@tensorflow/tfjs-backend-wasm';
import { AirError } from '../../errors.js';
import type { WasmBackend } from './heap.js';
import { registerWasmKernels } from './kernels.js';
import type { RelaxedSimd } from './module.js';

/**
 * Makes 'wasm' the backend of tfjs in this thread: SIMD, one thread, kernels of air.
 *
 * @param relaxedSimd plain SIMD unless asked otherwise, so that the same seed gives the same bytes on every machine
 * @returns whether relaxed SIMD is in use
 * @throws AirError (backendUnavailable)
 */
export async function startWasm({ relaxedSimd = 'off' }: { relaxedSimd?: RelaxedSimd } = {}): Promise<{
  relaxedSimd: boolean;
}> {
  const folder = dirname(fileURLToPath(import.meta.resolve('@tensorflow/tfjs-backend-wasm')));
  const names = ['tfjs-backend-wasm.wasm', 'tfjs-backend-wasm-simd.wasm', 'tfjs-backend-wasm-threaded-simd.wasm'];
  setWasmPaths(Object.fromEntries(names.map((name) => [name, join(folder, name)])));
  const hasSimd = await tf.env().getAsync('WASM_HAS_SIMD_SUPPORT');
  if (!hasSimd) throw new AirError('backendUnavailable', 'wasm: this machine or this Node has no WebAssembly SIMD');
  if (!(await tf.setBackend('wasm')))
    throw new AirError('backendUnavailable', 'wasm: tfjs could not start its backend');
  return registerWasmKernels(tf.backend() as unknown as WasmBackend, { relaxedSimd });
}
