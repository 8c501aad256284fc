/** The LSTM cell, likelihoods, normals, the sum over the count, and updates, against float64. */
import assert from 'node:assert/strict';
import { it } from 'node:test';
import * as tf from '@tensorflow/tfjs';
import { random, type Values } from '../../support/random.js';
import { assertValues, multiply, onEachBuild, run } from './harness.js';

const sigmoid = (x: number) => 1 / (1 + Math.exp(-x));
const softplus = (x: number) => Math.max(x, 0) + Math.log1p(Math.exp(-Math.abs(x)));

/** log softplus(x): log(e^x (1 - e^x / 2)) far below zero. */
function logSoftplus(x: number): number {
  return x < -30 ? x : Math.log(softplus(x));
}

function sumOf(values: ArrayLike<number>): number {
  return Array.from(values).reduce((a, b) => a + b, 0);
}

/** NAME0, NAME1, ... */
function numbered(name: string, all: readonly Values[]): { [name: string]: Values } {
  return Object.fromEntries(all.map((each, i) => [`${name}${i}`, each]));
}

onEachBuild(() => {
  for (const [batch, sizes, hidden] of [
    [1, [1], 1],
    [3, [4, 3], 3],
    [7, [31, 3, 15, 1], 10],
    [33, [256, 3, 20, 1], 128],
  ] as [number, number[], number][]) {
    it(`steps an LSTM [${batch},${sizes.join('+')}] -> ${hidden}, and differentiates`, () => {
      const inputs = sumOf(sizes);
      const [h, c] = [random([batch, hidden]), random([batch, hidden], 2)];
      const parts = sizes.map((size) => random([batch, size]));
      const scale = 2 / Math.sqrt(inputs + hidden); // gates that are neither open nor shut
      const [weightIh, weightHh] = [random([4 * hidden, inputs], scale), random([4 * hidden, hidden], scale)];
      const [biasIh, biasHh] = [random([4 * hidden]), random([4 * hidden])];
      const weights = { weightIh, weightHh, biasIh, biasHh };
      const [hNext, cNext, gates, x] = run('AirLstmCell', { ...numbered('x', parts), h, c, ...weights });

      const sideBySide = Array.from({ length: batch }, (_, b) =>
        parts.flatMap(({ data, shape: [, size] }) => Array.from(data.subarray(b * size, (b + 1) * size))),
      ).flat();
      assertValues(x, [batch, inputs], sideBySide, 0, 'x');
      const ofH = multiply(h, weightHh, false, true);
      const pre = multiply(x, weightIh, false, true).map(
        (v, i) => v + ofH[i] + biasIh.data[i % (4 * hidden)] + biasHh.data[i % (4 * hidden)],
      );
      const isG = (i: number) => Math.floor((i % (4 * hidden)) / hidden) === 2;
      const expectedGates = pre.map((v, i) => (isG(i) ? Math.tanh(v) : sigmoid(v)));
      const gate = (k: number, i: number) => Math.floor(i / hidden) * 4 * hidden + k * hidden + (i % hidden);
      const size = batch * hidden;
      const expected = { h: new Float64Array(size), c: new Float64Array(size) };
      for (let i = 0; i < size; i++) {
        const [inGate, forget, g, o] = [0, 1, 2, 3].map((k) => expectedGates[gate(k, i)]);
        expected.c[i] = forget * c.data[i] + inGate * g;
        expected.h[i] = o * Math.tanh(expected.c[i]);
      }
      assertValues(gates, [batch, 4 * hidden], expectedGates, 1e-5, 'gates');
      assertValues(cNext, [batch, hidden], expected.c, 1e-5, 'c');
      assertValues(hNext, [batch, hidden], expected.h, 1e-5, 'h');

      for (const [uses, hasDc] of [
        [1, false],
        [1, true],
        [2, false],
        [2, true],
      ] as const) {
        const dhs = Array.from({ length: uses }, () => random([batch, hidden]));
        const dc = random([batch, hidden]);
        const dcBefore = new Float64Array(size);
        const dPre = new Float64Array(4 * size);
        for (let i = 0; i < size; i++) {
          const [inGate, forget, g, o] = [0, 1, 2, 3].map((k) => expectedGates[gate(k, i)]);
          const t = Math.tanh(expected.c[i]);
          const dh = sumOf(dhs.map(({ data }) => data[i]));
          const d = (hasDc ? dc.data[i] : 0) + dh * o * (1 - t * t);
          dcBefore[i] = d * forget;
          dPre[gate(0, i)] = d * g * inGate * (1 - inGate);
          dPre[gate(1, i)] = d * c.data[i] * forget * (1 - forget);
          dPre[gate(2, i)] = d * inGate * (1 - g * g);
          dPre[gate(3, i)] = dh * t * o * (1 - o);
        }
        const asMatrix = { shape: [batch, 4 * hidden], data: dPre };
        const dx = multiply(asMatrix, weightIh);
        // of all parts, and of the first ones alone
        for (const asked of [sizes, sizes.slice(0, -1)]) {
          const given = { ...numbered('dh', dhs), gates, c, cNext, weightIh, weightHh };
          const results = run('AirLstmCellGrad', hasDc ? { ...given, dc } : given, { sizes: asked });
          assert.equal(results.length, 3 + asked.length);
          const what = `with ${uses} dh, ${hasDc ? 'dc' : 'no dc'}`;
          assertValues(results[0], [batch, 4 * hidden], dPre, 1e-5, `dPre ${what}`, 0.1);
          assertValues(results[1], [batch, hidden], multiply(asMatrix, weightHh), 1e-5, `dh before ${what}`, 0.1);
          assertValues(results[2], [batch, hidden], dcBefore, 1e-5, `dc before ${what}`, 0.1);
          asked.forEach((width, k) => {
            const start = sumOf(sizes.slice(0, k));
            const own = dx.filter((_, i) => i % inputs >= start && i % inputs < start + width);
            assertValues(results[3 + k], [batch, width], own, 1e-5, `dx${k} ${what}`, 0.1);
          });
        }
      }
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
      const [dy, sd, n] = [random([batch, 1]), 0.3, height * width];
      const d = images.data.map((x, i) => x - canvas.data[i]);
      const expected = Float64Array.from({ length: batch }, (_, b) => {
        const squares = Array.from(d.subarray(b * n, (b + 1) * n), (v) => v * v);
        return -sumOf(squares) / (2 * sd * sd) - n * Math.log(sd * Math.sqrt(2 * Math.PI));
      });
      const [logLik] = run('AirImageLogLik', { images, canvas }, { sd });
      logLik.data.forEach((v, b) => {
        assert.ok(Math.abs(v - expected[b]) <= 5e-7 * Math.abs(expected[b]), `${v}, expected ${expected[b]}`);
      });
      assert.deepEqual(logLik.shape, [batch, 1]);
      const [dCanvas] = run('AirImageLogLikGrad', { dy, images, canvas }, { sd });
      const expectedGrad = Float64Array.from(d, (v, i) => (dy.data[Math.floor(i / n)] * v) / (sd * sd));
      assertValues(dCanvas, [batch, height, width], expectedGrad, 1e-6, 'dCanvas');
      const later = random([batch, height, width], 10);
      const [total] = run('AirImageLogLikGrad', { dy, images, canvas, later }, { sd });
      const expectedTotal = expectedGrad.map((v, i) => v + later.data[i]);
      assertValues(total, [batch, height, width], expectedTotal, 1e-6, 'dCanvas and what was drawn later');
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
      const [rest] = run('AirResidual', { images, canvas }, { pool });
      assertValues(rest, [batch, rows * columns], expected, 1e-6, 'rest');
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
      const each = batch * size;
      const expected = { loc: new Float64Array(each), scale: new Float64Array(each), sample: new Float64Array(each) };
      const kl = new Float64Array(batch);
      for (let i = 0; i < each; i++) {
        const [b, d] = [Math.floor(i / size), i % size];
        const raw = head.data[b * width + offset + d];
        const rawScale = head.data[b * width + offset + size + d];
        const [unit, prior] = [softplus(rawScale), priorScale.data[d]];
        expected.loc[i] = raw + priorLoc.data[d];
        expected.scale[i] = unit * prior;
        expected.sample[i] = expected.loc[i] + expected.scale[i] * noise.data[i];
        kl[b] += -logSoftplus(rawScale) + (unit ** 2 + (raw / prior) ** 2) / 2 - 0.5;
      }
      const results = run('AirNormalHead', { head, noise, priorLoc, priorScale }, { offset, klKind: 'analytic' });
      assertValues(results[0], [batch, size], expected.sample, 1e-6, 'sample');
      assertValues(results[1], [batch, size], expected.loc, 1e-6, 'loc');
      assertValues(results[2], [batch, size], expected.scale, 1e-6, 'scale');
      assert.deepEqual(results[3].shape, [batch, 1]);
      results[3].data.forEach((v, b) => {
        const tolerance = 1e-6 * (Math.abs(kl[b]) + size);
        assert.ok(Math.abs(v - kl[b]) <= tolerance, `kl ${b}: ${v}, expected ${kl[b]}`);
      });
      for (const uses of [1, 2, 3]) {
        const dSamples = Array.from({ length: uses }, () => random([batch, size]));
        const [dKl, dBefore] = [random([batch, 1]), random([batch, offset])];
        const dHead = new Float64Array(batch * width);
        for (let b = 0; b < batch; b++) dHead.set(dBefore.data.subarray(b * offset, (b + 1) * offset), b * width);
        for (let i = 0; i < each; i++) {
          const [b, d] = [Math.floor(i / size), i % size];
          const raw = head.data[b * width + offset + d];
          const rawScale = head.data[b * width + offset + size + d];
          const [unit, prior] = [softplus(rawScale), priorScale.data[d]];
          const dSample = sumOf(dSamples.map(({ data }) => data[i]));
          dHead[b * width + offset + d] = dSample + (dKl.data[b] * raw) / prior ** 2;
          const ofScale = dSample * noise.data[i] * prior * sigmoid(rawScale);
          const slopeOfLog = rawScale < -30 ? 1 : sigmoid(rawScale) / unit;
          dHead[b * width + offset + size + d] = ofScale + dKl.data[b] * (unit * sigmoid(rawScale) - slopeOfLog);
        }
        const given = { ...numbered('dSample', dSamples), dKl, head, noise, priorScale };
        const [gradient] = run('AirNormalHeadGrad', offset > 0 ? { ...given, dBefore } : given, {
          offset,
          klKind: 'analytic',
        });
        assert.deepEqual(gradient.shape, [batch, width]);
        gradient.data.forEach((v, i) => {
          const error = Math.abs(v - dHead[i]);
          assert.ok(error <= 2e-6 * (Math.abs(dHead[i]) + 1), `dHead ${i}: ${v}, expected ${dHead[i]}`);
        });
      }
    });
  }

  for (const [batch, steps] of [
    [1, 1],
    [9, 3],
    [3, 5],
  ]) {
    for (const hasLessons of [false, true]) {
      it(`differentiates the ELBO over 0..${steps} objects${hasLessons ? ', and weights of counts' : ''}`, () => {
        const zPresLogits = random([batch, steps], 4);
        const logLik = random([batch, steps + 1], 500);
        const [whereKl, whatKl] = [random([batch, steps], 20), random([batch, steps], 20)];
        const countWeights = random([batch, steps + 1], hasLessons ? 100 : 0);
        const logPrior = Array.from({ length: steps + 1 }, (_, n) => -13 * n - 1e-6);
        const scale = -1 / 7;
        /** The ELBO of one image from its numbers, and what its countWeights say of q(n). */
        const objectiveOf = (lesson: number[], [logits, likelihoods, wheres, whats]: number[][]) => {
          let [total, goOn, cost] = [0, 0, 0];
          for (let n = 0; n <= steps; n++) {
            const logQ = n < steps ? goOn - softplus(logits[n]) : goOn;
            total += Math.exp(logQ) * (likelihoods[n] + logPrior[n] - logQ - cost) + lesson[n] * logQ;
            if (n < steps) [goOn, cost] = [goOn - softplus(-logits[n]), cost + wheres[n] + whats[n]];
          }
          return total;
        };
        const rowOf = ({ data, shape }: Values, b: number) => Array.from(data.slice(b * shape[1], (b + 1) * shape[1]));
        const inputs = { zPresLogits, logLik, whereKl, whatKl };
        const given = hasLessons ? { ...inputs, countWeights } : inputs;
        const gradients = run('AirEnumeratedElboGrad', given, { logPrior, scale });
        const all = Object.values(inputs);
        const expected = all.map(({ data }) => new Float64Array(data.length));
        for (let b = 0; b < batch; b++) {
          const rows = all.map((values) => rowOf(values, b));
          const lesson = rowOf(countWeights, b);
          rows.forEach((row, which) => {
            row.forEach((value, t) => {
              const moved = (by: number) => objectiveOf(lesson, rows.with(which, row.with(t, value + by)));
              expected[which][b * row.length + t] = (scale * (moved(1e-4) - moved(-1e-4))) / 2e-4;
            });
          });
        }
        assert.equal(gradients.length, 3);
        assertValues(gradients[0], [batch, steps], expected[0], 1e-5, 'dZPresLogits');
        assertValues(gradients[1], [batch, steps + 1], expected[1], 1e-5, 'dLogLik');
        assertValues(gradients[2], [batch, steps], expected[2], 1e-5, 'dKl of z_where');
        assertValues(gradients[2], [batch, steps], expected[3], 1e-5, 'dKl of z_what');
      });
    }
  }

  for (const shapes of [[[1]], [[0]], [[7, 3], [5], [50, 50], [0], [1], [2, 3]]]) {
    it(`takes a step of Adam with weights ${shapes.map((shape) => `[${shape}]`).join(' ')}`, () => {
      const [params, grads] = [shapes.map((shape) => random(shape)), shapes.map((shape) => random(shape))];
      const total = sumOf(shapes.map((shape) => tf.util.sizeFromShape(shape)));
      const [m, v] = [random([total], 0.1), random([total], 0.1)];
      v.data.forEach((value, i) => {
        v.data[i] = value ** 2;
      });
      const attrs = { rate: 2e-3, beta1: 0.9, beta2: 0.999, epsilon: 1e-8, correction1: 0.19, correction2: 0.002 };
      const g = grads.flatMap(({ data }) => Array.from(data));
      const mNext = Float64Array.from(m.data, (value, i) => 0.9 * value + (1 - 0.9) * g[i]);
      const vNext = Float64Array.from(v.data, (value, i) => 0.999 * value + (1 - 0.999) * g[i] ** 2);
      const given = { ...numbered('param', params), ...numbered('grad', grads), m, v };
      const results = run('AirAdam', given, attrs);
      assert.equal(results.length, 2 + shapes.length);
      assertValues(results[0], [total], mNext, 1e-6, 'm');
      assertValues(results[1], [total], vNext, 1e-6, 'v');
      let start = 0;
      params.forEach(({ shape, data }, k) => {
        const moved = Float64Array.from(data, (value, i) => {
          const at = start + i;
          return value - (2e-3 * (mNext[at] / 0.19)) / (Math.sqrt(vNext[at] / 0.002) + 1e-8);
        });
        assertValues(results[2 + k], shape, moved, 1e-6, `param ${k}`);
        start += data.length;
      });
    });
  }

  it('adds gradients', () => {
    const shapes = [[7, 3], [5], [1, 2, 3]];
    const [sums, parts] = [shapes.map((shape) => random(shape)), shapes.map((shape) => random(shape))];
    const totals = run('AirAccumulate', { ...numbered('sum', sums), ...numbered('part', parts) });
    assert.equal(totals.length, shapes.length);
    for (const [k, { shape, data }] of sums.entries()) {
      const expected = Float64Array.from(data, (value, i) => value + parts[k].data[i]);
      assertValues(totals[k], shape, expected, 1e-7, `sum ${k}`);
    }
  });

  it('updates in place only what no other tensor holds', async () => {
    const attrs = { rate: 1, beta1: 0, beta2: 0, epsilon: 1e-8, correction1: 1, correction2: 1 };
    const [param0, param1] = [tf.tensor1d([5, 5]), tf.tensor1d([7])];
    const [grad0, grad1] = [tf.tensor1d([1, 1]), tf.tensor1d([1])];
    const [m, v] = [tf.zeros([3]), tf.zeros([3])];
    const copies = [tf.clone(param0), tf.reshape(m, [1, 3])];
    const inputs = { param0, grad0, param1, grad1, m, v };
    const [mNext, vNext, next0, next1] = tf.engine().runKernel('AirAdam', inputs, attrs) as unknown as tf.Tensor[];
    assert.deepEqual([...(await next0.data())], [4, 4]);
    assert.deepEqual([...(await next1.data())], [6]);
    assert.deepEqual([...(await mNext.data())], [1, 1, 1]);
    assert.deepEqual([...(await copies[0].data())], [5, 5], 'a clone keeps its numbers');
    assert.deepEqual([...(await copies[1].data())], [0, 0, 0], 'a reshape keeps its numbers');
    assert.equal(vNext.dataId, v.dataId, 'v is held by nobody else');
    assert.equal(next1.dataId, param1.dataId, 'nor is the second weight');
    tf.dispose([...Object.values(inputs), mNext, vNext, next0, next1, ...copies]);
  });

  it('multiplies by weights as they are after an update in place', async () => {
    // tfjs's own product packs its right operand once per tensor and never looks again
    const x = tf.ones<tf.Rank.R2>([8, 64]);
    const param0 = tf.ones<tf.Rank.R2>([64, 16]);
    const rest = { grad0: tf.ones([64, 16]), m: tf.zeros([1024]), v: tf.zeros([1024]) };
    const before = tf.matMul(x, param0);
    const attrs = { rate: 1, beta1: 0, beta2: 0, epsilon: 0, correction1: 1, correction2: 1 };
    const outputs = tf.engine().runKernel('AirAdam', { param0, ...rest }, attrs) as unknown as tf.Tensor2D[];
    const next = outputs[2];
    assert.equal(next.dataId, param0.dataId, 'the update was in place');
    const after = tf.matMul(x, next);
    assert.equal((await before.data())[0], 64);
    assert.equal((await after.data())[0], 0);
    tf.dispose([x, param0, before, after, ...outputs, ...Object.values(rest)]);
  });
});
