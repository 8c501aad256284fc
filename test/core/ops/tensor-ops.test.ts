/** The tensor ops of each backend against the same written out in float64. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import * as tf from '@tensorflow/tfjs';
import { type Operand, tensorOps } from '#air/core/ops/tensor-ops.js';
import { assertCloseEach, assertCloseOverall } from '../../support/assert-close.js';
import { onEachBackend, read } from '../../support/backends.js';
import { normals } from '../../support/random.js';

const sigmoid = (x: number) => 1 / (1 + Math.exp(-x));
const softplus = (x: number) => Math.max(x, 0) + Math.log1p(Math.exp(-Math.abs(x)));

/** The numbers of what an op makes of its operands; every tensor is disposed. */
function resultOf(run: () => tf.Tensor): Promise<number[]> {
  return read(tf.tidy(run));
}

type Unary = 'neg' | 'square' | 'sqrt' | 'exp' | 'log' | 'softplus' | 'sigmoid' | 'tanh' | 'relu';
const UNARY: { readonly [name in Unary]: (x: number) => number } = {
  neg: (x) => -x,
  square: (x) => x * x,
  sqrt: Math.sqrt,
  exp: Math.exp,
  log: Math.log,
  softplus,
  sigmoid,
  tanh: Math.tanh,
  relu: (x) => Math.max(0, x),
};

type Binary = 'add' | 'sub' | 'mul' | 'div' | 'squaredDifference' | 'maximum';
const BINARY: { readonly [name in Binary]: (a: number, b: number) => number } = {
  add: (a, b) => a + b,
  sub: (a, b) => a - b,
  mul: (a, b) => a * b,
  div: (a, b) => a / b,
  squaredDifference: (a, b) => (a - b) ** 2,
  maximum: Math.max,
};

/** From dy and y. */
const GRADS: { readonly [name in 'sigmoidGrad' | 'tanhGrad' | 'reluGrad']: (dy: number, y: number) => number } = {
  sigmoidGrad: (dy, y) => dy * y * (1 - y),
  tanhGrad: (dy, y) => dy * (1 - y * y),
  reluGrad: (dy, y) => (y > 0 ? dy : 0),
};

onEachBackend(() => {
  describe('number by number', () => {
    for (const name of Object.keys(UNARY) as Unary[]) {
      it(name, async () => {
        const isForPositive = name === 'sqrt' || name === 'log';
        const x = normals(24, 3).map((value) => (isForPositive ? Math.abs(value) : value));
        const y = await resultOf(() => tensorOps()[name](tf.tensor2d(x, [4, 6])));
        assertCloseOverall(y, x.map(UNARY[name]), 1e-6, name);
      });
    }

    it('softplus of very negative numbers is e^x', async () => {
      const x = [-14, -30, -60, -80];
      const y = await resultOf(() => tensorOps().softplus(tf.tensor1d(x)));
      assertCloseEach(y, x.map(Math.exp), 1e-5, 'softplus');
    });

    for (const name of Object.keys(BINARY) as Binary[]) {
      it(`${name}, broadcast, and of numbers`, async () => {
        const [all, row, column] = [normals(6), normals(3), normals(2)];
        const matrix = () => tf.tensor2d(all, [2, 3]);
        const f = BINARY[name];
        const cases: [a: () => Operand, b: () => Operand, expected: number[]][] = [
          [matrix, () => tf.tensor1d(row), all.map((value, i) => f(value, row[i % 3]))],
          [() => tf.tensor2d(column, [2, 1]), matrix, all.map((value, i) => f(column[Math.floor(i / 3)], value))],
          [matrix, () => 0.3, all.map((value) => f(value, 0.3))],
          [() => 2.5, matrix, all.map((value) => f(2.5, value))],
        ];
        for (const [a, b, expected] of cases) {
          assertCloseEach(await resultOf(() => tensorOps()[name](a(), b())), expected, 1e-6, name, 1);
        }
      });
    }

    for (const name of Object.keys(GRADS) as (keyof typeof GRADS)[]) {
      it(name, async () => {
        const [dy, y] = [normals(12), normals(12).map(name === 'sigmoidGrad' ? sigmoid : Math.tanh)];
        const dx = await resultOf(() => tensorOps()[name](tf.tensor2d(dy, [3, 4]), tf.tensor2d(y, [3, 4])));
        const expected = dy.map((value, i) => GRADS[name](value, y[i]));
        assertCloseOverall(dx, expected, 1e-6, name);
      });
    }

    it('reluGrad at 0 is 0', async () => {
      assert.deepEqual(await resultOf(() => tensorOps().reluGrad(tf.tensor1d([5]), tf.tensor1d([0]))), [0]);
    });

    it('whereLess, whatever is in the place that is not taken', async () => {
      const x = () => tf.tensor1d([-2, 0, 1]);
      const less = await resultOf(() => tensorOps().whereLess(x(), 0, 7, tf.tensor1d([Number.NaN, 5, 6])));
      assert.deepEqual(less, [7, 5, 6]);
      const more = await resultOf(() => tensorOps().whereLess(0, x(), tf.tensor1d([Number.NaN, -Infinity, 6]), 7));
      assert.deepEqual(more, [7, 7, 6]);
    });
  });

  describe('sums', () => {
    it('addBias adds to each row, and biasGrad sums over the rows', async () => {
      const [x, bias] = [normals(6), normals(3)];
      const sum = await resultOf(() => tensorOps().addBias(tf.tensor2d(x, [2, 3]), tf.tensor1d(bias)));
      assertCloseEach(
        sum,
        x.map((value, i) => value + bias[i % 3]),
        1e-6,
        'sum',
        1,
      );
      const grad = await resultOf(() => tensorOps().biasGrad(tf.tensor2d(x, [2, 3])));
      assertCloseEach(grad, [x[0] + x[3], x[1] + x[4], x[2] + x[5]], 1e-6, 'gradient', 1);
    });

    for (const count of [1, 2, 3]) {
      it(`addAll of ${count}`, async () => {
        const terms = Array.from({ length: count }, () => normals(4));
        const sum = await resultOf(() => tensorOps().addAll(terms.map((term) => tf.tensor2d(term, [2, 2]))));
        const expected = terms[0].map((_, i) => terms.reduce((total, term) => total + term[i], 0));
        assertCloseEach(sum, expected, 1e-6, 'sum', 1);
      });
    }

    it('sum along an axis', async () => {
      const x = () => tf.tensor3d([1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12], [2, 2, 3]);
      const sums: [axis: number, keepDims: boolean, shape: number[], expected: number[]][] = [
        [2, false, [2, 2], [6, 15, 24, 33]],
        [1, true, [2, 1, 3], [5, 7, 9, 17, 19, 21]],
        [0, false, [2, 3], [8, 10, 12, 14, 16, 18]],
      ];
      for (const [axis, keepDims, shape, expected] of sums) {
        const sum = tf.tidy(() => tensorOps().sum(x(), axis, keepDims));
        assert.deepEqual(sum.shape, shape);
        assert.deepEqual(await read(sum), expected);
      }
    });

    it('matMul, plain and transposed', async () => {
      const [a, aT] = [
        [1, 2, 3, 4, 5, 6],
        [1, 4, 2, 5, 3, 6],
      ];
      const [b, bT] = [
        [1, -1, 0, 2, 3, 1],
        [1, 0, 3, -1, 2, 1],
      ];
      for (const transposeA of [false, true]) {
        for (const transposeB of [false, true]) {
          const product = await resultOf(() => {
            const left = transposeA ? tf.tensor2d(aT, [3, 2]) : tf.tensor2d(a, [2, 3]);
            const right = transposeB ? tf.tensor2d(bT, [2, 3]) : tf.tensor2d(b, [3, 2]);
            return tensorOps().matMul(left, right, transposeA, transposeB);
          });
          assert.deepEqual(product, [10, 6, 22, 12], `${transposeA} ${transposeB}`);
        }
      }
    });
  });

  describe('shapes', () => {
    it('reshape', async () => {
      const reshaped = tf.tidy(() => tensorOps().reshape(tf.tensor2d([1, 2, 3, 4, 5, 6], [2, 3]), [3, 1, 2]));
      assert.deepEqual(reshaped.shape, [3, 1, 2]);
      assert.deepEqual(await read(reshaped), [1, 2, 3, 4, 5, 6]);
    });

    it('split and concat undo each other', async () => {
      for (const sizes of [[1, 3, 2], [2, 4], [6]]) {
        for (const axis of [0, 1]) {
          const values = normals(12).map(Math.fround);
          const [parts, whole] = tf.tidy(() => {
            const x = tf.tensor2d(values, axis === 0 ? [6, 2] : [2, 6]);
            const split = tensorOps().split(x, sizes, axis);
            return [split, tensorOps().concat(split, axis)];
          });
          assert.deepEqual(
            parts.map(({ shape }) => shape[axis]),
            sizes,
          );
          const last = await read(parts[parts.length - 1]);
          assert.deepEqual(last.at(-1), values.at(-1));
          tf.dispose(parts);
          assert.deepEqual(await read(whole), values);
        }
      }
    });
  });
});
