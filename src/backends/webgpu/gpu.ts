/**
 * Shaders of our own on tfjs's webgpu backend.
 *
 * tfjs runs a program that reads tensors and writes one. Ours may write several: those after the first are handed over as if they
 * were read. The shader declares all bindings itself, as what they are and by names of its own; what tfjs declares at the same
 * places is used by nobody. So its bookkeeping holds: buffers, what may be given back when, one submission for many dispatches.
 */
import * as tf from '@tensorflow/tfjs';
import { AirError } from '../../errors.js';

type Sides = [x: number, y: number, z: number];

/** What tfjs runs; see its `webgpu_program.ts`. */
type Program = {
  variableNames: string[];
  outputShape: readonly number[];
  workgroupSize: Sides;
  dispatchLayout: { x: number[]; y?: number[] };
  dispatch: Sides;
  shaderKey: string;
  uniforms: string;
  getUserCode(): string;
};

type Uniform = { type: 'int32' | 'float32'; data: number[] };

type ProgramCall = [
  program: Program,
  inputs: tf.TensorInfo[],
  dtype: tf.DataType,
  uniforms: Uniform[],
  output: tf.TensorInfo,
];

/** The part of tfjs's WebGPUBackend that is used here. */
export type WebgpuBackend = tf.KernelBackend & {
  device: { limits: { maxStorageBuffersPerShaderStage: number } };
  /** Products of up to so many tiles of 32 x 32 are dealt out in smaller ones. */
  thresholdToIncreaseWorkgroups: number;
  makeTensorInfo(shape: number[], dtype: 'float32'): tf.TensorInfo;
  disposeData(dataId: object): boolean;
  incRef(dataId: object): void;
  runWebGPUProgram(...call: ProgramCall): tf.TensorInfo;
};

/** The tensors an op is given, by the names core/ gives them. */
export type Inputs = { readonly [name: string]: tf.TensorInfo };

/** Computes the results of an op from its inputs. */
export type WebgpuKernel = (gpu: Gpu, inputs: Inputs, attrs: tf.NamedAttrMap) => tf.TensorInfo | tf.TensorInfo[];

export type Named<T> = { readonly [name: string]: T };

/** Threads of a workgroup, for shaders that say nothing else. */
export const THREADS = 128;

/** No shader of ours has more of them, whatever the device allows: by then all weights of a model take a few. */
const BUFFERS_ENOUGH = 32;

/** Storage buffers that a shader may have on every device: tensors that it reads or writes. */
export const BUFFERS_ANYWHERE = 8;

export type Shader = {
  /** In the shader, `array<f32>` of the same names, as long as the tensors; each has to be used. */
  reads: Named<tf.TensorInfo>;
  /** The same of what is written: a new tensor of this shape, or one that is there already. At least one. */
  writes: Named<readonly number[] | tf.TensorInfo>;
  /** Fields of `uniforms`, i32 and f32. What changes from call to call is here, so that shaders are compiled once. */
  counts?: Named<number>;
  numbers?: Named<number>;
  /** WGSL: `fn main(index : i32)`, the index of the thread; in a grid `fn main()`, see `workgroupId` and `localIndex`. */
  code: string;
  /** Threads, `THREADS` to a workgroup unless said otherwise; or workgroups of 256 threads in rows and columns. */
  threads: number | { columns: number; rows: number };
  threadsPerGroup?: number;
};

/** Threads of a workgroup in a grid. */
export const GRID_THREADS = 256;

export class Gpu {
  private readonly backend: WebgpuBackend;
  /** Tensors that a shader may read and write here, taken together. */
  readonly buffers: number;

  /** @param buffers no more than the device allows */
  constructor(backend: WebgpuBackend, buffers = backend.device.limits.maxStorageBuffersPerShaderStage) {
    this.backend = backend;
    this.buffers = Math.min(buffers, BUFFERS_ENOUGH);
  }

  /** Runs a shader, and returns what it writes, in order. @throws AirError 'bug' if it has too many buffers */
  run(shader: Shader): tf.TensorInfo[] {
    const { reads, writes, counts = {}, numbers = {}, code, threads, threadsPerGroup = THREADS } = shader;
    const outputs = Object.values(writes).map((to) => (isShape(to) ? this.make(to) : to));
    const [first, ...others] = outputs;
    const inputs = [...Object.values(reads), ...others];
    if (1 + inputs.length > this.buffers)
      throw new AirError('bug', `webgpu: a shader has ${1 + inputs.length} buffers of ${this.buffers}`);
    const isGrid = typeof threads === 'object';
    const names = [reads, writes, counts, numbers].map((named) => Object.keys(named).join());
    const program: Program = {
      variableNames: inputs.map((_, i) => `Binding${1 + i}`),
      outputShape: first.shape,
      workgroupSize: [isGrid ? GRID_THREADS : threadsPerGroup, 1, 1],
      dispatchLayout: isGrid ? { x: [0], y: [1] } : { x: first.shape.map((_, axis) => axis) },
      dispatch: isGrid ? [threads.columns, threads.rows, 1] : [Math.ceil(threads / threadsPerGroup), 1, 1],
      shaderKey: `air_${numberOf(code)} ${names.join(';')}`,
      uniforms: fieldsOf(shader),
      getUserCode: () => `${bindingsOf(shader)}\n${code}`,
    };
    const uniforms: Uniform[] = [
      ...Object.values(counts).map((value): Uniform => ({ type: 'int32', data: [value] })),
      ...Object.values(numbers).map((value): Uniform => ({ type: 'float32', data: [value] })),
    ];
    this.backend.runWebGPUProgram(program, inputs, 'float32', uniforms, first);
    return outputs;
  }

  /** A tensor whose numbers are not set. */
  make(shape: readonly number[]): tf.TensorInfo {
    return this.backend.makeTensorInfo([...shape], 'float32');
  }

  /** The same numbers as another result. */
  share({ dataId, shape, dtype }: tf.TensorInfo): tf.TensorInfo {
    this.backend.incRef(dataId);
    return { dataId, shape, dtype };
  }

  /** Gives up a tensor that is no result, once what reads it has run. */
  release(tensor: tf.TensorInfo): void {
    this.backend.disposeData(tensor.dataId);
  }
}

/** Of all shaders of this process: tfjs keeps those of one backend by their keys. */
const codes = new Map<string, number>();

/** Tells shaders apart by their code, whatever is written into it, in fewer letters. */
function numberOf(code: string): number {
  const number = codes.get(code) ?? codes.size;
  codes.set(code, number);
  return number;
}

function bindingsOf({ reads, writes }: Shader): string {
  const [first, ...others] = Object.keys(writes);
  const declare = (name: string, binding: number, access: string): string =>
    `@group(0) @binding(${binding}) var<storage, ${access}> ${name} : array<f32>;`;
  const read = Object.keys(reads).map((name, i) => declare(name, 1 + i, 'read'));
  const written = others.map((name, i) => declare(name, 1 + read.length + i, 'read_write'));
  return [declare(first, 0, 'read_write'), ...read, ...written].join('\n');
}

function fieldsOf({ counts = {}, numbers = {} }: Shader): string {
  const fields = (named: Named<number>, type: string) => Object.keys(named).map((name) => `${name} : ${type},`);
  return [...fields(counts, 'i32'), ...fields(numbers, 'f32')].join(' ');
}

function isShape(to: readonly number[] | tf.TensorInfo): to is readonly number[] {
  return Array.isArray(to);
}

/** Numbers in a tensor. */
export function sizeOf({ shape }: tf.TensorInfo): number {
  return tf.util.sizeFromShape(shape);
}
