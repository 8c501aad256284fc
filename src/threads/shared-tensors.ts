/** Named float32 tensors in memory that threads share, one after the other in a fixed order. */
import * as tf from '@tensorflow/tfjs';
import type { WasmBackend } from '../backends/wasm/heap.js';
import type { HostTensors, NamedTensors } from '../core/ops/weights.js';

export type Layout = readonly { name: string; shape: number[] }[];

/** Where each tensor stands: one after the other, in the order of the names. */
export function layoutOf(tensors: NamedTensors): Layout {
  return Object.entries(tensors).map(([name, { shape }]) => ({ name, shape }));
}

export class SharedTensors {
  readonly buffer: SharedArrayBuffer;
  private readonly places = new Map<string, { shape: number[]; values: Float32Array }>();

  /** Over memory that another thread made, or new memory. */
  constructor(layout: Layout, buffer?: SharedArrayBuffer) {
    const total = layout.reduce((sum, { shape }) => sum + tf.util.sizeFromShape(shape), 0);
    this.buffer = buffer ?? new SharedArrayBuffer(4 * total);
    let start = 0;
    for (const { name, shape } of layout) {
      const size = tf.util.sizeFromShape(shape);
      this.places.set(name, { shape, values: new Float32Array(this.buffer, 4 * start, size) });
      start += size;
    }
  }

  /** Some tensors, straight from the heap of this thread's wasm backend. */
  write(tensors: NamedTensors): void {
    const { wasm, dataIdMap } = tf.backend() as unknown as WasmBackend;
    const { buffer } = wasm.asm.memory;
    for (const [name, { dataId, size }] of Object.entries(tensors)) {
      this.at(name).values.set(new Float32Array(buffer, dataIdMap.get(dataId).memoryOffset, size));
    }
  }

  /** Those of some names, straight onto that heap. Caller disposes. */
  read(names: Iterable<string> = this.places.keys()): NamedTensors {
    const read = Array.from(names, (name) => {
      const { shape, values } = this.at(name);
      return [name, tf.tensor(values, shape)];
    });
    return Object.fromEntries(read);
  }

  /** Some of them, from the host. */
  writeHost(tensors: HostTensors): void {
    for (const [name, { values }] of tensors) this.at(name).values.set(values);
  }

  /** All of them, copied to the host. */
  readHost(): HostTensors {
    return new Map([...this.places].map(([name, { shape, values }]) => [name, { shape, values: values.slice() }]));
  }

  private at(name: string): { shape: number[]; values: Float32Array } {
    return this.places.get(name) as { shape: number[]; values: Float32Array };
  }
}
