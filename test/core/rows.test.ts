/** Rows of tensors on the host: which numbers they are, whose memory they are in, and what is disposed. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import * as tf from '@tensorflow/tfjs';
import { copyRows, takeRows, viewRows } from '#air/core/rows.js';
import { onEachBackend } from '../support/backends.js';

const ROWS = [Float32Array.of(1, 2, 3), Float32Array.of(4, 5, 6)];

onEachBackend(() => {
  it('views rows in one memory, and copies each into its own', async () => {
    const before = tf.memory().numTensors;
    const tensor = tf.tensor2d([1, 2, 3, 4, 5, 6], [2, 3]);
    const [views, copies] = [await viewRows(tensor), await copyRows(tensor)];
    assert.deepEqual([views, copies], [ROWS, ROWS]);
    assert.equal(views[0].buffer, views[1].buffer);
    assert.deepEqual(
      copies.map(({ buffer }) => buffer.byteLength),
      [12, 12],
    );
    assert.equal(tf.memory().numTensors, before + 1, 'the tensor stays');
    tensor.dispose();
  });

  describe('takeRows', () => {
    it('gives each image its row of every tensor, however many numbers that is', async () => {
      const taken = await takeRows({
        logits: tf.tensor2d([1, 2, 3, 4, 5, 6], [2, 3]),
        loss: tf.tensor1d([7, 8]),
        pixels: tf.tensor3d([1, 2, 3, 4, 5, 6, 7, 8], [2, 2, 2]),
      });
      assert.deepEqual(taken, [
        { logits: ROWS[0], loss: Float32Array.of(7), pixels: Float32Array.of(1, 2, 3, 4) },
        { logits: ROWS[1], loss: Float32Array.of(8), pixels: Float32Array.of(5, 6, 7, 8) },
      ]);
    });

    it('disposes the tensors and nothing else', async () => {
      const kept = tf.tensor1d([1]);
      const { numTensors, numDataBuffers } = tf.memory();
      const tensors = { a: tf.tensor2d([[1], [2]]), b: tf.tensor2d([[3], [4]]) };
      await takeRows(tensors);
      assert.deepEqual([tf.memory().numTensors, tf.memory().numDataBuffers], [numTensors, numDataBuffers]);
      assert.ok(tensors.a.isDisposed && tensors.b.isDisposed && !kept.isDisposed);
      kept.dispose();
    });

    it('gives rows that do not change with one another', async () => {
      const [first, second] = await takeRows({ a: tf.tensor2d([[1], [2]]) });
      first.a[0] = 9;
      assert.deepEqual(second.a, Float32Array.of(2));
      assert.notEqual(first.a.buffer, second.a.buffer);
    });
  });
});
