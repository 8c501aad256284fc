/** Named float32 tensors in memory that threads share, one after the other in a fixed order. */
import * as tf from '@tensorflow/tfjs';
import type { WasmBackend } from '../backends/wasm/heap.js';

export type Layout = readonly { name: string; shape: number[] }[];

type Named = { [name: string]: tf.Tensor };

/** Where each tensor stands: one after the other, in the order of the names. */
export function layoutOf(tensors: Named): Layout {
  return Object.entries(tensors).map(([name, { shape }]) => ({ name, shape }));
}

export class SharedTensors {
  readonly layout: Layout;
  readonly buffer: SharedArrayBuffer;
  private readonly values: Float32Array;

  /** Over memory that another thread made, or new memory. */
  constructor(layout: Layout, buffer?: SharedArrayBuffer) {
    this.layout = layout;
    const total = layout.reduce((sum, { shape }) => sum + tf.util.sizeFromShape(shape), 0);
    this.buffer = buffer ?? new SharedArrayBuffer(4 * total);
    this.values = new Float32Array(this.buffer);
  }

  /** Straight from the heap of this thread's wasm backend. */
  write(tensors: Named): void {
    const { wasm, dataIdMap } = tf.backend() as unknown as WasmBackend;
    const { buffer } = wasm.asm.memory;
    let start = 0;
    for (const { name } of this.layout) {
      const { dataId, size } = tensors[name];
      this.values.set(new Float32Array(buffer, dataIdMap.get(dataId).memoryOffset, size), start);
      start += size;
    }
  }

  /** Straight onto that heap. Caller disposes. */
  read(): Named {
    let start = 0;
    return Object.fromEntries(
      this.layout.map(({ name, shape }) => {
        const end = start + tf.util.sizeFromShape(shape);
        const tensor = tf.tensor(this.values.subarray(start, end), shape);
        start = end;
        return [name, tensor];
      }),
    );
  }
}
