/** The backends that need nothing but Node, and numbers as tests hold them. */
import { before, describe } from 'node:test';
import type * as tf from '@tensorflow/tfjs';
import type { BackendName } from '#air/backends/names.js';
import { startBackend } from '#air/backends/start.js';
import { Draws } from '#air/core/rng.js';

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

let sequence = 2000;

/** Normal numbers as float32 holds them, times `scale`, plus `shift` in turn; each call draws others, each run the same. */
export function normals(size: number, scale = 1, shift: readonly number[] = [0]): number[] {
  const draws = new Draws(1, 'bench', sequence++);
  return Array.from({ length: size }, (_, i) => Math.fround(scale * draws.normal() + shift[i % shift.length]));
}

/** The numbers of a tensor, which is disposed. */
export async function read(tensor: tf.Tensor): Promise<number[]> {
  const numbers = Array.from(await tensor.data());
  tensor.dispose();
  return numbers;
}
