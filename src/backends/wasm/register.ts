/** Registers the kernels of air with tfjs, by the names core/ gives its ops. */
import type * as tf from '@tensorflow/tfjs';
import { registerOwnKernel } from '../../core/ops/op.js';
import { airAccumulate } from './accumulate.js';
import { airAdam } from './adam.js';
import { airJoinColumns, airSplitColumns } from './columns.js';
import { airEnumeratedElboGrad } from './elbo.js';
import { Heap, type Inputs, type WasmBackend, type WasmKernel, watchHeap } from './heap.js';
import {
  airBernoulliLogLik,
  airBernoulliLogLikGrad,
  airImageLogLik,
  airImageLogLikGrad,
  airResidual,
} from './image.js';
import { airLinearGrad, airMlp, airMlpGrad, hasActivations, matMul } from './linear.js';
import { airLstmCell, airLstmCellGrad } from './lstm.js';
import { loadKernels, type RelaxedSimd } from './module.js';
import { airNormalHead, airNormalHeadGrad } from './normal.js';
import { airPlaceWindows, airPlaceWindowsGrad } from './place-windows.js';
import { airReadWindows, airReadWindowsGrad } from './read-windows.js';
import { airRmsprop } from './rmsprop.js';

/** A kernel for all calls of an op, or for those whose attributes it handles: composites run the others. */
type Entry = WasmKernel | { kernel: WasmKernel; handles(attrs: tf.NamedAttrMap): boolean };

const KERNELS: { readonly [name: string]: Entry } = {
  AirMlp: { kernel: airMlp, handles: hasActivations },
  AirMlpGrad: { kernel: airMlpGrad, handles: hasActivations },
  AirLinearGrad: airLinearGrad,
  AirLstmCell: airLstmCell,
  AirLstmCellGrad: airLstmCellGrad,
  AirReadWindows: airReadWindows,
  AirReadWindowsGrad: airReadWindowsGrad,
  AirPlaceWindows: airPlaceWindows,
  AirPlaceWindowsGrad: airPlaceWindowsGrad,
  AirImageLogLik: airImageLogLik,
  AirImageLogLikGrad: airImageLogLikGrad,
  AirBernoulliLogLik: airBernoulliLogLik,
  AirBernoulliLogLikGrad: airBernoulliLogLikGrad,
  AirResidual: airResidual,
  AirNormalHead: airNormalHead,
  AirNormalHeadGrad: airNormalHeadGrad,
  AirEnumeratedElboGrad: airEnumeratedElboGrad,
  AirSplitColumns: airSplitColumns,
  AirJoinColumns: airJoinColumns,
  AirAdam: airAdam,
  AirRmsprop: airRmsprop,
  AirAccumulate: airAccumulate,

  // In place of tfjs's own. Its product keeps a packed copy of the right operand by tensor id, so that after an update
  // in place it goes on multiplying by the old numbers; and it is twenty times slower on transposed operands.
  BatchMatMul: matMul,
  // Its clone copies.
  Identity: (heap, { x }) => heap.share(x),
};

/** Which heap the kernels of a backend instance use now. */
const heaps = new WeakMap<WasmBackend, Heap>();

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
  if (!heaps.has(backend)) watchHeap(backend);
  heaps.get(backend)?.release();
  heaps.set(backend, heap);
  for (const [name, entry] of Object.entries(KERNELS)) {
    const { kernel, handles } = typeof entry === 'function' ? { kernel: entry, handles: undefined } : entry;
    registerOwnKernel(name, 'wasm', {
      kernelFunc: ({ inputs, attrs }) => kernel(heap, inputs as Inputs, attrs ?? {}),
      handles,
    });
  }
  return { relaxedSimd };
}
