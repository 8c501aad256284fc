/** How ops find their kernels and gradients, and what detaching does. */
import assert from 'node:assert/strict';
import { before, describe, it } from 'node:test';
import * as tf from '@tensorflow/tfjs';
import { startBackend } from '#air/backends/start.js';
import { defineOp, detach } from '#air/core/kernel.js';
import { onEachBackend, read } from './backends.js';

const calls: string[] = [];

/** sum and difference, scaled; the second output is saved for the gradient without need, to see it arrive. */
const sumAndDifference = defineOp<{ a: tf.Tensor; b: tf.Tensor }, { scale: number }, [tf.Tensor, tf.Tensor]>({
  name: 'AirTestSumAndDifference',
  composite: ({ a, b }, { scale }) => {
    calls.push('composite');
    return [tf.mul(tf.add(a, b), scale), tf.mul(tf.sub(a, b), scale)];
  },
  saves: { inputs: ['b'], outputs: [1] },
  gradient: ([dSum, dDifference], [b, difference], { scale }) => {
    assert.deepEqual([...b.dataSync()], [10, 20]);
    assert.deepEqual([...difference.dataSync()], [-18, -36]);
    return {
      a: () => tf.mul(tf.add(dSum, dDifference), scale),
      b: () => tf.mul(tf.sub(dSum, dDifference), scale),
    };
  },
});

describe('defineOp', () => {
  const inputs = () => ({ a: tf.tensor1d([1, 2]), b: tf.tensor1d([10, 20]) });

  onEachBackend(() => {
    it('runs the composite where the backend has no kernel of that name', async () => {
      calls.length = 0;
      const [sum, difference] = sumAndDifference(inputs(), { scale: 2 });
      assert.deepEqual(await read(sum), [22, 44]);
      assert.deepEqual(await read(difference), [-18, -36]);
      assert.deepEqual(calls, ['composite']);
    });

    it('leaves nothing behind but its outputs', () => {
      const given = inputs();
      const before = tf.memory().numTensors;
      const outputs = sumAndDifference(given, { scale: 2 });
      assert.equal(tf.memory().numTensors, before + 2);
      tf.dispose([outputs, given]);
    });

    it('differentiates by every input, by all outputs or some', async () => {
      const { a, b } = inputs();
      const gradients = (of: (sum: tf.Tensor, difference: tf.Tensor) => tf.Tensor) =>
        tf.grads((x, y) => {
          const [sum, difference] = sumAndDifference({ a: x, b: y }, { scale: 2 });
          return tf.sum(of(sum, difference)) as tf.Scalar;
        })([a, b]);
      const [byA, byB] = gradients((sum, difference) => tf.add(tf.mul(sum, 3), difference));
      assert.deepEqual(
        [await read(byA), await read(byB)],
        [
          [8, 8],
          [4, 4],
        ],
      );
      const [byAOfOne, byBOfOne] = gradients((_, difference) => difference);
      assert.deepEqual(
        [await read(byAOfOne), await read(byBOfOne)],
        [
          [2, 2],
          [-2, -2],
        ],
      );
    });

    it('takes part in no gradient without one', () => {
      const double = defineOp<{ x: tf.Tensor }, Record<string, never>, [tf.Tensor]>({
        name: 'AirTestDouble',
        composite: ({ x }) => [tf.mul(x, 2)],
      });
      assert.throws(() => tf.grad((x) => tf.sum(double({ x }, {})[0]))(tf.tensor1d([1])), /[Cc]annot compute gradient/);
    });
  });

  describe('on a backend with a kernel of its own', () => {
    before(async () => {
      await startBackend('cpu');
      if (tf.getKernel('AirTestSumAndDifference', 'cpu')) tf.unregisterKernel('AirTestSumAndDifference', 'cpu');
      tf.registerKernel({
        kernelName: 'AirTestSumAndDifference',
        backendName: 'cpu',
        kernelFunc: ({ inputs: { a, b }, attrs }) => {
          calls.push('kernel');
          const scale = tf.scalar((attrs as { scale: number }).scale);
          const [left, right] = [a, b] as tf.Tensor[];
          return [tf.mul(tf.add(left, right), scale), tf.mul(tf.sub(left, right), scale)];
        },
      });
    });

    it('runs that kernel, with the gradient that all share', async () => {
      calls.length = 0;
      const { a, b } = inputs();
      const [sum] = sumAndDifference({ a, b }, { scale: 2 });
      assert.deepEqual(await read(sum), [22, 44]);
      const [byA] = tf.grads((x, y) => tf.sum(sumAndDifference({ a: x, b: y }, { scale: 2 })[0]) as tf.Scalar)([a, b]);
      assert.deepEqual(await read(byA), [2, 2]);
      assert.deepEqual(calls, ['kernel', 'kernel']);
    });
  });
});

describe('detach', () => {
  onEachBackend(() => {
    it('has the same values, and lets no gradient through', async () => {
      const x = tf.tensor1d([3, 4]);
      const gradient = tf.grad((value) => tf.sum(tf.mul(value, detach(value))) as tf.Scalar)(x);
      assert.deepEqual(await read(gradient), [3, 4], 'of x * detached x, not 2x');
      x.dispose();
    });

    it('lives on when the other is disposed, and leaves nothing behind', async () => {
      const before = tf.memory();
      const x = tf.tensor1d([3, 4]);
      const twin = detach(x);
      assert.equal(tf.memory().numDataBuffers, before.numDataBuffers + 1, 'shared');
      x.dispose();
      assert.deepEqual(await read(twin), [3, 4]);
      const other = tf.tensor1d([5, 6]);
      detach(other).dispose();
      assert.deepEqual(await read(other), [5, 6]);
      const { numTensors, numDataBuffers } = tf.memory();
      assert.deepEqual([numTensors, numDataBuffers], [before.numTensors, before.numDataBuffers]);
    });
  });
});
