/** The heap of the wasm backend when it is full: whoever asks for more is told, and nothing is overwritten. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as tf from '@tensorflow/tfjs';
import { startBackend } from '#air/backends/start.js';
import type { WasmBackend } from '#air/backends/wasm/heap.js';
import { AirError } from '#air/errors.js';

test('a tensor that does not fit is refused, and the others stay as they are', async () => {
  await startBackend('wasm');
  const kept = tf.tensor1d([1, 2, 3]);
  const backend = tf.backend() as unknown as WasmBackend;
  const tooMany = (): void => {
    for (let gib = 0; gib < 5; gib++) backend.makeOutput([2 ** 28], 'float32'); // never written to, so of no page of memory
  };
  assert.throws(tooMany, (error: unknown) => {
    assert.ok(error instanceof AirError && error.kind === 'backendUnavailable', String(error));
    assert.match(error.message, /^wasm: its memory is full, 1024 MiB more do not fit into 4 GiB$/);
    return true;
  });
  assert.deepEqual([...(await kept.data())], [1, 2, 3]);
  assert.deepEqual([...(await kept.add(1).data())], [2, 3, 4]);
});
