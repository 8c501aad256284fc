/** How ops find their kernels, what reaches them, and which tensor ops composites are given. */
import assert from 'node:assert/strict';
import { before, describe, it } from 'node:test';
import * as tf from '@tensorflow/tfjs';
import { startBackend } from '#air/backends/start.js';
import { defineOp, listed, numbered, registerOwnKernel } from '#air/core/ops/op.js';
import { type TensorOps, tensorOps, tfjsOps, useTensorOps } from '#air/core/ops/tensor-ops.js';
import { AirError } from '#air/errors.js';
import { onEachBackend, read } from '../../support/backends.js';

const calls: string[] = [];

/** sum and difference, scaled, the sum on top of `base` if there is one. */
const sumAndDifference = defineOp<
  { a: tf.Tensor; b: tf.Tensor; base?: tf.Tensor | undefined },
  { scale: number },
  [sum: tf.Tensor, difference: tf.Tensor]
>({
  name: 'AirTestSumAndDifference',
  composite: (_, { a, b, base }, { scale }) => {
    calls.push('composite');
    const sum = tf.mul(tf.add(a, b), scale);
    return [base === undefined ? sum : tf.add(base, sum), tf.mul(tf.sub(a, b), scale)];
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

    it('hands on what may be left out, or leaves it out', async () => {
      const [onTop] = sumAndDifference({ ...inputs(), base: tf.tensor1d([100, 200]) }, { scale: 2 });
      assert.deepEqual(await read(onTop), [122, 244]);
      const [alone] = sumAndDifference({ ...inputs(), base: undefined }, { scale: 2 });
      assert.deepEqual(await read(alone), [22, 44]);
    });

    it('leaves nothing behind but its outputs', () => {
      const given = inputs();
      const before = tf.memory().numTensors;
      const outputs = sumAndDifference(given, { scale: 2 });
      assert.equal(tf.memory().numTensors, before + 2);
      tf.dispose([outputs, given]);
    });

    it('returns a list also of a single output', async () => {
      const double = defineOp<{ x: tf.Tensor }, Record<string, never>, [tf.Tensor]>({
        name: 'AirTestDouble',
        composite: (_, { x }) => [tf.mul(x, 2)],
      });
      const outputs = double({ x: tf.tensor1d([1, 2]) }, {});
      assert.equal(outputs.length, 1);
      assert.deepEqual(await read(outputs[0]), [2, 4]);
    });

    it('takes part in no gradient of tfjs', () => {
      const sum = (a: tf.Tensor) => tf.sum(sumAndDifference({ a, b: tf.tensor1d([1]) }, { scale: 1 })[0]) as tf.Scalar;
      assert.throws(() => tf.grad(sum)(tf.tensor1d([1])), /[Cc]annot compute gradient/);
    });
  });

  describe('on a backend with a kernel of its own', () => {
    before(async () => {
      await startBackend('cpu');
      if (tf.getKernel('AirTestSumAndDifference', 'cpu')) tf.unregisterKernel('AirTestSumAndDifference', 'cpu');
      tf.registerKernel({
        kernelName: 'AirTestSumAndDifference',
        backendName: 'cpu',
        kernelFunc: ({ inputs: { a, b, ...rest }, attrs }) => {
          calls.push(`kernel, beside a and b: ${Object.keys(rest)}`);
          const scale = tf.scalar((attrs as { scale: number }).scale);
          const [left, right] = [a, b] as tf.Tensor[];
          return [tf.mul(tf.add(left, right), scale), tf.mul(tf.sub(left, right), scale)];
        },
      });
    });

    it('runs that kernel, which sees what is there alone', async () => {
      calls.length = 0;
      const [sum, difference] = sumAndDifference({ ...inputs(), base: undefined }, { scale: 2 });
      assert.deepEqual(await read(sum), [22, 44]);
      assert.deepEqual(await read(difference), [-18, -36]);
      sumAndDifference({ ...inputs(), base: tf.tensor1d([0, 0]) }, { scale: 2 });
      assert.deepEqual(calls, ['kernel, beside a and b: ', 'kernel, beside a and b: base']);
    });
  });
});

/** x times a factor. */
const multiple = defineOp<{ x: tf.Tensor }, { factor: number }, [tf.Tensor]>({
  name: 'AirTestMultiple',
  composite: (ops, { x }, { factor }) => {
    calls.push('composite');
    return [ops.mul(x, factor)];
  },
});

describe('a kernel that declines', () => {
  /** Doubles, and tells so. */
  const doubling: tf.KernelFunc = ({ inputs }) => {
    calls.push('kernel');
    return tf.tidy(() => tf.mul(inputs.x as tf.Tensor, 2));
  };
  const handles = ({ factor }: tf.NamedAttrMap) => factor === 2;

  onEachBackend((backend) => {
    it('leaves those calls to the composite', async () => {
      registerOwnKernel('AirTestMultiple', backend, { kernelFunc: doubling, handles });
      calls.length = 0;
      const x = tf.tensor1d([1, 2]);
      const before = tf.memory().numTensors;
      for (const factor of [2, 3, 2]) {
        assert.deepEqual(await read(multiple({ x }, { factor })[0]), [factor, 2 * factor]);
      }
      assert.deepEqual(calls, ['kernel', 'composite', 'kernel']);
      assert.equal(tf.memory().numTensors, before);
      x.dispose();
    });

    it('is replaced by the next', async () => {
      registerOwnKernel('AirTestMultiple', backend, { kernelFunc: doubling });
      const x = tf.tensor1d([1, 2]);
      assert.deepEqual(await read(multiple({ x }, { factor: 3 })[0]), [2, 4], 'which takes all calls');
      registerOwnKernel('AirTestMultiple', backend, { kernelFunc: doubling, handles: () => false });
      assert.deepEqual(await read(multiple({ x }, { factor: 3 })[0]), [3, 6], 'which takes none');
      x.dispose();
    });

    it('must have somebody to leave them to', () => {
      registerOwnKernel('AirTestNothing', backend, { kernelFunc: doubling, handles: () => false });
      assert.throws(
        () => tf.engine().runKernel('AirTestNothing', { x: tf.scalar(1) }, {}),
        (error) => error instanceof AirError && error.kind === 'bug',
      );
    });
  });
});

describe('tensor ops', () => {
  const seen = defineOp<{ x: tf.Tensor }, Record<string, never>, [tf.Tensor]>({
    name: 'AirTestSeen',
    composite: (ops, { x }) => {
      given = ops;
      return [ops.neg(x)];
    },
  });
  let given: TensorOps | undefined;

  it('are those that the running backend has registered, else those of tfjs', async () => {
    const own: TensorOps = { ...tfjsOps, neg: (x) => tf.mul(x, -10) };
    await startBackend('cpu');
    assert.deepEqual(await read(seen({ x: tf.tensor1d([1, 2]) }, {})[0]), [-1, -2]);
    assert.equal(given, tfjsOps);
    try {
      useTensorOps('cpu', own);
      assert.deepEqual(await read(seen({ x: tf.tensor1d([1, 2]) }, {})[0]), [-10, -20]);
      assert.equal(given, own);
      await startBackend('wasm');
      assert.equal(tensorOps(), tfjsOps, 'of one backend alone');
    } finally {
      useTensorOps('cpu', tfjsOps);
    }
  });
});

describe('a list of inputs', () => {
  it('is numbered, and the same list again', () => {
    const [a, b, c] = [tf.scalar(1), tf.scalar(2), tf.scalar(3)];
    const inputs = { ...numbered('x', [a, b]), ...numbered('y', [c]), z: c };
    assert.deepEqual(Object.keys(inputs), ['x0', 'x1', 'y0', 'z']);
    assert.deepEqual(
      ['x', 'y', 'z', 'none'].map((name) => listed<tf.Tensor>(inputs, name).map(({ id }) => id)),
      [[a.id, b.id], [c.id], [], []],
    );
    tf.dispose([a, b, c]);
  });

  it('keeps its order beyond ten', () => {
    const tensors = Array.from({ length: 12 }, (_, i) => tf.scalar(i));
    assert.deepEqual(listed(numbered('x', tensors), 'x'), tensors);
    tf.dispose(tensors);
  });
});
