/** The webgpu backend: tfjs's on Dawn (the npm package `webgpu`), both optional dependencies, with shaders of air. */
import { createRequire } from 'node:module';
import process from 'node:process';
import * as tf from '@tensorflow/tfjs';
import { AirError } from '../../errors.js';
import type { StartedBackend } from '../backend.js';
import { countCalls } from '../count-calls.js';
import { libraryProblem } from '../shared-library.js';
import type { WebgpuBackend } from './gpu.js';
import { registerWebgpuKernels } from './register.js';

const DAWN: string = 'webgpu';
const KERNELS = '@tensorflow/tfjs-backend-webgpu';

/** What kernels want as large as the adapter allows. */
const LIMITS = [
  'maxBufferSize',
  'maxComputeInvocationsPerWorkgroup',
  'maxComputeWorkgroupSizeX',
  'maxComputeWorkgroupStorageSize',
  'maxComputeWorkgroupsPerDimension',
  'maxStorageBuffersPerShaderStage',
  'maxStorageBufferBindingSize',
] as const;

/** What is used of WebGPU's types: https://www.w3.org/TR/webgpu/ */
type Limits = { [name in (typeof LIMITS)[number]]: number };
type AdapterInfo = {
  vendor: string;
  architecture: string;
  device: string;
  description: string;
  isFallbackAdapter?: boolean;
};
type Adapter = {
  info: AdapterInfo;
  limits: Limits;
  features: ReadonlySet<string>;
  requestDevice(descriptor: { requiredLimits: Limits; requiredFeatures: string[] }): Promise<Device>;
};
type Device = {
  lost: Promise<{ reason: string; message: string }>;
  addEventListener(type: 'uncapturederror', listener: (event: { error: Error }) => void): void;
};
type Gpu = { requestAdapter(options: { powerPreference: 'high-performance' }): Promise<Adapter | null> };
type Dawn = { create(flags: string[]): Gpu; globals: object };
type Kernels = {
  WebGPUBackend: new (device: Device, info: AdapterInfo) => WebgpuBackend;
};

/**
 * Finds an adapter and makes 'webgpu' the backend of tfjs, on it.
 *
 * @throws AirError 'backendUnavailable' when a package, the Vulkan loader or an adapter is missing
 */
export async function startWebgpu(): Promise<StartedBackend> {
  started ??= await register();
  await tf.setBackend('webgpu');
  const { info } = started;
  return {
    detail: describe(info),
    device: isSoftware(info) ? 'software' : 'gpu',
    identity: 'webgpu',
    subBatch: Number.POSITIVE_INFINITY,
    canThread: false,
    relaxedSimd: false,
    below: { what: 'dispatches', count: countCalls(tf.backend(), { runWebGPUProgram: () => 1 }) },
  };
}

/** Whether the adapter is a driver that computes on the CPU. */
function isSoftware({ vendor, architecture, device, description, isFallbackAdapter }: AdapterInfo): boolean {
  const names = [vendor, architecture, device, description].join(' ');
  return isFallbackAdapter === true || /swiftshader|llvmpipe|lavapipe|software/i.test(names);
}

/** What the backend runs on. Once `gpu` is garbage, Dawn aborts the process at its next look for events. */
let started: { info: AdapterInfo; gpu: Gpu } | undefined;

async function register(): Promise<{ info: AdapterInfo; gpu: Gpu }> {
  // Without the loader Dawn finds nothing either, but complains on stderr, also where nobody asked for webgpu.
  const problem = process.platform === 'linux' ? libraryProblem('libvulkan.so.1') : undefined;
  if (problem) {
    throw unavailable(`no Vulkan loader: ${problem}`, 'install libvulkan1 and the Vulkan driver of your GPU');
  }
  const { create, globals } = await loadDawn();
  const { WebGPUBackend } = loadKernels(); // before there is a navigator.gpu, or they register a backend of their own
  Object.assign(globalThis, globals); // constants such as GPUBufferUsage, which the kernels take as given
  const gpu = create([]);
  const adapter = await gpu.requestAdapter({ powerPreference: 'high-performance' });
  if (!adapter) {
    throw unavailable('no adapter: no driver offers a GPU', 'install the Vulkan driver of your GPU; see: vulkaninfo');
  }
  const { info } = adapter;
  const requiredLimits = Object.fromEntries(LIMITS.map((name) => [name, adapter.limits[name]])) as Limits;
  const requiredFeatures = ['timestamp-query'].filter((name) => adapter.features.has(name)); // for profiles
  const device = await adapter.requestDevice({ requiredLimits, requiredFeatures });
  stopOnFailure(device);
  const backend = withNavigator(gpu, () => new WebGPUBackend(device, info));
  tf.registerBackend('webgpu', () => backend);
  registerWebgpuKernels(backend);
  tf.env().set('WEBGPU_CPU_FORWARD', false); // the same kernel for an op, whatever the size of its operands
  return { info, gpu };
}

/** Ends the program where the device fails: tfjs does not look, and would go on with wrong numbers. */
function stopOnFailure(device: Device): void {
  device.addEventListener('uncapturederror', ({ error }) => {
    throw unavailable(`the device failed: ${error.message.split('\n')[0]}`, 'use another --backend');
  });
  device.lost.then(({ reason, message }) => {
    if (reason !== 'destroyed') throw unavailable(`lost the device: ${message}`, 'use another --backend');
  });
}

async function loadDawn(): Promise<Dawn> {
  try {
    return await import(DAWN);
  } catch (cause) {
    throw missing(DAWN, cause);
  }
}

function loadKernels(): Kernels {
  try {
    return createRequire(import.meta.url)(KERNELS);
  } catch (cause) {
    throw missing(KERNELS, cause);
  }
}

/**
 * Calls `make` while `navigator.gpu` is there, as it is in a browser: the kernels refuse to start without. It goes away
 * again, since Node has a navigator of its own from 21 on and Dawn stays as long as a global refers to it.
 */
function withNavigator<T>(gpu: Gpu, make: () => T): T {
  const own = Object.getOwnPropertyDescriptor(globalThis, 'navigator');
  Object.defineProperty(globalThis, 'navigator', { value: { gpu }, configurable: true });
  try {
    return make();
  } finally {
    if (own) Object.defineProperty(globalThis, 'navigator', own);
    else Reflect.deleteProperty(globalThis, 'navigator');
  }
}

/** One line; software drivers are called so. */
function describe({ vendor, architecture, device, description, isFallbackAdapter }: AdapterInfo): string {
  const name = device || description || architecture || 'a GPU without a name';
  const about = [vendor, architecture, name === description ? '' : description].filter((word) => word !== '');
  return `${name} (${about.join(', ')}${isFallbackAdapter ? '; software' : ''}) through Dawn`;
}

function missing(name: string, cause: unknown): AirError {
  const message = cause instanceof Error ? cause.message : String(cause);
  const isAbsent = /Cannot find (package|module)/.test(message) && message.includes(name);
  const reason = isAbsent ? `the package ${name} is not installed` : `${name}: ${message.split('\n')[0]}`;
  return unavailable(reason, 'npm ci --include=optional', cause);
}

function unavailable(reason: string, hint: string, cause?: unknown): AirError {
  return new AirError('backendUnavailable', `webgpu: ${reason}`, hint, { cause });
}
