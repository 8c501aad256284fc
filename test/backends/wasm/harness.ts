/** Runs one kernel of the wasm backend on plain arrays, and compares with references computed in float64. */
import assert from 'node:assert/strict';
import { before, describe } from 'node:test';
import * as tf from '@tensorflow/tfjs';
import { startWasm } from '#air/backends/wasm/start.js';
import { assertCloseOverall } from '../../support/assert-close.js';
import type { Values } from '../../support/random.js';

/** The tests of `body` on both builds of the kernels. */
export function onEachBuild(body: () => void): void {
  for (const relaxedSimd of ['off', 'on'] as const) {
    describe(relaxedSimd === 'on' ? 'relaxed SIMD' : 'plain SIMD', () => {
      before(async () => {
        assert.equal((await startWasm({ relaxedSimd })).relaxedSimd, relaxedSimd === 'on');
      });
      body();
    });
  }
}

/** What a kernel makes of its inputs; every tensor is disposed, and none may be left over. */
export function run(name: string, inputs: { [name: string]: Values }, attrs: tf.NamedAttrMap = {}): Values[] {
  const before = tf.memory();
  const results = tf.tidy(() => {
    const tensors = Object.fromEntries(
      Object.entries(inputs).map(([key, { shape, data }]) => [key, tf.tensor(data, shape, 'float32')]),
    );
    const out: tf.Tensor | tf.Tensor[] = tf.engine().runKernel(name, tensors, attrs);
    return [out].flat().map((tensor) => ({ shape: tensor.shape, data: tensor.dataSync<'float32'>().slice() }));
  });
  assert.deepEqual(
    [tf.memory().numTensors, tf.memory().numDataBuffers],
    [before.numTensors, before.numDataBuffers],
    `${name} leaves tensors behind`,
  );
  return results;
}

/** Exactly of that shape, and to within `tolerance` of the largest expected value, or of `floor` if that is larger. */
export function assertValues(
  actual: Values,
  shape: number[],
  expected: ArrayLike<number>,
  tolerance = 1e-5,
  what = '',
  floor = 0,
): void {
  assert.deepEqual(actual.shape, shape, `shape of ${what}`);
  assertCloseOverall(actual.data, expected, tolerance, what, floor);
}

/** op(a) op(b) in float64, where a' [k,m] is read as [m,k] when transposed. */
export function multiply(
  { shape: [aRows, aCols], data: a }: { shape: number[]; data: ArrayLike<number> },
  { shape: [bRows, bCols], data: b }: { shape: number[]; data: ArrayLike<number> },
  transposeA = false,
  transposeB = false,
): Float64Array {
  const [m, k, n] = [transposeA ? aCols : aRows, transposeA ? aRows : aCols, transposeB ? bRows : bCols];
  const out = new Float64Array(m * n);
  for (let i = 0; i < m; i++) {
    for (let p = 0; p < k; p++) {
      const left = a[transposeA ? p * m + i : i * k + p];
      for (let j = 0; j < n; j++) out[i * n + j] += left * b[transposeB ? j * k + p : p * n + j];
    }
  }
  return out;
}
