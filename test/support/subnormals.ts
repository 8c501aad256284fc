/** Numbers below the normal ones of float32, which some processors are slow with: where a computation makes them. */
import type * as tf from '@tensorflow/tfjs';
import { withKernels } from '#air/bench/kernels.js';

/** How many of these are. */
export function countSubnormals(values: Float32Array): number {
  const bits = new Uint32Array(values.buffer, values.byteOffset, values.length);
  return bits.reduce((count, each) => {
    const size = each & 0x7fffffff;
    return count + (size > 0 && size < 0x00800000 ? 1 : 0);
  }, 0);
}

/** Runs something, and says how many each kernel of the backend in use gave out, by name; those that gave none are not in it. */
export async function subnormalsOf(run: () => Promise<unknown>): Promise<{ [kernel: string]: number }> {
  const found: { [kernel: string]: number } = {};
  const counting = (original: tf.KernelConfig): tf.KernelConfig => ({
    ...original,
    kernelFunc(call) {
      const result = original.kernelFunc(call);
      for (const { dataId, dtype } of Array.isArray(result) ? result : [result]) {
        if (dtype !== 'float32') continue;
        const values = (call.backend as tf.KernelBackend).readSync(dataId) as Float32Array;
        const count = countSubnormals(values);
        if (count > 0) found[original.kernelName] = (found[original.kernelName] ?? 0) + count;
      }
      return result;
    },
  });
  await withKernels(counting, run);
  return found;
}
