/**
 * Every op of core/ as a backend runs it against the same op in plain tfjs ops on the cpu backend: values, and gradients
 * by every input, on random inputs. AIR_TEST_BACKENDS names the backends, separated by commas.
 */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import * as tf from '@tensorflow/tfjs';
import { type BackendName, startBackend } from '#air/backends/start.js';
import { accumulate, adamStep } from '#air/core/adam.js';
import { normalFromHead } from '#air/core/distributions.js';
import { enumeratedElbo } from '#air/core/elbo.js';
import { imageLogLik } from '#air/core/model.js';
import { dense, lstmCell } from '#air/core/nn.js';
import { Draws } from '#air/core/rng.js';
import { placeWindows, readWindows, residual } from '#air/core/spatial.js';

type Values = { shape: number[]; data: Float32Array };
type Case = {
  name: string;
  /** Differentiated. */
  inputs: Values[];
  /** Fixed. */
  constants?: Values[];
  op: (inputs: tf.Tensor[], constants: tf.Tensor[]) => tf.Tensor[];
  hasGradient?: false;
};

let sequence = 1000;

function normal(shape: number[], scale = 1, shift: number[] = [0]): Values {
  const data = new Draws(1, 'bench', sequence++).fillNormal(new Float32Array(tf.util.sizeFromShape(shape)));
  return { shape, data: data.map((value, i) => scale * value + shift[i % shift.length]) };
}

/** (s, x, y) of windows that mostly meet the image. */
function zWhere(batch: number): Values {
  return normal([batch, 3], 0.4, [2.5, 0, 0]);
}

const B = 5;

const cases: Case[] = [
  ...(['linear', 'relu', 'sigmoid'] as const).map((activation) => ({
    name: `dense, ${activation}`,
    inputs: [normal([B, 50]), normal([7, 50], 0.3), normal([7])],
    op: ([x, weight, bias]: tf.Tensor[]) => [dense(x as tf.Tensor2D, weight, bias, activation, -0.5)],
  })),
  {
    name: 'dense, of many inputs',
    inputs: [normal([8, 2500]), normal([64, 2500], 0.02), normal([64])],
    op: ([x, weight, bias]) => [dense(x as tf.Tensor2D, weight, bias, 'linear')],
  },
  {
    name: 'lstmCell',
    inputs: [
      ...[normal([B, 50]), normal([B, 10]), normal([B, 10])],
      ...[normal([40, 50], 0.3), normal([40, 10], 0.3), normal([40]), normal([40])],
    ],
    op: ([x, h, c, weightIh, weightHh, biasIh, biasHh]) => {
      const params = { 'r.weight_ih': weightIh, 'r.weight_hh': weightHh, 'r.bias_ih': biasIh, 'r.bias_hh': biasHh };
      const next = lstmCell(params, 'r', x as tf.Tensor2D, { h: h as tf.Tensor2D, c: c as tf.Tensor2D });
      return [next.h, next.c];
    },
  },
  ...[
    { size: 3, offset: 1 },
    { size: 20, offset: 0 },
  ].map(({ size, offset }) => ({
    name: `normalFromHead, ${size} at ${offset}`,
    inputs: [normal([B, offset + 2 * size], 6)],
    constants: [normal([B, size]), normal([size]), normal([size], 0.1, [1])],
    op: ([head]: tf.Tensor[], [noise, loc, scale]: tf.Tensor[]) => {
      const prior = { loc: loc as tf.Tensor1D, scale: scale as tf.Tensor1D };
      return Object.values(normalFromHead(head as tf.Tensor2D, noise as tf.Tensor2D, prior, offset));
    },
  })),
  ...[
    [28, 28],
    [7, 3],
  ].map(([height, width]) => ({
    name: `readWindows ${height}x${width}`,
    inputs: [zWhere(B)],
    constants: [normal([B, 50, 50])],
    op: ([z]: tf.Tensor[], [images]: tf.Tensor[]) => [
      readWindows(images as tf.Tensor3D, z as tf.Tensor2D, [height, width]),
    ],
  })),
  ...[
    [28, 28],
    [7, 3],
  ].map(([height, width]) => ({
    name: `placeWindows ${height}x${width}`,
    inputs: [normal([B, height, width]), zWhere(B)],
    op: ([windows, z]: tf.Tensor[]) => [placeWindows(windows as tf.Tensor3D, z as tf.Tensor2D, [50, 41])],
  })),
  {
    name: 'imageLogLik',
    inputs: [normal([B, 50, 50])],
    constants: [normal([B, 50, 50])],
    op: ([canvas], [images]) => [imageLogLik(images as tf.Tensor3D, canvas as tf.Tensor3D, 0.3)],
  },
  {
    name: 'enumeratedElbo',
    inputs: [normal([B, 3], 3), normal([B, 4], 300), normal([B, 3], 10)],
    op: ([zPresLogits, logLik, kl]) => {
      const inputs = { zPresLogits, logLik, kl } as { [name in 'zPresLogits' | 'logLik' | 'kl']: tf.Tensor2D };
      return [enumeratedElbo(inputs, [-1e-6, -13, -27, -41])];
    },
  },
  ...[1, 2, 3].map((pool) => ({
    name: `residual, pooled ${pool}`,
    inputs: [normal([B, 50, 41]), normal([B, 50, 41])],
    op: ([images, canvas]: tf.Tensor[]) => [residual(images as tf.Tensor3D, canvas as tf.Tensor3D, pool)],
    hasGradient: false as const,
  })),
  {
    name: 'adamStep and accumulate',
    inputs: [normal([7, 3]), normal([7, 3]), normal([7, 3]), normal([7, 3], 0.1), normal([7, 3], 0.01, [0.1])],
    hasGradient: false,
    op: ([w, first, second, m, v]) => {
      const [param, sum, part, mean, square] = [w, first, second, m, v].map((tensor) => tf.clone(tensor));
      const gradients = accumulate(accumulate(undefined, { w: sum }), { w: part });
      const options = { beta1: 0.9, beta2: 0.999, epsilon: 1e-8 };
      const next = adamStep({ w: param }, gradients, { m: { w: mean }, v: { w: square } }, 3, 1e-2, options);
      return [next.params.w, next.moments.m.w, next.moments.v.w];
    },
  },
];

/** Outputs, and gradients by each input of a weighted sum of the outputs, on the backend in use. */
async function evaluate(
  { inputs, constants = [], op, hasGradient }: Case,
  weights: Values[],
): Promise<{ outputs: Values[]; gradients: Values[] }> {
  const make = ({ data, shape }: Values) => tf.tensor(data, shape);
  const fixed = constants.map(make);
  const tensors = inputs.map(make);
  const loss = (...given: tf.Tensor[]) =>
    op(given, fixed)
      .map((output, i) => tf.sum(tf.mul(output, make(weights[i]))))
      .reduce((a, b) => tf.add(a, b)) as tf.Scalar;
  const outputs = tf.tidy(() => op(tensors, fixed));
  const gradients = hasGradient === false ? [] : tf.grads(loss)(tensors);
  const read = async (all: tf.Tensor[]) =>
    Promise.all(all.map(async (t) => ({ shape: t.shape, data: (await t.data()).slice() as Float32Array })));
  const result = { outputs: await read(outputs), gradients: await read(gradients) };
  tf.dispose([fixed, tensors, outputs, gradients]);
  return result;
}

function assertAgree(actual: Values[], expected: Values[], tolerance: number, what: string): void {
  assert.deepEqual(
    actual.map(({ shape }) => shape),
    expected.map(({ shape }) => shape),
  );
  expected.forEach(({ data }, k) => {
    const largest = data.reduce((a, b) => Math.max(a, Math.abs(b)), 0);
    data.forEach((value, i) => {
      const error = Math.abs(value - actual[k].data[i]);
      assert.ok(error <= tolerance * largest, `${what} ${k}[${i}]: expected ${value}, got ${actual[k].data[i]}`);
    });
  });
}

for (const backend of (process.env.AIR_TEST_BACKENDS ?? 'wasm').split(',') as BackendName[]) {
  describe(`${backend} agrees with plain ops`, () => {
    for (const each of cases) {
      it(each.name, async () => {
        await startBackend('cpu');
        const shapes = tf.tidy(() => {
          const [inputs, constants] = [each.inputs, each.constants ?? []].map((all) =>
            all.map(({ data, shape }) => tf.tensor(data, shape)),
          );
          return each.op(inputs, constants).map(({ shape }) => shape);
        });
        const weights = shapes.map((shape) => normal(shape));
        const expected = await evaluate(each, weights);
        await startBackend(backend);
        const actual = await evaluate(each, weights);
        assertAgree(actual.outputs, expected.outputs, 1e-5, 'output');
        assertAgree(actual.gradients, expected.gradients, 2e-5, 'gradient');
      });
    }
  });
}
