/** Products and dense layers on ragged sizes against float64. */
import assert from 'node:assert/strict';
import { it } from 'node:test';
import { assertClose, multiply, onEachBuild, random, run } from './harness.js';

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
  return activation === 'sigmoid' ? pre.map((x) => 1 / (1 + Math.exp(-x))) : pre;
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
        const [c] = run('AirMatMul', { a, b }, { transposeA, transposeB });
        assertClose(c, [m, n], multiply(a, b, transposeA, transposeB), 1e-5, 'product');
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
        const [c] = run('AirMatMul', inputs, { transposeA, transposeB: false });
        assertClose(c, [m, n], new Float64Array(m * n), 0, 'product');
      }
    }
  });

  it('refuses shapes that do not fit', () => {
    assert.throws(
      () => run('AirMatMul', { a: random([2, 3]), b: random([4, 2]) }),
      /expected a tensor float32 \[3,2\], got float32 \[4,2\]/,
    );
  });

  it('gives a row the same bytes whatever else is in the batch', () => {
    const [x, b] = [random([37, 130]), random([29, 130])];
    const [all] = run('AirMatMul', { a: x, b }, { transposeA: false, transposeB: true });
    for (const row of [0, 1, 6, 36]) {
      const alone = { shape: [1, 130], data: x.data.slice(row * 130, (row + 1) * 130) };
      const [one] = run('AirMatMul', { a: alone, b }, { transposeA: false, transposeB: true });
      assert.deepEqual(one.data, all.data.slice(row * 29, (row + 1) * 29));
    }
  });

  for (const activation of ['linear', 'relu', 'sigmoid']) {
    for (const [batch, outputs, inputs] of SIZES) {
      it(`runs a ${activation} layer [${batch},${inputs}] -> ${outputs} and its gradient`, () => {
        const [x, weight, bias] = [random([batch, inputs]), random([outputs, inputs], 0.3), random([outputs])];
        const shift = -0.5;
        const pre = multiply(x, weight, false, true).map((value, i) => value + bias.data[i % outputs] + shift);
        const expected = activated(pre, activation);
        const [y] = run('AirDense', { x, weight, bias }, { activation, shift });
        assertClose(y, [batch, outputs], expected, 1e-5, 'y');

        const dy = random([batch, outputs]);
        const [dPre, dWeight, dBias] = run('AirDenseGrad', { dy, y, x }, { activation });
        const slope = (v: number) =>
          activation === 'relu' ? Number(v > 0) : activation === 'sigmoid' ? v * (1 - v) : 1;
        const expectedDPre = Float64Array.from(dy.data, (d, i) => d * slope(y.data[i]));
        const asMatrix = { shape: [batch, outputs], data: expectedDPre };
        assertClose(dPre, [batch, outputs], expectedDPre, 1e-6, 'dPre');
        assertClose(dWeight, [outputs, inputs], multiply(asMatrix, x, true, false), 1e-5, 'dWeight');
        const ones = { shape: [1, batch], data: new Float64Array(batch).fill(1) };
        assertClose(dBias, [outputs], multiply(ones, asMatrix), 1e-5, 'dBias');
      });
    }
  }

  it('saturates the sigmoid', () => {
    const x = { shape: [1, 9], data: Float32Array.of(-1000, -100, -87, -20, 0, 20, 87, 100, 1000) };
    const weight = { shape: [9, 9], data: Float32Array.from({ length: 81 }, (_, i) => Number(i % 10 === 0)) };
    const bias = { shape: [9], data: new Float32Array(9) };
    const [y] = run('AirDense', { x, weight, bias }, { activation: 'sigmoid', shift: 0 });
    const expected = x.data.map((value) => 1 / (1 + Math.exp(-value)));
    y.data.forEach((value, i) => {
      assert.ok(Math.abs(value - expected[i]) <= 3e-7 * expected[i] + 2e-38, `sigmoid(${x.data[i]}): ${value}`);
    });
  });
});
