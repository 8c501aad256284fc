/** The backends that need nothing but Node, and what is read from them. */
import { before, describe } from 'node:test';
import type * as tf from '@tensorflow/tfjs';
import type { BackendName } from '#air/backends/names.js';
import { startBackend } from '#air/backends/start.js';

const backends = (process.env.AIR_TEST_BACKENDS ?? 'cpu,wasm').split(',') as BackendName[];

/** The tests of `body` on each backend; AIR_TEST_BACKENDS names others. */
export function onEachBackend(body: (backend: BackendName) => void): void {
  for (const backend of backends) {
    describe(`on ${backend}`, () => {
      before(async () => {
        await startBackend(backend);
      });
      body(backend);
    });
  }
}

/** The numbers of a tensor, which is disposed. */
export async function read(tensor: tf.Tensor): Promise<number[]> {
  const numbers = Array.from(await tensor.data());
  tensor.dispose();
  return numbers;
}
