/** The LSTM cell, likelihoods, normals, the sum over the count, and updates, against float64. */
import assert from 'node:assert/strict';
import { it } from 'node:test';
import * as tf from '@tensorflow/tfjs';
import { assertClose, multiply, onEachBuild, random, run, type Values } from './harness.js';

const sigmoid = (x: number) => 1 / (1 + Math.exp(-x));
const softplus = (x: number) => Math.max(x, 0) + Math.log1p(Math.exp(-Math.abs(x)));

/** log softplus(x): log(e^x (1 - e^x / 2)) far below zero. */
function logSoftplus(x: number): number {
  return x < -30 ? x : Math.log(softplus(x));
}

function sumOf(values: ArrayLike<number>): number {
  return Array.from(values).reduce((a, b) => a + b, 0);
}

onEachBuild(() => {
  for (const [batch, inputs, hidden] of [
    [1, 1, 1],
    [3, 7, 3],
    [7, 50, 10],
    [33, 280, 128],
  ]) {
    it(`steps an LSTM [${batch},${inputs}] -> ${hidden}, and differentiates`, () => {
      const [x, h, c] = [random([batch, inputs]), random([batch, hidden]), random([batch, hidden], 2)];
      const [weightIh, weightHh] = [random([4 * hidden, inputs], 0.3), random([4 * hidden, hidden], 0.3)];
      const [biasIh, biasHh] = [random([4 * hidden]), random([4 * hidden])];
      const [hNext, cNext, gates] = run('AirLstmCell', { x, h, c, weightIh, weightHh, biasIh, biasHh });

      const ofH = multiply(h, weightHh, false, true);
      const pre = multiply(x, weightIh, false, true).map(
        (v, i) => v + ofH[i] + biasIh.data[i % (4 * hidden)] + biasHh.data[i % (4 * hidden)],
      );
      const isG = (i: number) => Math.floor((i % (4 * hidden)) / hidden) === 2;
      const expectedGates = pre.map((v, i) => (isG(i) ? Math.tanh(v) : sigmoid(v)));
      const gate = (k: number, i: number) => Math.floor(i / hidden) * 4 * hidden + k * hidden + (i % hidden);
      const [dh, dc] = [random([batch, hidden]), random([batch, hidden])];
      const size = batch * hidden;
      const expected = { h: new Float64Array(size), c: new Float64Array(size), dcPrevious: new Float64Array(size) };
      const dPre = new Float64Array(4 * size);
      for (let i = 0; i < size; i++) {
        const [inGate, forget, g, o] = [0, 1, 2, 3].map((k) => expectedGates[gate(k, i)]);
        expected.c[i] = forget * c.data[i] + inGate * g;
        const t = Math.tanh(expected.c[i]);
        expected.h[i] = o * t;
        const d = dc.data[i] + dh.data[i] * o * (1 - t * t);
        expected.dcPrevious[i] = d * forget;
        dPre[gate(0, i)] = d * g * inGate * (1 - inGate);
        dPre[gate(1, i)] = d * c.data[i] * forget * (1 - forget);
        dPre[gate(2, i)] = d * inGate * (1 - g * g);
        dPre[gate(3, i)] = dh.data[i] * t * o * (1 - o);
      }
      assertClose(gates, [batch, 4 * hidden], expectedGates, 1e-5, 'gates');
      assertClose(cNext, [batch, hidden], expected.c, 1e-5, 'c');
      assertClose(hNext, [batch, hidden], expected.h, 1e-5, 'h');

      const results = run('AirLstmCellGrad', { dh, dc, gates, c, cNext, x, h });
      const asMatrix = { shape: [batch, 4 * hidden], data: dPre };
      assertClose(results[0], [batch, 4 * hidden], dPre, 1e-5, 'dPre');
      assertClose(results[1], [batch, hidden], expected.dcPrevious, 1e-5, 'dcPrevious');
      assertClose(results[2], [4 * hidden, inputs], multiply(asMatrix, x, true), 1e-5, 'dWeightIh');
      assertClose(results[3], [4 * hidden, hidden], multiply(asMatrix, h, true), 1e-5, 'dWeightHh');
      const ones = { shape: [1, batch], data: new Float64Array(batch).fill(1) };
      assertClose(results[4], [4 * hidden], multiply(ones, asMatrix), 1e-5, 'dBias');
    });
  }

  for (const [batch, height, width] of [
    [1, 1, 1],
    [3, 3, 7],
    [5, 50, 50],
    [0, 50, 50],
  ]) {
    it(`scores images [${batch},${height},${width}] to seven digits, and differentiates`, () => {
      const [images, canvas] = [random([batch, height, width]), random([batch, height, width])];
      const [dy, sd, n] = [random([batch]), 0.3, height * width];
      const d = images.data.map((x, i) => x - canvas.data[i]);
      const expected = Float64Array.from({ length: batch }, (_, b) => {
        const squares = Array.from(d.subarray(b * n, (b + 1) * n), (v) => v * v);
        return -sumOf(squares) / (2 * sd * sd) - n * Math.log(sd * Math.sqrt(2 * Math.PI));
      });
      const [logLik] = run('AirImageLogLik', { images, canvas }, { sd });
      logLik.data.forEach((v, b) => {
        assert.ok(Math.abs(v - expected[b]) <= 5e-7 * Math.abs(expected[b]), `${v}, expected ${expected[b]}`);
      });
      assert.deepEqual(logLik.shape, [batch]);
      const [dCanvas] = run('AirImageLogLikGrad', { dy, images, canvas }, { sd });
      const expectedGrad = Float64Array.from(d, (v, i) => (dy.data[Math.floor(i / n)] * v) / (sd * sd));
      assertClose(dCanvas, [batch, height, width], expectedGrad, 1e-6, 'dCanvas');
    });
  }

  it('pools what a canvas leaves unexplained', () => {
    for (const [batch, height, width, pool] of [
      [2, 50, 50, 2],
      [3, 7, 5, 2],
      [2, 50, 50, 1],
      [1, 10, 11, 3],
      [1, 1, 1, 2],
    ]) {
      const [images, canvas] = [random([batch, height, width]), random([batch, height, width])];
      const [rows, columns] = [Math.floor(height / pool), Math.floor(width / pool)];
      const expected = new Float64Array(batch * rows * columns);
      for (let i = 0; i < expected.length; i++) {
        const [b, r, c] = [Math.floor(i / (rows * columns)), Math.floor(i / columns) % rows, i % columns];
        for (let k = 0; k < pool * pool; k++) {
          const [row, column] = [r * pool + Math.floor(k / pool), c * pool + (k % pool)];
          const at = (b * height + row) * width + column;
          expected[i] += (images.data[at] - canvas.data[at]) / (pool * pool);
        }
      }
      assertClose(run('AirResidual', { images, canvas }, { pool })[0], [batch, rows * columns], expected, 1e-6, 'rest');
    }
  });

  for (const [batch, size, offset] of [
    [1, 1, 0],
    [7, 3, 1],
    [50, 20, 0],
    [5, 7, 2],
  ]) {
    it(`draws from normals [${batch},${size}] at column ${offset}, and differentiates`, () => {
      const width = offset + 2 * size;
      const [head, noise] = [random([batch, width], 3), random([batch, size])];
      const [priorLoc, priorScale] = [random([size]), random([size])];
      priorScale.data.forEach((v, d) => {
        priorScale.data[d] = 0.2 + Math.abs(v);
      });
      // the extremes a head may reach
      [-80, -16, 80].slice(0, batch).forEach((v, b) => {
        head.data[b * width + offset + size] = v;
      });
      const [dSample, dLoc, dScale] = [random([batch, size]), random([batch, size]), random([batch, size])];
      const dKl = random([batch]);
      const each = batch * size;
      const expected = { loc: new Float64Array(each), scale: new Float64Array(each), sample: new Float64Array(each) };
      const [kl, dHead] = [new Float64Array(batch), new Float64Array(batch * width)];
      for (let i = 0; i < each; i++) {
        const [b, d] = [Math.floor(i / size), i % size];
        const raw = head.data[b * width + offset + d];
        const rawScale = head.data[b * width + offset + size + d];
        const [unit, prior] = [softplus(rawScale), priorScale.data[d]];
        expected.loc[i] = raw + priorLoc.data[d];
        expected.scale[i] = unit * prior;
        expected.sample[i] = expected.loc[i] + expected.scale[i] * noise.data[i];
        kl[b] += -logSoftplus(rawScale) + (unit ** 2 + (raw / prior) ** 2) / 2 - 0.5;
        dHead[b * width + offset + d] = dSample.data[i] + dLoc.data[i] + (dKl.data[b] * raw) / prior ** 2;
        const ofScale = (dSample.data[i] * noise.data[i] + dScale.data[i]) * prior * sigmoid(rawScale);
        const slopeOfLog = rawScale < -30 ? 1 : sigmoid(rawScale) / unit;
        dHead[b * width + offset + size + d] = ofScale + dKl.data[b] * (unit * sigmoid(rawScale) - slopeOfLog);
      }
      const results = run('AirNormalHead', { head, noise, priorLoc, priorScale }, { offset });
      assertClose(results[0], [batch, size], expected.sample, 1e-6, 'sample');
      assertClose(results[1], [batch, size], expected.loc, 1e-6, 'loc');
      assertClose(results[2], [batch, size], expected.scale, 1e-6, 'scale');
      assert.deepEqual(results[3].shape, [batch]);
      results[3].data.forEach((v, b) => {
        const tolerance = 1e-6 * (Math.abs(kl[b]) + size);
        assert.ok(Math.abs(v - kl[b]) <= tolerance, `kl ${b}: ${v}, expected ${kl[b]}`);
      });
      const inputs = { dSample, dLoc, dScale, dKl, head, noise, priorScale };
      const [gradient] = run('AirNormalHeadGrad', inputs, { offset });
      assert.deepEqual(gradient.shape, [batch, width]);
      gradient.data.forEach((v, i) => {
        assert.ok(Math.abs(v - dHead[i]) <= 2e-6 * (Math.abs(dHead[i]) + 1), `dHead ${i}: ${v}, expected ${dHead[i]}`);
      });
    });
  }

  for (const [batch, steps] of [
    [1, 1],
    [9, 3],
    [3, 5],
  ]) {
    it(`sums the ELBO over 0..${steps} objects, and differentiates`, () => {
      const zPresLogits = random([batch, steps], 4);
      const [logLik, kl] = [random([batch, steps + 1], 500), random([batch, steps], 20)];
      const logPrior = Array.from({ length: steps + 1 }, (_, n) => -13 * n - 1e-6);
      const dy = random([batch]);
      /** The ELBO of one image from its numbers. */
      const elboOf = (logits: number[], likelihoods: number[], kls: number[]) => {
        let [total, goOn, cost] = [0, 0, 0];
        for (let n = 0; n <= steps; n++) {
          const logQ = n < steps ? goOn - softplus(logits[n]) : goOn;
          total += Math.exp(logQ) * (likelihoods[n] + logPrior[n] - logQ - cost);
          if (n < steps) [goOn, cost] = [goOn - softplus(-logits[n]), cost + kls[n]];
        }
        return total;
      };
      const rowOf = ({ data, shape }: Values, b: number) => Array.from(data.slice(b * shape[1], (b + 1) * shape[1]));
      const [elbo] = run('AirEnumeratedElbo', { zPresLogits, logLik, kl }, { logPrior });
      const gradients = run('AirEnumeratedElboGrad', { dy, zPresLogits, logLik, kl }, { logPrior });
      const expected = [
        new Float64Array(batch * steps),
        new Float64Array(batch * (steps + 1)),
        new Float64Array(batch * steps),
      ];
      const expectedElbo = new Float64Array(batch);
      for (let b = 0; b < batch; b++) {
        const rows = [rowOf(zPresLogits, b), rowOf(logLik, b), rowOf(kl, b)];
        expectedElbo[b] = elboOf(rows[0], rows[1], rows[2]);
        rows.forEach((row, which) => {
          row.forEach((value, t) => {
            const moved = (by: number) => rows.map((r, k) => (k === which ? r.with(t, value + by) : r));
            const [above, below] = [moved(1e-4), moved(-1e-4)];
            const slope = (elboOf(above[0], above[1], above[2]) - elboOf(below[0], below[1], below[2])) / 2e-4;
            expected[which][b * row.length + t] = dy.data[b] * slope;
          });
        });
      }
      assertClose(elbo, [batch], expectedElbo, 1e-6, 'ELBO');
      assertClose(gradients[0], [batch, steps], expected[0], 1e-5, 'dZPresLogits');
      assertClose(gradients[1], [batch, steps + 1], expected[1], 1e-5, 'dLogLik');
      assertClose(gradients[2], [batch, steps], expected[2], 1e-5, 'dKl');
    });
  }

  it('takes a step of Adam', () => {
    for (const shape of [[1], [7, 3], [50, 50], [0]]) {
      const [param, grad, m, v] = [random(shape), random(shape), random(shape, 0.1), random(shape, 0.1)];
      v.data.forEach((value, i) => {
        v.data[i] = value ** 2;
      });
      const attrs = { rate: 2e-3, beta1: 0.9, beta2: 0.999, epsilon: 1e-8, correction1: 0.19, correction2: 0.002 };
      const mNext = Float64Array.from(m.data, (value, i) => 0.9 * value + (1 - 0.9) * grad.data[i]);
      const vNext = Float64Array.from(v.data, (value, i) => 0.999 * value + (1 - 0.999) * grad.data[i] ** 2);
      const moved = Float64Array.from(
        param.data,
        (value, i) => value - (2e-3 * (mNext[i] / 0.19)) / (Math.sqrt(vNext[i] / 0.002) + 1e-8),
      );
      const results = run('AirAdam', { param, grad, m, v }, attrs);
      assertClose(results[0], shape, moved, 1e-6, 'param');
      assertClose(results[1], shape, mNext, 1e-6, 'm');
      assertClose(results[2], shape, vNext, 1e-6, 'v');
    }
  });

  it('adds gradients', () => {
    const [sum, part] = [random([7, 3]), random([7, 3])];
    const [total] = run('AirAccumulate', { sum, part });
    assertClose(
      total,
      [7, 3],
      Float64Array.from(sum.data, (v, i) => v + part.data[i]),
      1e-7,
      'sum',
    );
  });

  it('updates in place only what no other tensor holds', async () => {
    const attrs = { rate: 1, beta1: 0, beta2: 0, epsilon: 1e-8, correction1: 1, correction2: 1 };
    const [param, grad, m, v] = [tf.tensor1d([5, 5]), tf.tensor1d([1, 1]), tf.zeros([2]), tf.zeros([2])];
    const copies = [tf.clone(param), tf.reshape(m, [1, 2])];
    const [next, mNext, vNext] = tf
      .engine()
      .runKernel('AirAdam', { param, grad, m, v }, attrs) as unknown as tf.Tensor[];
    assert.deepEqual([...(await next.data())], [4, 4]);
    assert.deepEqual([...(await mNext.data())], [1, 1]);
    assert.deepEqual([...(await copies[0].data())], [5, 5], 'a clone keeps its numbers');
    assert.deepEqual([...(await copies[1].data())], [0, 0], 'a reshape keeps its numbers');
    assert.equal(vNext.dataId, v.dataId, 'v is held by nobody else');
    tf.dispose([param, grad, m, v, next, mNext, vNext, ...copies]);
  });

  it('multiplies by weights as they are after an update in place', async () => {
    // tfjs's own product packs its right operand once per tensor and never looks again
    const x = tf.ones<tf.Rank.R2>([8, 64]);
    const param = tf.ones<tf.Rank.R2>([64, 16]);
    const rest = { grad: tf.ones([64, 16]), m: tf.zeros([64, 16]), v: tf.zeros([64, 16]) };
    const before = tf.matMul(x, param);
    const attrs = { rate: 1, beta1: 0, beta2: 0, epsilon: 0, correction1: 1, correction2: 1 };
    const next = tf.engine().runKernel('AirAdam', { param, ...rest }, attrs) as unknown as tf.Tensor2D[];
    assert.equal(next[0].dataId, param.dataId, 'the update was in place');
    const after = tf.matMul(x, next[0]);
    assert.equal((await before.data())[0], 64);
    assert.equal((await after.data())[0], 0);
    tf.dispose([x, param, before, after, ...next, ...Object.values(rest)]);
  });
});
