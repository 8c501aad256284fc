/**
 * What the ops of air run as on libtensorflow, where an op costs 10-15 us before it computes anything: composites over its own
 * ops, kernels where another algorithm takes fewer of them, and all that core can hand over whole as one graph.
 */
import * as tf from '@tensorflow/tfjs';
import { useCompiler } from '../../core/ops/compiled.js';
import { registerOwnKernel } from '../../core/ops/op.js';
import { useTensorOps } from '../../core/ops/tensor-ops.js';
import type { TensorflowBackend } from './backend.js';
import { GraphCompiler } from './compiler.js';
import { type TensorflowKernel, TensorflowOps } from './ops.js';
import { airPlaceWindows, airPlaceWindowsGrad } from './place-windows.js';
import { airReadWindows, airReadWindowsGrad } from './read-windows.js';
import { Recorder } from './recorder.js';

const KERNELS: { readonly [name: string]: TensorflowKernel } = {
  AirReadWindows: airReadWindows,
  AirReadWindowsGrad: airReadWindowsGrad,
  AirPlaceWindows: airPlaceWindows,
  AirPlaceWindowsGrad: airPlaceWindowsGrad,
};

/** Gives a backend its tensor ops and kernels, in place of those of one before it. */
export function registerTensorflowOps(backend: TensorflowBackend): void {
  const recorder = new Recorder(backend);
  const ops = new TensorflowOps(backend, recorder);
  useTensorOps('tensorflow', ops);
  backend.runGraph = ({ model, inputNames, outputNames }, inputs) =>
    backend.binding
      .runSavedModel(model, backend.getInputTensorIds(inputs), inputNames, outputNames)
      .map((output) => backend.createOutputTensor(output));
  useCompiler('tensorflow', new GraphCompiler(backend, recorder));
  for (const [name, kernel] of Object.entries(KERNELS)) {
    registerOwnKernel(name, 'tensorflow', {
      kernelFunc: ({ inputs, attrs }) =>
        tf.tidy(() => kernel(ops, inputs as unknown as Parameters<TensorflowKernel>[1], attrs ?? {})),
    });
  }
}
