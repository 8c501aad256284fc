/** Lists of tensors number by number, weights above all: as many of them in one shader as it may have buffers. */
import type * as tf from '@tensorflow/tfjs';
import { type Gpu, type Named, sizeOf } from './gpu.js';

export type OverLists = {
  /** Lists of as many tensors; those with the same place in their lists have as many numbers. */
  reads: Named<readonly tf.TensorInfo[]>;
  writes: Named<readonly tf.TensorInfo[]>;
  /** Tensors that have the numbers of all of them, one after the other. */
  joined?: { reads: Named<tf.TensorInfo>; writes: Named<tf.TensorInfo> };
  numbers?: Named<number>;
  functions?: string;
  /** WGSL for number `i` of the tensors NAMEk, `at` in those that have all. */
  body(k: number): string;
};

export function overLists(gpu: Gpu, { reads, writes, joined, numbers = {}, functions = '', body }: OverLists): void {
  const all = { reads: joined?.reads ?? {}, writes: joined?.writes ?? {} };
  const beside = Object.keys(all.reads).length + Object.keys(all.writes).length;
  const lists = Object.keys(reads).length + Object.keys(writes).length;
  const most = Math.max(1, Math.floor((gpu.buffers - beside) / lists));
  const sizes = Object.values(writes)[0].map(sizeOf);
  for (let first = 0, start = 0; first < sizes.length; first += most) {
    const here = sizes.slice(first, first + most);
    const count = here.reduce((sum, size) => sum + size, 0);
    const pick = (tensors: Named<readonly tf.TensorInfo[]>) =>
      Object.fromEntries(
        Object.entries(tensors).flatMap(([name, list]) =>
          here.map((_, k) => [`${name}${k}`, list[first + k]] as const),
        ),
      );
    const code = `
    ${functions}
    fn main(index : i32) {
      let at = uniforms.start + index;
      var i = index;
      ${here.map((_, k) => `if (i < uniforms.size${k}) { ${body(k)} return; } i = i - uniforms.size${k};`).join('\n')}
    }`;
    gpu.run({
      reads: { ...all.reads, ...pick(reads) },
      writes: { ...all.writes, ...pick(writes) },
      counts: { start, ...Object.fromEntries(here.map((size, k) => [`size${k}`, size])) },
      ...{ numbers, code, threads: count },
    });
    start += count;
  }
}
