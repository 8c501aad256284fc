/** Sums of gradients by name, in the order given. */
import assert from 'node:assert/strict';
import { it } from 'node:test';
import * as tf from '@tensorflow/tfjs';
import { accumulate } from '#air/core/ops/accumulate.js';
import type { NamedTensors } from '#air/core/ops/weights.js';
import { onEachBackend } from '../../support/backends.js';
import { sparseNormals } from '../../support/random.js';

const SHAPES = { 'net.weight': [5, 3], 'net.bias': [5], one: [1] };

onEachBackend(() => {
  it('accumulates name by name, and consumes the parts', async () => {
    const before = tf.memory().numTensors;
    const parts = [sparseNormals(SHAPES), sparseNormals(SHAPES), sparseNormals(SHAPES)];
    let sum: NamedTensors | undefined;
    for (const part of parts) {
      const tensors = Object.entries(SHAPES).map(([name, shape]) => [name, tf.tensor(part[name], shape)]);
      sum = accumulate(sum, Object.fromEntries(tensors));
    }
    for (const name of Object.keys(SHAPES)) {
      const expected = parts[0][name].map((value, i) =>
        Math.fround(Math.fround(value + parts[1][name][i]) + parts[2][name][i]),
      );
      assert.deepEqual(Array.from(await (sum as NamedTensors)[name].data()), expected, 'in the order given');
    }
    tf.dispose(sum);
    assert.equal(tf.memory().numTensors, before);
  });
});
