/** Layers against loops in float64, and their gradients by finite differences of those loops. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import * as tf from '@tensorflow/tfjs';
import { type Activation, LinearTape, mlp, mlpGrad, mlpSpecs, mlpWeightGrad } from '#air/core/ops/linear.js';
import { constantInputGrad, lstmCell, lstmCellGrad, lstmSpecs, openLstm } from '#air/core/ops/lstm.js';
import type { ParamSpec } from '#air/core/ops/weights.js';
import { assertCloseOverall } from '../../support/assert-close.js';
import { onEachBackend, read } from '../../support/backends.js';
import { slopes } from '../../support/finite-differences.js';
import { normals } from '../../support/random.js';

const BATCH = 3;

const sigmoid = (x: number) => 1 / (1 + Math.exp(-x));

const ACTIVATIONS: { [name in Activation]: (x: number) => number } = {
  linear: (x) => x,
  relu: (x) => Math.max(0, x),
  elu: (x) => (x < 0 ? Math.expm1(x) : x),
  softplus: (x) => Math.log1p(Math.exp(x)),
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

/** Slopes of sum(output * dy) by every input, in float64. */
function slopesOf(
  parts: readonly (readonly number[])[],
  dy: readonly number[],
  reference: (parts: number[][]) => readonly number[],
): number[][] {
  const sizes = parts.map(({ length }) => [length]);
  const weighted = (x: number[]) => reference(cut(x, sizes)).reduce((sum, y, i) => sum + y * dy[i], 0);
  return cut(slopes(weighted, parts.flat()), sizes);
}

/** Random values of some weights, and as tensors by name. */
function randomWeights(specs: readonly ParamSpec[]): { values: number[][]; params: { [name: string]: tf.Tensor } } {
  const values = specs.map(({ shape }) => normals(product(shape), 0.7));
  return { values, params: Object.fromEntries(specs.map(({ name, shape }, i) => [name, tf.tensor(values[i], shape)])) };
}

/** Compares what was noted of weights with their slopes. */
async function assertNoted(
  tape: LinearTape,
  specs: readonly ParamSpec[],
  expected: readonly number[][],
): Promise<void> {
  const gradients = tape.gradients();
  assert.deepEqual(Object.keys(gradients).sort(), specs.map(({ name }) => name).sort());
  for (const [i, { name, shape }] of specs.entries()) {
    assert.deepEqual(gradients[name].shape, shape, name);
    assertCloseOverall(await read(gradients[name]), expected[i], 1e-4, `gradient by ${name}`);
  }
}

onEachBackend(() => {
  describe('mlp', () => {
    const specsOf = (sizes: readonly number[]) => mlpSpecs('net', 7, sizes);
    const forward = (x: readonly number[], weights: readonly number[][], last: (pre: number) => number) =>
      Array.from({ length: BATCH }, (_, b) => {
        let values = row(x, b, 7);
        for (let i = 0; i < weights.length; i += 2) {
          const pre = affine(values, weights[i], weights[i + 1]);
          values = pre.map(i + 2 === weights.length ? last : ACTIVATIONS.relu);
        }
        return values;
      }).flat();

    it('names its layers as torch.nn.Sequential does, ReLU in between', () => {
      const specs = specsOf([6, 5, 4]);
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

    for (const activation of Object.keys(ACTIVATIONS) as Activation[]) {
      for (const sizes of [[4], [6, 4], [6, 5, 4]]) {
        it(`applies ${sizes.length} layers, the last activation(x weight^T + bias + shift), ${activation}`, async () => {
          const specs = specsOf(sizes);
          const { values, params } = randomWeights(specs);
          const x = normals(BATCH * 7);
          const pass = mlp(params, 'net', tf.tensor2d(x, [BATCH, 7]), { output: activation, shift: -0.5 });
          assert.deepEqual(pass.y.shape, [BATCH, 4]);
          const expected = forward(x, values, (pre) => ACTIVATIONS[activation](pre - 0.5));
          assertCloseOverall(await read(pass.y), expected, 1e-6, 'y');
        });

        for (const wantsDx of [true, false]) {
          const what = `${sizes.length} layers, the last ${activation}, ${wantsDx ? 'to their input' : 'alone'}`;
          it(`differentiates ${what}`, async () => {
            const specs = specsOf(sizes);
            const { values, params } = randomWeights(specs);
            const [x, dy] = [normals(BATCH * 7), normals(BATCH * 4)];
            const [dx, ...dWeights] = slopesOf([x, ...values], dy, ([first, ...weights]) =>
              forward(first, weights, (pre) => ACTIVATIONS[activation](pre + 0.25)),
            );
            const tape = new LinearTape();
            const pass = mlp(params, 'net', tf.tensor2d(x, [BATCH, 7]), { output: activation, shift: 0.25 });
            const dOut = tf.tensor2d(dy, [BATCH, 4]);
            if (wantsDx) assertCloseOverall(await read(mlpGrad(params, pass, dOut, tape)), dx, 1e-4, 'dx');
            else mlpWeightGrad(params, pass, dOut, tape);
            await assertNoted(tape, specs, dWeights);
          });
        }
      }
    }

    for (const uses of [1, 3]) {
      for (const shape of [
        [BATCH, 7],
        [BATCH, 1, 7],
      ]) {
        it(`sums the gradients by its weights over ${uses} uses, x [${shape}]`, async () => {
          const specs = specsOf([6, 4]);
          const { values, params } = randomWeights(specs);
          const [xs, dys] = [21, 12].map((size) => Array.from({ length: uses }, () => normals(size)));
          const expected = slopesOf(values, dys.flat(), (weights) => xs.flatMap((x) => forward(x, weights, (y) => y)));
          const tape = new LinearTape();
          const passes = xs.map((x) => mlp(params, 'net', tf.tensor(x, shape)));
          for (const [i, pass] of passes.entries()) {
            mlpWeightGrad(params, pass, tf.tensor2d(dys[i], [BATCH, 4]), tape);
          }
          await assertNoted(tape, specs, expected);
        });
      }
    }

    it('without layers is its input, row by row, and its gradient what is given', async () => {
      const pass = mlp({}, 'none', tf.tensor3d(normals(12), [2, 3, 2]));
      assert.deepEqual(pass.y.shape, [2, 6]);
      assert.deepEqual(await read(pass.y), await read(pass.x));
      const tape = new LinearTape();
      const dy = tf.zeros<tf.Rank.R2>([2, 6]);
      assert.equal(mlpGrad({}, pass, dy, tape), dy);
      assert.deepEqual(tape.gradients(), {});
    });
  });

  describe('lstmCell', () => {
    const [inputs, hidden] = [5, 4];
    const specs = lstmSpecs('rnn', inputs, hidden);
    const state: [number, number] = [BATCH, hidden];

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

    /** Columns of x side by side: [B, size] of each size. */
    const columns = (x: readonly number[], sizes: readonly number[]) =>
      sizes.map((size, i) => {
        const start = sizes.slice(0, i).reduce((a, b) => a + b, 0);
        return [0, 1, 2].flatMap((b) => row(x, b, inputs).slice(start, start + size));
      });

    const random = () => ({ x: normals(BATCH * inputs), h: normals(BATCH * hidden), c: normals(BATCH * hidden) });
    const run = ({ x, h, c }: ReturnType<typeof random>, params: { [name: string]: tf.Tensor }, sizes: number[]) => {
      const parts = columns(x, sizes).map((part, i) => tf.tensor2d(part, [BATCH, sizes[i]]));
      return lstmCell(openLstm(params, 'rnn'), parts, { h: tf.tensor2d(h, state), c: tf.tensor2d(c, state) });
    };

    it('has the weights of torch.nn.LSTMCell', () => {
      assert.deepEqual(
        specs.map(({ name, shape, bound }) => `${name} ${shape.join('x')} +-${bound}`),
        ['weight_ih 16x5', 'weight_hh 16x4', 'bias_ih 16', 'bias_hh 16'].map((each) => `rnn.${each} +-0.5`),
      );
    });

    for (const sizes of [[5], [2, 3], [1, 2, 1, 1]]) {
      it(`steps as written out, its input in parts of ${sizes}`, async () => {
        const { values, params } = randomWeights(specs);
        const given = random();
        const { h, c, x } = run(given, params, sizes);
        assert.deepEqual(await read(x), given.x, 'the parts side by side');
        const expected = step([given.x, given.h, given.c, ...values]);
        assertCloseOverall([...(await read(h)), ...(await read(c))], expected, 1e-6, 'h, c');
      });
    }

    for (const { dhs, hasDc, sizes, wanted } of [
      { dhs: 1, hasDc: false, sizes: [5], wanted: 1 },
      { dhs: 1, hasDc: true, sizes: [2, 3], wanted: 2 },
      { dhs: 2, hasDc: false, sizes: [1, 2, 1, 1], wanted: 3 },
      { dhs: 2, hasDc: true, sizes: [1, 2, 1, 1], wanted: 1 },
    ]) {
      const what = `${dhs} gradient${dhs > 1 ? 's' : ''} by h and ${hasDc ? 'one' : 'none'} by c`;
      it(`differentiates by ${wanted} of ${sizes.length} parts, state and every weight: ${what}`, async () => {
        const { values, params } = randomWeights(specs);
        const given = random();
        const ofH = Array.from({ length: dhs }, () => normals(BATCH * hidden));
        const ofC = hasDc ? normals(BATCH * hidden) : Array(BATCH * hidden).fill(0);
        const sum = ofH.reduce((a, b) => a.map((value, i) => value + b[i]));
        const [dx, dh, dc, ...dWeights] = slopesOf([given.x, given.h, given.c, ...values], [...sum, ...ofC], step);
        const tape = new LinearTape();
        const dMemory = {
          dhs: ofH.map((each) => tf.tensor2d(each, state)),
          dc: hasDc ? tf.tensor2d(ofC, state) : undefined,
          sizes: sizes.slice(0, wanted),
        };
        const back = lstmCellGrad(run(given, params, sizes), dMemory, tape);
        assertCloseOverall(await read(back.dh), dh, 1e-4, 'gradient by h');
        assertCloseOverall(await read(back.dc), dc, 1e-4, 'gradient by c');
        assert.equal(back.dParts.length, wanted);
        for (const [i, part] of columns(dx, dMemory.sizes).entries()) {
          assert.deepEqual(back.dParts[i].shape, [BATCH, dMemory.sizes[i]]);
          assertCloseOverall(await read(back.dParts[i]), part, 1e-4, `gradient by part ${i}`);
        }
        await assertNoted(tape, specs, dWeights);
      });
    }

    it('is the same with a part of its input that does not change, whose product is computed once', async () => {
      const { params } = randomWeights(specs);
      const [same, others] = [normals(BATCH * 3), [normals(BATCH * 2), normals(BATCH * 2)]];
      const start = { h: tf.tensor2d(normals(BATCH * hidden), state), c: tf.tensor2d(normals(BATCH * hidden), state) };
      const dh = tf.tensor2d(normals(BATCH * hidden), state);
      const constant = tf.tensor2d(same, [BATCH, 3]);
      const through = async (isConstant: boolean) => {
        const lstm = openLstm(params, 'rnn', isConstant ? constant : undefined);
        const parts = others.map((part) => [...(isConstant ? [] : [constant]), tf.tensor2d(part, [BATCH, 2])]);
        const one = lstmCell(lstm, parts[0], start);
        const two = lstmCell(lstm, parts[1], one);
        const tape = new LinearTape();
        const sizes = isConstant ? [2] : [3, 2];
        const last = lstmCellGrad(two, { dhs: [dh], dc: undefined, sizes }, tape);
        const first = lstmCellGrad(one, { dhs: [last.dh], dc: last.dc, sizes }, tape);
        const dConstant = isConstant
          ? constantInputGrad(lstm, [first.dPre, last.dPre])
          : tf.add(first.dParts[0], last.dParts[0]);
        const gradients = { ...tape.gradients(), ...tape.squares() };
        const all = { h: two.h, c: two.c, dh: first.dh, dPart: first.dParts[isConstant ? 0 : 1], dConstant };
        const named = [...Object.entries(all), ...Object.entries(gradients), ...Object.entries(tape.gradients())];
        return Promise.all(named.map(async ([name, tensor]) => ({ name, values: await read(tensor) })));
      };
      const expected = await through(false);
      for (const [i, { name, values }] of (await through(true)).entries()) {
        assertCloseOverall(values, expected[i].values, 1e-6, name);
      }
    });
  });
});
