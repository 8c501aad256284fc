/** Products and perceptrons on ragged sizes against float64. */
import assert from 'node:assert/strict';
import { it } from 'node:test';
import type * as tf from '@tensorflow/tfjs';
import { defineOp } from '#air/core/ops/op.js';
import { random, type Values } from '../../support/random.js';
import { assertValues, multiply, onEachBuild, run } from './harness.js';

const SIZES = [
  [1, 1, 1],
  [3, 7, 2],
  [4, 8, 16],
  [7, 3, 50],
  [5, 9, 513],
  [50, 50, 50],
  [64, 7, 200],
  [13, 20, 1100],
  [66, 41, 129],
];

function activated(pre: Float64Array, activation: string): Float64Array {
  if (activation === 'relu') return pre.map((x) => Math.max(x, 0));
  if (activation === 'elu') return pre.map((x) => (x < 0 ? Math.expm1(x) : x));
  if (activation === 'softplus') return pre.map((x) => Math.log1p(Math.exp(x)));
  return activation === 'sigmoid' ? pre.map((x) => 1 / (1 + Math.exp(-x))) : pre;
}

/** The derivative, told by the output. */
function slope(y: number, activation: string): number {
  if (activation === 'relu') return Number(y > 0);
  if (activation === 'elu') return 1 + Math.min(0, y);
  if (activation === 'softplus') return 1 - Math.exp(-y);
  return activation === 'sigmoid' ? y * (1 - y) : 1;
}

onEachBuild(() => {
  for (const [m, n, k] of SIZES) {
    for (const [transposeA, transposeB] of [
      [false, false],
      [false, true],
      [true, false],
      [true, true],
    ]) {
      it(`multiplies [${m},${k}]${transposeA ? ' stored transposed' : ''} by [${k},${n}]${transposeB ? ' stored transposed' : ''}`, () => {
        const a = random(transposeA ? [k, m] : [m, k]);
        const b = random(transposeB ? [n, k] : [k, n]);
        const [c] = run('BatchMatMul', { a, b }, { transposeA, transposeB });
        assertValues(c, [m, n], multiply(a, b, transposeA, transposeB), 1e-5, 'product');
      });
    }
  }

  it('takes sizes of zero', () => {
    for (const [m, n, k] of [
      [0, 3, 2],
      [3, 0, 2],
      [3, 2, 0],
    ]) {
      for (const transposeA of [false, true]) {
        const inputs = { a: random(transposeA ? [k, m] : [m, k]), b: random([k, n]) };
        const [c] = run('BatchMatMul', inputs, { transposeA, transposeB: false });
        assertValues(c, [m, n], new Float64Array(m * n), 0, 'product');
      }
    }
  });

  it('leaves perceptrons with an activation that it does not know to the composites', () => {
    const left: string[] = [];
    for (const name of ['AirMlp', 'AirMlpGrad']) {
      defineOp<{ x: tf.Tensor }, Record<string, never>, [tf.Tensor]>({
        name,
        composite: (ops, { x }) => {
          left.push(name);
          return [ops.neg(x)];
        },
      });
      const x = random([2, 3]);
      const [y] = run(name, { x }, { activation: 'none that there is', shift: 0 });
      assertValues(
        y,
        [2, 3],
        x.data.map((value) => -value),
        0,
        'what the composite says',
      );
    }
    assert.deepEqual(left, ['AirMlp', 'AirMlpGrad']);
  });

  it('refuses shapes that do not fit', () => {
    assert.throws(
      () => run('BatchMatMul', { a: random([2, 3]), b: random([4, 2]) }),
      /expected a tensor float32 \[3,2\], got float32 \[4,2\]/,
    );
  });

  it('gives a row the same bytes whatever else is in the batch', () => {
    const [x, b] = [random([37, 130]), random([29, 130])];
    const [all] = run('BatchMatMul', { a: x, b }, { transposeA: false, transposeB: true });
    for (const row of [0, 1, 6, 36]) {
      const alone = { shape: [1, 130], data: x.data.slice(row * 130, (row + 1) * 130) };
      const [one] = run('BatchMatMul', { a: alone, b }, { transposeA: false, transposeB: true });
      assert.deepEqual(one.data, all.data.slice(row * 29, (row + 1) * 29));
    }
  });

  for (const activation of ['linear', 'relu', 'elu', 'softplus', 'sigmoid']) {
    for (const [batch, outputs, inputs] of SIZES) {
      it(`runs a ${activation} layer [${batch},${inputs}] -> ${outputs} and its gradient`, () => {
        const [x, weight, bias] = [random([batch, inputs]), random([outputs, inputs], 0.3), random([outputs])];
        const shift = -0.5;
        const pre = multiply(x, weight, false, true).map((value, i) => value + bias.data[i % outputs] + shift);
        const expected = activated(pre, activation);
        const [y] = run('AirMlp', { x, weight0: weight, bias0: bias }, { hidden: 'relu', output: activation, shift });
        assertValues(y, [batch, outputs], expected, 1e-5, 'y');

        const dy = random([batch, outputs]);
        const given = { dy, y0: y, weight0: weight };
        const [dPre, dx] = run('AirMlpGrad', given, { hidden: 'relu', output: activation, wantsDx: true });
        const expectedDPre = Float64Array.from(dy.data, (d, i) => d * slope(y.data[i], activation));
        assertValues(dPre, [batch, outputs], expectedDPre, 1e-6, 'dPre');
        const asMatrix = { shape: [batch, outputs], data: expectedDPre };
        assertValues(dx, [batch, inputs], multiply(asMatrix, weight), 1e-5, 'dx');
        const withoutDx = run('AirMlpGrad', given, { hidden: 'relu', output: activation, wantsDx: false });
        assert.deepEqual(withoutDx, [dPre]);
      });
    }
  }

  for (const activation of ['linear', 'relu', 'elu', 'softplus', 'sigmoid']) {
    for (const [batch, inputs, wide, outputs] of [
      [1, 1, 1, 1],
      [7, 50, 3, 2],
      [5, 130, 66, 41],
    ]) {
      it(`runs a ReLU layer and a ${activation} one [${batch},${inputs}] -> ${wide} -> ${outputs}, and their gradient`, () => {
        const x = random([batch, 1, inputs]); // as of a picture
        const [weight0, bias0] = [random([wide, inputs], 0.3), random([wide])];
        const [weight1, bias1] = [random([outputs, wide], 0.3), random([outputs])];
        const shift = 0.25;
        const [y0, y1] = run(
          'AirMlp',
          { x, weight0, bias0, weight1, bias1 },
          { hidden: 'relu', output: activation, shift },
        );
        const rows = { shape: [batch, inputs], data: x.data };
        const pre0 = multiply(rows, weight0, false, true).map((value, i) => value + bias0.data[i % wide]);
        assertValues(y0, [batch, wide], activated(pre0, 'relu'), 1e-5, 'y of the first');
        const pre1 = multiply(y0, weight1, false, true).map((value, i) => value + bias1.data[i % outputs] + shift);
        assertValues(y1, [batch, outputs], activated(pre1, activation), 1e-5, 'y of the second');

        const dy = random([batch, outputs]);
        const given = { dy, y0, y1, weight0, weight1 };
        const [dPre0, dPre1, dx] = run('AirMlpGrad', given, { hidden: 'relu', output: activation, wantsDx: true });
        const expected1 = Float64Array.from(dy.data, (d, i) => d * slope(y1.data[i], activation));
        const d0 = multiply({ shape: [batch, outputs], data: expected1 }, weight1);
        const expected0 = d0.map((d, i) => d * slope(y0.data[i], 'relu'));
        assertValues(dPre1, [batch, outputs], expected1, 1e-6, 'dPre of the second');
        assertValues(dPre0, [batch, wide], expected0, 1e-5, 'dPre of the first');
        const expectedDx = multiply({ shape: [batch, wide], data: expected0 }, weight0);
        assertValues(dx, [batch, inputs], expectedDx, 1e-5, 'dx');
        const withoutDx = run('AirMlpGrad', given, { hidden: 'relu', output: activation, wantsDx: false });
        assert.deepEqual(withoutDx, [dPre0, dPre1]);
      });
    }
  }

  for (const steps of [1, 2, 3]) {
    for (const [batch, outputs, inputs] of SIZES) {
      it(`sums the gradients of a layer [${batch},${inputs}] -> ${outputs} over ${steps} steps`, () => {
        const ds = Array.from({ length: steps }, () => random([batch, outputs]));
        const xs = Array.from({ length: steps }, () => random([batch, inputs]));
        const named = (name: string, all: Values[]) => Object.fromEntries(all.map((each, t) => [`${name}${t}`, each]));
        const [dWeight, dBias] = run('AirLinearGrad', { ...named('d', ds), ...named('x', xs) });
        const [expectedWeight, expectedBias] = [new Float64Array(outputs * inputs), new Float64Array(outputs)];
        for (const [t, d] of ds.entries()) {
          multiply(d, xs[t], true).forEach((value, i) => {
            expectedWeight[i] += value;
          });
          d.data.forEach((value, i) => {
            expectedBias[i % outputs] += value;
          });
        }
        assertValues(dWeight, [outputs, inputs], expectedWeight, 1e-5, 'dWeight');
        assertValues(dBias, [outputs], expectedBias, 1e-5, 'dBias');
      });
    }
  }

  it('takes the inputs of a layer in any shape', () => {
    const [d, x] = [random([6, 5]), random([6, 4, 7])];
    const flat = { shape: [6, 28], data: x.data };
    assert.deepEqual(run('AirLinearGrad', { d0: d, x0: x }), run('AirLinearGrad', { d0: d, x0: flat }));
  });

  it('takes a batch of no rows', () => {
    const [weight0, bias0] = [random([3, 2]), random([3])];
    const none = random([0, 3]);
    const [y] = run('AirMlp', { x: random([0, 2]), weight0, bias0 }, { hidden: 'relu', output: 'relu', shift: 0 });
    assert.deepEqual(y.shape, [0, 3]);
    const [dPre, dx] = run(
      'AirMlpGrad',
      { dy: none, y0: y, weight0 },
      { hidden: 'relu', output: 'relu', wantsDx: true },
    );
    assert.deepEqual(
      [dPre.shape, dx.shape],
      [
        [0, 3],
        [0, 2],
      ],
    );
    const [dWeight, dBias] = run('AirLinearGrad', { d0: none, x0: random([0, 2]) });
    assertValues(dWeight, [3, 2], new Float64Array(6), 0, 'dWeight');
    assertValues(dBias, [3], new Float64Array(3), 0, 'dBias');
  });

  it('refuses weights that do not fit', () => {
    const layer = { weight0: random([4, 3]), bias0: random([4]) };
    assert.throws(
      () => run('AirMlp', { x: random([2, 5]), ...layer }, { hidden: 'relu', output: 'relu', shift: 0 }),
      /expected a tensor float32 \[4,5\], got float32 \[4,3\]/,
    );
    assert.throws(
      () =>
        run('AirLinearGrad', {
          d0: random([2, 3]),
          d1: random([3, 3]),
          x0: random([2, 4]),
          x1: random([2, 4]),
        }),
      /expected a tensor float32 \[2,3\], got float32 \[3,3\]/,
    );
  });

  it('saturates the sigmoid', () => {
    const x = { shape: [1, 9], data: Float32Array.of(-1000, -100, -87, -20, 0, 20, 87, 100, 1000) };
    const weight0 = { shape: [9, 9], data: Float32Array.from({ length: 81 }, (_, i) => Number(i % 10 === 0)) };
    const bias0 = { shape: [9], data: new Float32Array(9) };
    const [y] = run('AirMlp', { x, weight0, bias0 }, { hidden: 'relu', output: 'sigmoid', shift: 0 });
    const expected = x.data.map((value) => 1 / (1 + Math.exp(-value)));
    y.data.forEach((value, i) => {
      assert.ok(Math.abs(value - expected[i]) <= 3e-7 * expected[i] + 2e-38, `sigmoid(${x.data[i]}): ${value}`);
    });
  });
});
