/** Ops with random inputs, on which backends are compared: what a case is, and the cases of perceptrons and LSTM steps. */
import type * as tf from '@tensorflow/tfjs';
import { joinColumns, splitColumns } from '#air/core/ops/columns.js';
import { type Activation, LinearTape, mlp, mlpGrad, mlpWeightGrad } from '#air/core/ops/linear.js';
import { constantInputGrad, lstmCell, lstmCellGrad, openLstm } from '#air/core/ops/lstm.js';
import { random, type Values } from './random.js';

/** What an op is given, by name. */
export type Given = { [name: string]: Values };
// biome-ignore lint/suspicious/noExplicitAny: the ranks are those of the values
export type Tensors = { [name: string]: any };

export type Case = { name: string; given: Given; op: (given: Tensors) => tf.Tensor[] };

function mapped({ shape, data }: Values, f: (x: number) => number): Values {
  return { shape, data: data.map(f) };
}

const sigmoid = (x: number) => 1 / (1 + Math.exp(-x));

/** What a layer with this activation may put out. */
function outputs(shape: number[], activation: Activation): Values {
  const relu = (x: number) => Math.max(0, x);
  const elu = (x: number) => (x < 0 ? Math.expm1(x) : x);
  const softplus = (x: number) => Math.log1p(Math.exp(x));
  return mapped(random(shape), { linear: (x: number) => x, relu, elu, softplus, sigmoid }[activation]);
}

/** NAME0, NAME1, ... */
export function several(count: number, name: string, make: (i: number) => Values): Given {
  return Object.fromEntries(Array.from({ length: count }, (_, i) => [`${name}${i}`, make(i)]));
}

/** The same, as a list. */
export function listOf<T extends tf.Tensor>(given: Tensors, name: string): T[] {
  const all: T[] = [];
  while (`${name}${all.length}` in given) all.push(given[`${name}${all.length}`]);
  return all;
}

/** (s, x, y) of windows that mostly meet the image. */
export function zWhere(batch: number): Values {
  return random([batch, 3], 0.4, [2.5, 0, 0]);
}

/** (sx, x, sy, y) of the same. */
export function twoScales(batch: number): Values {
  return random([batch, 4], 0.4, [2.5, 0, -2, 0]);
}

export const B = 5;

/** A perceptron from 50 inputs through the given sizes, its weights by the names of its layers. */
function layers(sizes: readonly number[], inputs = 50): Given {
  return Object.fromEntries(
    sizes.flatMap((size, i) => {
      const width = sizes[i - 1] ?? inputs;
      return [
        [`net.seq.${2 * i}.weight`, random([size, width], 2 / Math.sqrt(width))],
        [`net.seq.${2 * i}.bias`, random([size])],
      ];
    }),
  );
}

const PERCEPTRONS = [[7], [30, 7]].flatMap((sizes) =>
  (['linear', 'relu', 'elu', 'softplus', 'sigmoid'] as const).map((activation) => ({
    ...{ sizes, activation },
    hidden: activation === 'elu' || activation === 'softplus' ? activation : ('relu' as const),
  })),
);

export const nets: Case[] = [
  ...PERCEPTRONS.map(({ sizes, activation, hidden }) => ({
    name: `mlp of ${sizes.length}, ${activation}`,
    given: { x: random([B, 50]), ...layers(sizes) },
    op: ({ x, ...params }: Tensors) => mlp(params, 'net', x, { hidden, output: activation, shift: -0.5 }).ys,
  })),
  {
    name: 'mlp of many inputs',
    given: { x: random([8, 50, 50]), ...layers([64], 2500) },
    op: ({ x, ...params }) => [mlp(params, 'net', x).y],
  },
  ...PERCEPTRONS.flatMap(({ sizes, activation, hidden }) =>
    [true, false].map((wantsDx) => ({
      name: `mlpGrad of ${sizes.length}, ${activation}, ${wantsDx ? 'with' : 'without'} dx`,
      given: {
        ...{ x: random([B, 50]), dy: random([B, 7]), ...layers(sizes) },
        ...several(sizes.length, 'y', (i) => outputs([B, sizes[i]], i === sizes.length - 1 ? activation : hidden)),
      },
      op: ({ x, dy, ...rest }: Tensors) => {
        const tape = new LinearTape();
        const ys = listOf<tf.Tensor2D>(rest, 'y');
        const layers = { hidden, output: activation, shift: -0.5 };
        const pass = { name: 'net', layers, x, ys, y: ys[ys.length - 1] };
        const dx = wantsDx ? [mlpGrad(rest, pass, dy, tape)] : [];
        if (!wantsDx) mlpWeightGrad(rest, pass, dy, tape);
        return [...dx, ...Object.values(tape.gradients())];
      },
    })),
  ),
  ...[1, 3].flatMap((steps) =>
    [
      [B, 50],
      [B, 10, 5],
      [B, 131],
    ].map((shape) => ({
      name: `the gradients of a layer's weights over ${steps} steps, x [${shape}]`,
      given: { ...several(steps, 'd', () => random([B, 7])), ...several(steps, 'x', () => random(shape)) },
      op: (given: Tensors) => {
        const tape = new LinearTape();
        const xs = listOf(given, 'x');
        for (const [t, d] of listOf<tf.Tensor2D>(given, 'd').entries())
          tape.add({ weight: 'weight', bias: 'bias' }, d, xs[t]);
        const { weight, bias } = tape.gradients();
        return [weight, bias];
      },
    })),
  ),
];

const lstmWeights = (inputs: number): Given => ({
  'r.weight_ih': random([40, inputs], 0.3),
  'r.weight_hh': random([40, 10], 0.3),
  'r.bias_ih': random([40]),
  'r.bias_hh': random([40]),
});

export const recurrent: Case[] = [
  ...[[50], [31, 3, 10, 1]].map((sizes) => ({
    name: `lstmCell with ${sizes.length} parts`,
    given: {
      ...several(sizes.length, 'part', (i) => random([B, sizes[i]])),
      ...{ h: random([B, 10]), c: random([B, 10]) },
      ...lstmWeights(sizes.reduce((a, b) => a + b)),
    },
    op: ({ h, c, ...rest }: Tensors) => {
      const step = lstmCell(openLstm(rest, 'r'), listOf<tf.Tensor2D>(rest, 'part'), { h, c });
      return [step.h, step.c, step.gates, step.x];
    },
  })),
  ...[
    { name: 'at the last step', dhs: 1, hasDc: false, sizes: [31, 3, 10] },
    { name: 'before', dhs: 2, hasDc: true, sizes: [31, 3, 10] },
    { name: 'by all of its input', dhs: 2, hasDc: true, sizes: [31, 3, 10, 1] },
    { name: 'by its input in one', dhs: 1, hasDc: true, sizes: [45] },
  ].map(({ name, dhs, hasDc, sizes }) => ({
    name: `lstmCellGrad ${name}`,
    given: {
      ...several(dhs, 'dh', () => random([B, 10])),
      ...(hasDc ? { dc: random([B, 10]) } : {}),
      // the third quarter is a tanh, which takes these values too
      gates: mapped(random([B, 40]), sigmoid),
      ...{ h: random([B, 10]), c: random([B, 10]), cNext: random([B, 10]), x: random([B, 45]) },
      ...lstmWeights(45),
    },
    op: ({ dc, gates, h, c, cNext, x, ...rest }: Tensors) => {
      const tape = new LinearTape();
      const step = { lstm: openLstm(rest, 'r'), h, c: cNext, before: { h, c }, gates, x };
      const d = { dhs: listOf<tf.Tensor2D>(rest, 'dh'), dc, sizes };
      const back = lstmCellGrad(step, d, tape);
      return [back.dh, back.dc, ...back.dParts, ...Object.values(tape.gradients())];
    },
  })),
  {
    name: 'columns of a matrix, and columns side by side',
    given: { x: random([B, 13]), y: random([B, 6]) },
    op: ({ x, y }: Tensors) => [...splitColumns(x as tf.Tensor2D, 5), joinColumns(x as tf.Tensor2D, y as tf.Tensor2D)],
  },
  {
    name: 'two steps of an LSTM, part of whose input is the same at both, and back',
    given: {
      ...{ constant: random([B, 31]), part0: random([B, 9]), part1: random([B, 9]) },
      ...{ h: random([B, 10]), c: random([B, 10]), dh: random([B, 10]) },
      ...lstmWeights(40),
    },
    op: ({ constant, part0, part1, h, c, dh, ...rest }: Tensors) => {
      const lstm = openLstm(rest, 'r', constant);
      const one = lstmCell(lstm, [part0], { h, c });
      const two = lstmCell(lstm, [part1], one);
      const tape = new LinearTape();
      const last = lstmCellGrad(two, { dhs: [dh], dc: undefined, sizes: [9] }, tape);
      const first = lstmCellGrad(one, { dhs: [dh, last.dh], dc: last.dc, sizes: [] }, tape);
      const dConstant = constantInputGrad(lstm, [first.dPre, last.dPre]);
      return [two.h, two.c, ...last.dParts, first.dh, first.dc, dConstant, ...Object.values(tape.gradients())];
    },
  },
];
