/**
 * The heap of one tfjs wasm backend as our kernels see it: byte offsets of tensors, memory for results, scratch memory.
 *
 * Offsets stay valid when the heap grows (JavaScript views of it do not), so kernels work with offsets only. All state
 * lives here, one object per backend instance, so instances in worker threads do not meet.
 */
import type { NamedAttrMap, TensorInfo } from '@tensorflow/tfjs';
import { AirError } from '../../errors.js';

/** The part of tfjs's BackendWasm that is used here. */
export type WasmBackend = {
  wasm: { asm: { memory: WebAssembly.Memory }; _malloc(bytes: number): number; _free(offset: number): void };
  dataIdMap: { get(dataId: object): { memoryOffset: number } };
  makeOutput(shape: number[], dtype: 'float32'): TensorInfo;
  incRef(dataId: object): void;
  refCount(dataId: object): number;
};

/** What kernels/index.ts exports: offsets, sizes and flags in, a byte count or nothing out. */
export type KernelExports = { readonly [name: string]: (...args: (number | boolean)[]) => number };

/** Computes the results of an op from its inputs, straight on the heap. */
export type WasmKernel = (heap: Heap, inputs: Inputs, attrs: NamedAttrMap) => TensorInfo | TensorInfo[];

/** The tensors an op is given, by the names core/ gives them. */
export type Inputs = { readonly [name: string]: TensorInfo };

/** Uses of a tensor whose gradients add up, no more than a kernel has arguments for. @throws AirError 'bug' */
export function atMost(count: number, uses: TensorInfo[]): TensorInfo[] {
  if (uses.length > count)
    throw new AirError('bug', `wasm kernel: takes ${count} uses of a tensor, got ${uses.length}`);
  return uses;
}

/** Columns of a matrix. */
export function columnsOf({ shape }: TensorInfo): number {
  return shape[shape.length - 1];
}

/**
 * Lets a backend say that its heap is full: tfjs does not look whether it got memory, and would go on at 0, over its own.
 * @throws AirError (backendUnavailable), from then on, whoever asks for more than there is
 */
export function watchHeap({ wasm }: WasmBackend): void {
  wasm._free(wasm._malloc(1)); // before its first call it is a stub, which puts the real one in its own place
  const allocate = wasm._malloc;
  wasm._malloc = (bytes) => {
    const offset = allocate(bytes);
    if (offset !== 0 || bytes === 0) return offset;
    throw new AirError(
      'backendUnavailable',
      `wasm: its memory is full, ${Math.ceil(bytes / 2 ** 20)} MiB more do not fit into 4 GiB`,
      'give a smaller batch (--batch-size), or smaller nets',
    );
  };
}

export class Heap {
  readonly wasm: KernelExports;
  private readonly backend: WasmBackend;
  private scratchOffset = 0;
  private scratchBytes = 0;

  constructor(backend: WasmBackend, wasm: KernelExports) {
    this.backend = backend;
    this.wasm = wasm;
  }

  /** Where a tensor's numbers start. @throws AirError (bug) if it is not float32 of this shape. */
  at(tensor: TensorInfo, shape: readonly number[]): number {
    const isExpected = tensor.dtype === 'float32' && tensor.shape.length === shape.length;
    if (!isExpected || shape.some((side, axis) => side !== tensor.shape[axis])) {
      const got = `${tensor.dtype} [${tensor.shape}]`;
      throw new AirError('bug', `wasm kernel: expected a tensor float32 [${shape}], got ${got}`);
    }
    return this.backend.dataIdMap.get(tensor.dataId).memoryOffset;
  }

  /** The same for a tensor that may be left out: 0 then. */
  atIfAny(tensor: TensorInfo | undefined, shape: readonly number[]): number {
    return tensor === undefined ? 0 : this.at(tensor, shape);
  }

  /** Memory for a result; its numbers are not set. */
  output(shape: readonly number[]): TensorInfo {
    return this.backend.makeOutput([...shape], 'float32');
  }

  /** The same numbers as another result. */
  share(tensor: TensorInfo): TensorInfo {
    this.backend.incRef(tensor.dataId);
    return { dataId: tensor.dataId, shape: tensor.shape, dtype: tensor.dtype };
  }

  /**
   * Where to write the successor of a tensor: its own memory if no other tensor shares it, new memory otherwise. A
   * clone or a reshape thus keeps its numbers.
   */
  successor(tensor: TensorInfo): TensorInfo {
    return this.backend.refCount(tensor.dataId) === 1 ? this.share(tensor) : this.output(tensor.shape);
  }

  /** Puts numbers into scratch memory. */
  writeFloat64(offset: number, numbers: readonly number[]): void {
    new Float64Array(this.backend.wasm.asm.memory.buffer, offset, numbers.length).set(numbers);
  }

  /** Gives the scratch memory back. */
  release(): void {
    if (this.scratchOffset !== 0) this.backend.wasm._free(this.scratchOffset);
    this.scratchOffset = 0;
    this.scratchBytes = 0;
  }

  /** At least this much memory, aligned to 16 bytes, free to use until the next call. */
  scratch(bytes: number): number {
    if (bytes > this.scratchBytes) {
      const grown = Math.max(bytes, 2 * this.scratchBytes);
      this.release();
      this.scratchOffset = this.backend.wasm._malloc(grown + 16) >>> 0;
      this.scratchBytes = grown;
    }
    return Math.ceil(this.scratchOffset / 16) * 16;
  }
}
