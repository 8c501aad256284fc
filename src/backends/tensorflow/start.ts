/**
 * The tensorflow backend: libtensorflow through the binding of `@tensorflow/tfjs-node-gpu`. The package's own installer
 * brings libtensorflow 2.9.1, where it can; `make native` puts a copy with a current one into `.native/`, which is
 * looked at first.
 */
import { existsSync, readdirSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import process from 'node:process';
import { fileURLToPath } from 'node:url';
import nodeUtil from 'node:util';
import * as tf from '@tensorflow/tfjs';
import { AirError } from '../../errors.js';
import type { StartedBackend } from '../backend.js';
import { countCalls } from '../count-calls.js';
import type { Graph, TensorflowBackend } from './backend.js';
import { DRIVER, missingCudaLibraries, nvidiaGpus } from './cuda.js';
import { registerTensorflowOps } from './register.js';

const PACKAGE = '@tensorflow/tfjs-node-gpu';
const NATIVE = fileURLToPath(new URL('../../../.native/', import.meta.url));

/** A copy of the package that may hold a binding, and the libtensorflow that it is bound to. */
export type Place = {
  packageFolder: string;
  /** Folder of a TensorFlow wheel; undefined for libtensorflow 2.9.1 for CUDA 11.2, which the package's installer brings. */
  tensorflowFolder: string | undefined;
};

/** What is used of the binding, and of the package's files. */
type Binding = { TF_Version: string; isUsingGpuDevice(): boolean };
type BackendModule = { NodeJSKernelBackend: new (binding: Binding, packageName: string) => TensorflowBackend };

let loaded: { place: Place; binding: Binding } | undefined;

/**
 * Loads libtensorflow and makes 'tensorflow' the backend of tfjs.
 *
 * @throws AirError 'backendUnavailable' when the package or its native library is missing or does not load
 */
export async function startTensorflow(): Promise<StartedBackend> {
  loaded ??= load(places());
  await tf.setBackend('tensorflow');
  const { TF_Version: version } = loaded.binding;
  const device = loaded.binding.isUsingGpuDevice() ? 'gpu' : 'cpu';
  const gpus = device === 'gpu' ? nvidiaGpus() : [];
  return {
    detail: `libtensorflow ${version} on ${device.toUpperCase()}${gpus.length > 0 ? ` (${gpus.join(', ')})` : ''}`,
    device,
    identity: `tensorflow-${version}-${device}`,
    subBatch: Number.POSITIVE_INFINITY,
    canThread: false,
    relaxedSimd: false,
    below: {
      what: 'ops of TensorFlow',
      count: countCalls(tf.backend(), {
        executeSingleOutput: () => 1,
        executeMultipleOutputs: () => 1,
        runGraph: ({ ops }: Graph) => ops,
      }),
    },
  };
}

/** What would make the backend faster on this machine, as one line; undefined if nothing is known. */
export function tensorflowAdvice(): string | undefined {
  if (!loaded || loaded.binding.isUsingGpuDevice()) return undefined;
  const missing = missingCudaLibraries(loaded.place.tensorflowFolder);
  if (missing === undefined) return nvidiaGpus().length > 0 ? 'for the NVIDIA GPU: make native GPU=1' : undefined;
  if (missing.length === 0) return 'built for CUDA, but no GPU shows itself: see nvidia-smi';
  const libraries = missing.filter((name) => name !== DRIVER);
  const parts = [
    ...(libraries.length > 0 ? [`${libraries.join(', ')} (make native GPU=1)`] : []),
    ...(missing.includes(DRIVER) ? [`${DRIVER} (NVIDIA's driver)`] : []),
  ];
  return `no GPU: missing ${parts.join(' and ')}`;
}

/** Where the package may be: the copy of `make native`, then what npm installed. */
function places(): Place[] {
  const found: Place[] = [];
  const copy = join(NATIVE, 'tfjs-node-gpu');
  if (existsSync(copy)) found.push({ packageFolder: copy, tensorflowFolder: join(NATIVE, 'tensorflow') });
  try {
    const manifest = createRequire(import.meta.url).resolve(`${PACKAGE}/package.json`);
    found.push({ packageFolder: join(manifest, '..'), tensorflowFolder: undefined });
  } catch {
    // an optional dependency: npm leaves it out where its installer fails
  }
  return found;
}

/** Loads the first copy that loads, and registers its backend. */
export function load(candidates: readonly Place[]): { place: Place; binding: Binding } {
  // The package calls a function that Node 22 warns of and Node 23 took away.
  const util = nodeUtil as { isNullOrUndefined?: (value: unknown) => boolean };
  util.isNullOrUndefined = (value) => value === null || value === undefined;

  const reasons: string[] = [];
  for (const place of candidates) {
    const file = bindingIn(place.packageFolder);
    if (file === undefined) {
      reasons.push(
        `${place.packageFolder} has no native library (npm ran no install script, or it could not download)`,
      );
      continue;
    }
    quiet(place);
    try {
      const require = createRequire(join(place.packageFolder, 'package.json'));
      const binding: Binding = require(file);
      register(binding, require);
      return { place, binding };
    } catch (error) {
      reasons.push(explain(error, file));
    }
  }
  throw new AirError('backendUnavailable', `tensorflow: ${reasons[0] ?? `${PACKAGE} is not installed`}`, 'make native');
}

/**
 * Keeps the libraries from talking on stderr. oneDNN takes a quarter off a step, but tells of itself, and only the binding of
 * `make native` keeps it quiet.
 */
function quiet({ tensorflowFolder }: Place): void {
  process.env.TF_CPP_MIN_LOG_LEVEL ??= '3'; // what fails is thrown as well
  if (tensorflowFolder === undefined) process.env.TF_ENABLE_ONEDNN_OPTS ??= '0';
  process.env.TF_FORCE_GPU_ALLOW_GROWTH ??= 'true'; // or TensorFlow takes the whole memory of the GPU at once
}

/** The package's `index.js` does the same, but with dependencies that are not needed, and prints a banner. */
function register(binding: Binding, require: NodeJS.Require): void {
  require('./dist/register_all_kernels.js');
  const { NodeJSKernelBackend }: BackendModule = require('./dist/nodejs_kernel_backend.js');
  tf.registerBackend('tensorflow', () => {
    const backend = new NodeJSKernelBackend(binding, PACKAGE);
    registerTensorflowOps(backend);
    return backend;
  });
}

/** The binding for the newest Node-API that this Node has. */
function bindingIn(packageFolder: string): string | undefined {
  const folder = join(packageFolder, 'lib');
  const versions = (existsSync(folder) ? readdirSync(folder) : [])
    .map((name) => Number(/^napi-v(\d+)$/.exec(name)?.[1] ?? Number.NaN))
    .filter((version) => version <= Number(process.versions.napi))
    .sort((a, b) => b - a);
  return versions
    .map((version) => join(folder, `napi-v${version}`, 'tfjs_binding.node'))
    .find((file) => existsSync(file));
}

/** One line; a library that is not found is named by its file. */
function explain(error: unknown, file: string): string {
  const message = error instanceof Error ? error.message : String(error);
  const library = /^(\S+): cannot open shared object file/.exec(message)?.[1];
  return library === undefined ? `${file}: ${message.split('\n')[0]}` : `${file} misses ${library}`;
}
