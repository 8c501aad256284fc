/** Layers against loops in float64, and their gradients by finite differences of those loops. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import * as tf from '@tensorflow/tfjs';
import { type Activation, dense, lstmCell, lstmSpecs, mlp, mlpSpecs } from '#air/core/nn.js';
import { gradientsOf, normals, onEachBackend, read } from './backends.js';
import { assertNear, slopes } from './finite-differences.js';

const BATCH = 3;

const sigmoid = (x: number) => 1 / (1 + Math.exp(-x));

const ACTIVATIONS: { [name in Activation]: (x: number) => number } = {
  linear: (x) => x,
  relu: (x) => Math.max(0, x),
  sigmoid,
};

/** x weight^T + bias, one output after the other; weight is [out, in]. */
function affine(x: readonly number[], weight: readonly number[], bias: readonly number[]): number[] {
  return bias.map((b, o) => x.reduce((sum, value, i) => sum + value * weight[o * x.length + i], b));
}

const row = (values: readonly number[], b: number, width: number) => values.slice(b * width, (b + 1) * width);

function product(shape: readonly number[]): number {
  return shape.reduce((a, b) => a * b, 1);
}

/** Cuts numbers into pieces of the given shapes. */
function cut(values: readonly number[], shapes: readonly (readonly number[])[]): number[][] {
  let start = 0;
  return shapes.map((shape) => {
    start += product(shape);
    return values.slice(start - product(shape), start);
  });
}

/** Compares gradients of sum(output * weights) with finite differences of the same in float64. */
async function assertGradients(
  shapes: number[][],
  reference: (parts: number[][]) => number[],
  op: (tensors: tf.Tensor[]) => tf.Tensor,
): Promise<void> {
  const values = normals(
    shapes.reduce((sum, shape) => sum + product(shape), 0),
    0.7,
  );
  const weights = normals(reference(cut(values, shapes)).length);
  const expected = slopes((x) => reference(cut(x, shapes)).reduce((sum, y, i) => sum + y * weights[i], 0), values);
  const actual = await gradientsOf(
    (...tensors) => tf.sum(tf.mul(tf.reshape(op(tensors), [-1]), tf.tensor1d(weights))),
    cut(values, shapes).map((part, i) => ({ shape: shapes[i], values: part })),
  );
  cut(expected, shapes).forEach((part, i) => {
    assertNear(actual[i], part, 1e-4, `gradient by input ${i}`);
  });
}

onEachBackend(() => {
  describe('dense', () => {
    for (const activation of Object.keys(ACTIVATIONS) as Activation[]) {
      it(`is ${activation}(x weight^T + bias + shift)`, async () => {
        const [x, weight, bias] = [normals(BATCH * 5), normals(4 * 5), normals(4)];
        const y = dense(tf.tensor2d(x, [BATCH, 5]), tf.tensor2d(weight, [4, 5]), tf.tensor1d(bias), activation, -0.5);
        assert.deepEqual(y.shape, [BATCH, 4]);
        const expected = [0, 1, 2].flatMap((b) =>
          affine(row(x, b, 5), weight, bias).map((value) => ACTIVATIONS[activation](value - 0.5)),
        );
        assertNear(await read(y), expected, 1e-6, 'y');
      });

      it(`differentiates a ${activation} layer`, async () => {
        await assertGradients(
          [[BATCH, 5], [4, 5], [4]],
          ([x, weight, bias]) =>
            [0, 1, 2].flatMap((b) => affine(row(x, b, 5), weight, bias).map((v) => ACTIVATIONS[activation](v + 0.25))),
          ([x, weight, bias]) => dense(x as tf.Tensor2D, weight, bias, activation, 0.25),
        );
      });
    }
  });

  describe('mlp', () => {
    const sizes = [6, 5, 4];
    const specs = mlpSpecs('net', 7, sizes);
    const forward = (x: readonly number[], weights: readonly number[][]) =>
      [0, 1, 2].flatMap((b) => {
        const hidden = affine(row(x, b, 7), weights[0], weights[1]).map(ACTIVATIONS.relu);
        const deeper = affine(hidden, weights[2], weights[3]).map(ACTIVATIONS.relu);
        return affine(deeper, weights[4], weights[5]).map((value) => sigmoid(value - 2));
      });
    const run = (x: tf.Tensor, weights: readonly tf.Tensor[]) => {
      const params = Object.fromEntries(specs.map(({ name }, i) => [name, weights[i]]));
      return mlp(params, 'net', x as tf.Tensor2D, { activation: 'sigmoid', shift: -2 });
    };

    it('names its layers as torch.nn.Sequential does, ReLU in between', () => {
      assert.deepEqual(
        specs.map(({ name, shape }) => `${name} ${shape.join('x')}`),
        [
          'net.seq.0.weight 6x7',
          'net.seq.0.bias 6',
          'net.seq.2.weight 5x6',
          'net.seq.2.bias 5',
          'net.seq.4.weight 4x5',
          'net.seq.4.bias 4',
        ],
      );
      for (const { bound, name } of specs) {
        const inputs = { 'net.seq.0': 7, 'net.seq.2': 6, 'net.seq.4': 5 }[name.slice(0, 9)] as number;
        assert.equal(bound, 1 / Math.sqrt(inputs), name);
      }
    });

    it('applies layer after layer', async () => {
      const x = normals(BATCH * 7);
      const weights = specs.map(({ shape }) => normals(product(shape), 0.7));
      const y = run(
        tf.tensor2d(x, [BATCH, 7]),
        specs.map(({ shape }, i) => tf.tensor(weights[i], shape)),
      );
      assertNear(await read(y), forward(x, weights), 1e-6, 'y');
    });

    it('differentiates through all of them', async () => {
      await assertGradients(
        [[BATCH, 7], ...specs.map(({ shape }) => shape)],
        ([x, ...weights]) => forward(x, weights),
        ([x, ...weights]) => run(x, weights),
      );
    });

    it('without layers is its input', () => {
      const x = tf.zeros<tf.Rank.R2>([2, 3]);
      assert.equal(mlp({}, 'none', x), x);
    });
  });

  describe('lstmCell', () => {
    const [inputs, hidden] = [5, 4];
    const specs = lstmSpecs('rnn', inputs, hidden);
    const shapes = [[BATCH, inputs], [BATCH, hidden], [BATCH, hidden], ...specs.map(({ shape }) => shape)];

    /** h, then c, of all rows: PyTorch's documentation of LSTMCell. */
    const step = ([x, h, c, weightIh, weightHh, biasIh, biasHh]: readonly number[][]): number[] => {
      const rows = [0, 1, 2].map((b) => {
        const fromX = affine(row(x, b, inputs), weightIh, biasIh);
        const fromH = affine(row(h, b, hidden), weightHh, biasHh);
        const unit = (gate: number, j: number) => fromX[gate * hidden + j] + fromH[gate * hidden + j];
        const nextC = row(c, b, hidden).map(
          (before, j) => sigmoid(unit(1, j)) * before + sigmoid(unit(0, j)) * Math.tanh(unit(2, j)),
        );
        return { c: nextC, h: nextC.map((value, j) => sigmoid(unit(3, j)) * Math.tanh(value)) };
      });
      return [...rows.flatMap((each) => each.h), ...rows.flatMap((each) => each.c)];
    };
    const run = ([x, h, c, ...weights]: readonly tf.Tensor[]) => {
      const params = Object.fromEntries(specs.map(({ name }, i) => [name, weights[i]]));
      const next = lstmCell(params, 'rnn', x as tf.Tensor2D, { h: h as tf.Tensor2D, c: c as tf.Tensor2D });
      return tf.concat([next.h, next.c], 0);
    };

    it('has the weights of torch.nn.LSTMCell', () => {
      assert.deepEqual(
        specs.map(({ name, shape, bound }) => `${name} ${shape.join('x')} +-${bound}`),
        ['weight_ih 16x5', 'weight_hh 16x4', 'bias_ih 16', 'bias_hh 16'].map((each) => `rnn.${each} +-0.5`),
      );
    });

    it('steps as written out', async () => {
      const values = shapes.map((shape) => normals(product(shape)));
      const tensors = values.map((each, i) => tf.tensor(each, shapes[i]));
      assertNear(await read(run(tensors)), step(values), 1e-6, 'h, c');
    });

    it('differentiates by input, state and every weight', async () => {
      await assertGradients(shapes, step, run);
    });

    it('differentiates where only one of its outputs is used', async () => {
      await assertGradients(
        shapes,
        (parts) => step(parts).slice(0, BATCH * hidden),
        (tensors) => tf.slice(run(tensors), 0, BATCH),
      );
    });
  });
});
