/** Registers the kernels of air with tfjs, by the names core/ gives its ops. */
import * as tf from '@tensorflow/tfjs';
import { Heap, type Inputs, type WasmBackend, type WasmKernel } from './heap.js';
import { airDense, airDenseGrad, airMatMul } from './matrix.js';
import { loadKernels, type RelaxedSimd } from './module.js';

const KERNELS: { readonly [name: string]: WasmKernel } = {
  AirMatMul: airMatMul,
  AirDense: airDense,
  AirDenseGrad: airDenseGrad,
};

/**
 * Gives a running wasm backend the kernels of air. Each call makes kernels of its own for the backend given, and
 * registers them in place of those before.
 *
 * @returns whether the kernels use relaxed SIMD, whose last bits may differ between machines
 * @throws AirError (backendUnavailable) if relaxed SIMD is 'on' and the engine has none
 */
export async function registerWasmKernels(
  backend: WasmBackend,
  options: { relaxedSimd: RelaxedSimd },
): Promise<{ relaxedSimd: boolean }> {
  const { exports, relaxedSimd } = await loadKernels(backend.wasm.asm.memory, options.relaxedSimd);
  const heap = new Heap(backend, exports);
  for (const [kernelName, kernel] of Object.entries(KERNELS)) {
    if (tf.getKernel(kernelName, 'wasm')) tf.unregisterKernel(kernelName, 'wasm');
    tf.registerKernel({
      kernelName,
      backendName: 'wasm',
      kernelFunc: ({ inputs, attrs }) => kernel(heap, inputs as Inputs, attrs ?? {}),
    });
  }
  return { relaxedSimd };
}
