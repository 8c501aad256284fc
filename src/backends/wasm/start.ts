/** Starts the wasm backend of tfjs in Node, with the kernels of air on it. */
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import * as tf from '@tensorflow/tfjs';
import { setWasmPaths } from '@tensorflow/tfjs-backend-wasm';
import { AirError, memoryFailure } from '../../errors.js';
import type { StartedBackend } from '../backend.js';
import type { WasmBackend } from './heap.js';
import type { RelaxedSimd } from './module.js';
import { registerWasmKernels } from './register.js';

/**
 * Makes 'wasm' the backend of tfjs in this thread: SIMD, one thread, kernels of air.
 *
 * @param relaxedSimd plain SIMD unless asked otherwise, so that the same seed gives the same bytes on every machine
 * @throws AirError (backendUnavailable)
 */
export async function startWasm({ relaxedSimd = 'off' }: { relaxedSimd?: RelaxedSimd } = {}): Promise<StartedBackend> {
  const folder = dirname(fileURLToPath(import.meta.resolve('@tensorflow/tfjs-backend-wasm')));
  const names = ['tfjs-backend-wasm.wasm', 'tfjs-backend-wasm-simd.wasm', 'tfjs-backend-wasm-threaded-simd.wasm'];
  setWasmPaths(Object.fromEntries(names.map((name) => [name, join(folder, name)])));
  const hasSimd = await tf.env().getAsync('WASM_HAS_SIMD_SUPPORT');
  if (!hasSimd) throw new AirError('backendUnavailable', 'wasm: this machine or this Node has no WebAssembly SIMD');
  await setBackend();
  const kernels = await registerWasmKernels(tf.backend() as unknown as WasmBackend, { relaxedSimd });
  const [simd, identity] = kernels.relaxedSimd ? ['relaxed SIMD', 'wasm-relaxed'] : ['SIMD', 'wasm'];
  const detail = `WebAssembly with ${simd}, kernels of air`;
  return { detail, device: 'cpu', identity, subBatch: 48, canThread: true, relaxedSimd: kernels.relaxedSimd };
}

/** tfjs says on the console why it cannot, and keeps that to itself. */
async function setBackend(): Promise<void> {
  const { warn } = console;
  const said: string[] = [];
  console.warn = (...words: unknown[]) => void said.push(words.join(' '));
  const isSet = await tf.setBackend('wasm').finally(() => {
    console.warn = warn;
  });
  if (isSet) return;
  const why = memoryFailure(new Error(said[0] ?? 'it does not say why'));
  if (why instanceof AirError) throw why;
  throw new AirError('backendUnavailable', `wasm: tfjs could not start its backend: ${(why as Error).message}`);
}
