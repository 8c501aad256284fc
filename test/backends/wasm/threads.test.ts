/** Instances of the backend in worker threads do not meet, and give the bytes the main thread gives. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { it } from 'node:test';
import { Worker } from 'node:worker_threads';
import * as tf from '@tensorflow/tfjs';
import { type GradientBytes, trainingGradient } from './training-gradient.js';

it('computes the same gradients in every thread at once', async () => {
  const script = new URL('./threads-worker.js', import.meta.url);
  const workers = [new Worker(script, { workerData: { batch: 6 } }), new Worker(script, { workerData: { batch: 6 } })];
  const answers = workers.map(async (worker) => (await once(worker, 'message'))[0] as GradientBytes);
  const here = await trainingGradient({ batch: 6 });
  for (const there of await Promise.all(answers)) assert.deepEqual(there, here);
});

it('gives an image the same bytes whatever the batch', async () => {
  const [all, some] = [await trainingGradient({ batch: 7 }), await trainingGradient({ batch: 3 })];
  assert.deepEqual(some.elbo, all.elbo.slice(0, 3));
});

it('leaves no memory behind', async () => {
  await trainingGradient({ batch: 6 });
  const heapBytes = () => (tf.backend() as unknown as { wasm: { HEAPU8: Uint8Array } }).wasm.HEAPU8.length;
  const before = { ...tf.memory(), heap: heapBytes() };
  for (let i = 0; i < 5; i++) await trainingGradient({ batch: 6 });
  const after = { ...tf.memory(), heap: heapBytes() };
  assert.deepEqual(after, before);
});
