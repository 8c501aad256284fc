/** Functions that a backend may compile: what they are where none does, and what is handed to one that does. */
import assert from 'node:assert/strict';
import { afterEach, before, describe, it } from 'node:test';
import * as tf from '@tensorflow/tfjs';
import { startBackend } from '#air/backends/start.js';
import {
  type Compiler,
  compiled,
  leavesOf,
  now,
  opByOp,
  useCompiler,
  type VaryingNumbers,
  withLeaves,
} from '#air/core/ops/compiled.js';
import { read } from '../../support/backends.js';

const SETTINGS = { power: 2 };

const scaled = compiled(
  ({ power }: typeof SETTINGS, { x }: { x: tf.Tensor }, { factor }: VaryingNumbers<{ factor: number }>) => ({
    y: tf.mul(tf.pow(x, power), now(factor)),
    all: [x.clone()],
  }),
);

const plain: Compiler = { call: (run, settings, tensors, numbers) => run(settings, tensors, numbers as never) };

describe('compiled', () => {
  before(async () => {
    await startBackend('cpu');
  });
  afterEach(() => useCompiler('cpu', plain));

  it('is the function itself where no backend compiles, and keeps nothing beside what it returns', async () => {
    const x = tf.tensor1d([1, 2, 3]);
    const tensors = tf.memory().numTensors;
    const { y, all } = scaled(SETTINGS, { x }, { factor: 10 });
    assert.equal(tf.memory().numTensors, tensors + 2);
    assert.deepEqual(await read(y), [10, 40, 90]);
    tf.dispose([x, all]);
  });

  it('is what the compiler of the running backend makes of it, but not while every op is to be seen', async () => {
    const calls: unknown[] = [];
    useCompiler('cpu', {
      call(run, settings, tensors, numbers) {
        calls.push({ settings, numbers });
        return run(settings, tensors, { factor: () => 7 } as never);
      },
    });
    useCompiler('elsewhere', { call: () => assert.fail('not the backend that runs') });
    const x = tf.tensor1d([1]);
    assert.deepEqual(await read(scaled(SETTINGS, { x }, { factor: 3 }).y), [7]);
    assert.deepEqual(calls, [{ settings: SETTINGS, numbers: { factor: 3 } }]);
    const alone = await opByOp(async () => scaled(SETTINGS, { x }, { factor: 3 }));
    assert.deepEqual(await read(alone.y), [3]);
    await assert.rejects(opByOp(() => Promise.reject(new Error('in between'))));
    assert.deepEqual(await read(scaled(SETTINGS, { x }, { factor: 3 }).y), [7], 'and again afterwards');
  });
});

describe('leaves of a structure', () => {
  it('are its tensors in their order, and make up the structure again', () => {
    const [a, b, c] = [1, 2, 3].map((value) => tf.scalar(value));
    const tree = { list: [a, { b }], none: undefined, c };
    const leaves = leavesOf(tree);
    assert.deepEqual(
      leaves.map(({ path }) => path),
      ['/list/0', '/list/1/b', '/c'],
    );
    const others = leaves.map(({ tensor }) => tensor).toReversed();
    assert.deepEqual(withLeaves(tree, others), { list: [c, { b }], none: undefined, c: a });
    assert.deepEqual(leavesOf(a), [{ path: '', tensor: a }]);
  });
});
