/** Registers the shaders of air with tfjs, by the names core/ gives its ops. */
import * as tf from '@tensorflow/tfjs';
import { registerOwnKernel } from '../../core/ops/op.js';
import { airAccumulate } from './accumulate.js';
import { airAdam } from './adam.js';
import { airJoinColumns, airSplitColumns, splitAtOnce } from './columns.js';
import { softplus, unsplit } from './corrections.js';
import { airEnumeratedElboGrad } from './elbo.js';
import { Gpu, type Inputs, type WebgpuBackend, type WebgpuKernel } from './gpu.js';
import {
  airBernoulliLogLik,
  airBernoulliLogLikGrad,
  airImageLogLik,
  airImageLogLikGrad,
  airResidual,
} from './image.js';
import { airLinearGrad, airMlp, airMlpGrad, hasActivations } from './linear.js';
import { airLstmCell, airLstmCellGrad, hasRoomForParts } from './lstm.js';
import { airNormalHead, airNormalHeadGrad } from './normal.js';
import { airPlaceWindows, airPlaceWindowsGrad } from './place-windows.js';
import { airReadWindows, airReadWindowsGrad } from './read-windows.js';
import { airRmsprop, RMSPROP_BUFFERS } from './rmsprop.js';
import { airSidesToAffine, airSidesToAffineGrad, airSquashSides, airSquashSidesGrad } from './sides.js';

/** A kernel for all calls of an op, or for those that it handles, by their attributes or the device: composites run the others. */
type Entry = WebgpuKernel | { kernel: WebgpuKernel; handles(attrs: tf.NamedAttrMap, gpu: Gpu): boolean };

const KERNELS: { readonly [name: string]: Entry } = {
  AirMlp: { kernel: airMlp, handles: hasActivations },
  AirMlpGrad: { kernel: airMlpGrad, handles: hasActivations },
  AirLinearGrad: airLinearGrad,
  AirLstmCell: airLstmCell,
  AirLstmCellGrad: { kernel: airLstmCellGrad, handles: hasRoomForParts },
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
  AirSquashSides: airSquashSides,
  AirSquashSidesGrad: airSquashSidesGrad,
  AirSidesToAffine: airSidesToAffine,
  AirSidesToAffineGrad: airSidesToAffineGrad,
  AirSplitColumns: airSplitColumns,
  AirJoinColumns: airJoinColumns,
  AirAdam: airAdam,
  AirRmsprop: { kernel: airRmsprop, handles: (_, gpu) => gpu.buffers >= RMSPROP_BUFFERS },
  AirAccumulate: airAccumulate,
  Softplus: softplus,
};

/** Of tfjs's own kernels: what runs in their place, given the kernel itself. */
const BETTER: { readonly [name: string]: (own: tf.KernelFunc, gpu: Gpu) => tf.KernelFunc } = {
  BatchMatMul: unsplit,
  SplitV: (own, gpu) => splitAtOnce(gpu, own),
};

/** They themselves, from the first time on. */
const originals = new Map<string, tf.KernelFunc>();

/**
 * Gives a webgpu backend the kernels of air, in place of those before.
 *
 * @param buffers tensors that a shader may bind, where they are to be fewer than the device allows
 */
export function registerWebgpuKernels(backend: WebgpuBackend, buffers?: number): void {
  const gpu = new Gpu(backend, buffers);
  for (const [name, entry] of Object.entries(KERNELS)) {
    const { kernel, handles } = typeof entry === 'function' ? { kernel: entry, handles: undefined } : entry;
    registerOwnKernel(name, 'webgpu', {
      kernelFunc: ({ inputs, attrs }) => kernel(gpu, inputs as Inputs, attrs ?? {}),
      handles: handles && ((attrs) => handles(attrs, gpu)),
    });
  }
  for (const [name, better] of Object.entries(BETTER)) {
    const own = originals.get(name) ?? tf.getKernel(name, 'webgpu').kernelFunc;
    originals.set(name, own);
    registerOwnKernel(name, 'webgpu', { kernelFunc: better(own, gpu) });
  }
}
