/**
 * Every op of core/ as a backend runs it against the same op in plain tfjs ops on the cpu backend, on random inputs; gradients
 * are ops of their own. AIR_TEST_BACKENDS names the backends, separated by commas.
 */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import * as tf from '@tensorflow/tfjs';
import type { BackendName } from '#air/backends/names.js';
import { startBackend } from '#air/backends/start.js';
import { enumeratedElboGrad } from '#air/core/elbo.js';
import { accumulate } from '#air/core/ops/accumulate.js';
import { imageLogLik, imageLogLikGrad, residual } from '#air/core/ops/image.js';
import { type Activation, LinearTape, mlp, mlpGrad } from '#air/core/ops/linear.js';
import { lstmCell, lstmCellGrad } from '#air/core/ops/lstm.js';
import { normalFromHead, normalFromHeadGrad } from '#air/core/ops/normal.js';
import { placeWindows, placeWindowsGrad } from '#air/core/ops/place-windows.js';
import { readWindows, readWindowsGrad } from '#air/core/ops/read-windows.js';
import type { Size } from '#air/core/ops/sampling.js';
import { Draws } from '#air/core/rng.js';
import { adamStep } from '#air/train/optimisers/adam.js';

type Values = { shape: number[]; data: Float32Array };

/** What an op is given, by name. */
type Given = { [name: string]: Values };
// biome-ignore lint/suspicious/noExplicitAny: the ranks are those of the values
type Tensors = { [name: string]: any };

type Case = { name: string; given: Given; op: (given: Tensors) => tf.Tensor[] };

let sequence = 1000;

function normal(shape: number[], scale = 1, shift: number[] = [0]): Values {
  const data = new Draws(1, 'bench', sequence++).fillNormal(new Float32Array(tf.util.sizeFromShape(shape)));
  return { shape, data: data.map((value, i) => scale * value + shift[i % shift.length]) };
}

function mapped({ shape, data }: Values, f: (x: number) => number): Values {
  return { shape, data: data.map(f) };
}

const sigmoid = (x: number) => 1 / (1 + Math.exp(-x));

/** What a layer with this activation may put out. */
function outputs(shape: number[], activation: Activation): Values {
  return mapped(normal(shape), { linear: (x: number) => x, relu: (x: number) => Math.max(0, x), sigmoid }[activation]);
}

/** NAME0, NAME1, ... */
function several(count: number, name: string, make: (i: number) => Values): Given {
  return Object.fromEntries(Array.from({ length: count }, (_, i) => [`${name}${i}`, make(i)]));
}

/** The same, as a list. */
function listOf<T extends tf.Tensor>(given: Tensors, name: string): T[] {
  const all: T[] = [];
  while (`${name}${all.length}` in given) all.push(given[`${name}${all.length}`]);
  return all;
}

/** (s, x, y) of windows that mostly meet the image. */
function zWhere(batch: number): Values {
  return normal([batch, 3], 0.4, [2.5, 0, 0]);
}

const B = 5;

/** A perceptron from 50 inputs through the given sizes, its weights by the names of its layers. */
function layers(sizes: readonly number[], inputs = 50): Given {
  return Object.fromEntries(
    sizes.flatMap((size, i) => {
      const width = sizes[i - 1] ?? inputs;
      return [
        [`net.seq.${2 * i}.weight`, normal([size, width], 2 / Math.sqrt(width))],
        [`net.seq.${2 * i}.bias`, normal([size])],
      ];
    }),
  );
}

const PERCEPTRONS = [[7], [30, 7]].flatMap((sizes) =>
  (['linear', 'relu', 'sigmoid'] as const).map((activation) => ({ sizes, activation })),
);

const nets: Case[] = [
  ...PERCEPTRONS.map(({ sizes, activation }) => ({
    name: `mlp of ${sizes.length}, ${activation}`,
    given: { x: normal([B, 50]), ...layers(sizes) },
    op: ({ x, ...params }: Tensors) => mlp(params, 'net', x, { activation, shift: -0.5 }).ys,
  })),
  {
    name: 'mlp of many inputs',
    given: { x: normal([8, 50, 50]), ...layers([64], 2500) },
    op: ({ x, ...params }) => [mlp(params, 'net', x).y],
  },
  ...PERCEPTRONS.flatMap(({ sizes, activation }) =>
    [true, false].map((wantsDx) => ({
      name: `mlpGrad of ${sizes.length}, ${activation}, ${wantsDx ? 'with' : 'without'} dx`,
      given: {
        ...{ x: normal([B, 50]), dy: normal([B, 7]), ...layers(sizes) },
        ...several(sizes.length, 'y', (i) => outputs([B, sizes[i]], i === sizes.length - 1 ? activation : 'relu')),
      },
      op: ({ x, dy, ...rest }: Tensors) => {
        const tape = new LinearTape();
        const ys = listOf<tf.Tensor2D>(rest, 'y');
        const pass = { name: 'net', output: { activation, shift: -0.5 }, x, ys, y: ys[ys.length - 1] };
        const dx = mlpGrad(rest, pass, dy, tape, wantsDx);
        assert.equal(dx !== undefined, wantsDx);
        return [...(dx ? [dx] : []), ...Object.values(tape.gradients())];
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
      given: { ...several(steps, 'd', () => normal([B, 7])), ...several(steps, 'x', () => normal(shape)) },
      op: (given: Tensors) => {
        const tape = new LinearTape();
        const xs = listOf(given, 'x');
        for (const [t, d] of listOf<tf.Tensor2D>(given, 'd').entries()) tape.add('weight', 'bias', d, xs[t]);
        const { weight, bias } = tape.gradients();
        return [weight, bias];
      },
    })),
  ),
];

const lstmWeights = (inputs: number): Given => ({
  'r.weight_ih': normal([40, inputs], 0.3),
  'r.weight_hh': normal([40, 10], 0.3),
  'r.bias_ih': normal([40]),
  'r.bias_hh': normal([40]),
});

const recurrent: Case[] = [
  ...[[50], [31, 3, 10, 1]].map((sizes) => ({
    name: `lstmCell with ${sizes.length} parts`,
    given: {
      ...several(sizes.length, 'part', (i) => normal([B, sizes[i]])),
      ...{ h: normal([B, 10]), c: normal([B, 10]) },
      ...lstmWeights(sizes.reduce((a, b) => a + b)),
    },
    op: ({ h, c, ...rest }: Tensors) => {
      const step = lstmCell(rest, 'r', listOf<tf.Tensor2D>(rest, 'part'), { h, c });
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
      ...several(dhs, 'dh', () => normal([B, 10])),
      ...(hasDc ? { dc: normal([B, 10]) } : {}),
      // the third quarter is a tanh, which takes these values too
      gates: mapped(normal([B, 40]), sigmoid),
      ...{ h: normal([B, 10]), c: normal([B, 10]), cNext: normal([B, 10]), x: normal([B, 45]) },
      ...lstmWeights(45),
    },
    op: ({ dc, gates, h, c, cNext, x, ...rest }: Tensors) => {
      const tape = new LinearTape();
      const step = { name: 'r', h, c: cNext, before: { h, c }, gates, x };
      const d = { dhs: listOf<tf.Tensor2D>(rest, 'dh'), dc };
      const back = lstmCellGrad(rest, step, d, sizes, tape);
      return [back.dh, back.dc, ...back.dParts, ...Object.values(tape.gradients())];
    },
  })),
];

const HEADS = [
  { size: 3, offset: 1 },
  { size: 20, offset: 0 },
];

const normals: Case[] = [
  ...HEADS.map(({ size, offset }) => ({
    name: `normalFromHead, ${size} at ${offset}`,
    given: {
      ...{ head: normal([B, offset + 2 * size], 6), noise: normal([B, size]) },
      ...{ loc: normal([size]), scale: normal([size], 0.1, [1]) },
    },
    op: ({ head, noise, loc, scale }: Tensors) => Object.values(normalFromHead(head, noise, { loc, scale }, offset)),
  })),
  ...HEADS.flatMap(({ size, offset }) =>
    [1, 2, 3].map((uses) => ({
      name: `normalFromHeadGrad, ${size} at ${offset}, ${uses} uses`,
      given: {
        ...several(uses, 'dSample', () => normal([B, size])),
        ...(offset > 0 ? { dBefore: normal([B, offset]) } : {}),
        ...{ dKl: normal([B, 1]), head: normal([B, offset + 2 * size], 6), noise: normal([B, size]) },
        ...{ loc: normal([size]), scale: normal([size], 0.1, [1]) },
      },
      op: ({ head, noise, loc, scale, dKl, dBefore, ...rest }: Tensors) => [
        normalFromHeadGrad(head, noise, { loc, scale }, { dSamples: listOf(rest, 'dSample'), dKl, dBefore }),
      ],
    })),
  ),
];

const WINDOWS: Size[] = [
  [28, 28],
  [7, 3],
];

const windows: Case[] = WINDOWS.flatMap(([height, width]): Case[] => {
  const [size, area]: [Size, number] = [[height, width], height * width];
  return [
    {
      name: `readWindows ${height}x${width}`,
      given: { images: normal([B, 50, 41]), z: zWhere(B) },
      op: ({ images, z }: Tensors) => [readWindows(images, z, size)],
    },
    {
      name: `readWindowsGrad ${height}x${width}`,
      given: { dy: normal([B, area]), images: normal([B, 50, 41]), z: zWhere(B) },
      op: ({ dy, images, z }: Tensors) => [readWindowsGrad(dy, images, z, size)],
    },
    {
      name: `placeWindows ${height}x${width}`,
      given: { all: normal([B, area]), z: zWhere(B), canvas: normal([B, 50, 41]) },
      op: ({ all, z, canvas }: Tensors) => [placeWindows(all, z, size, canvas)],
    },
    {
      name: `placeWindowsGrad ${height}x${width}`,
      given: { dy: normal([B, 50, 41]), all: normal([B, area]), z: zWhere(B) },
      op: ({ dy, all, z }: Tensors) => Object.values(placeWindowsGrad(dy, all, z, size)),
    },
  ];
});

const objective: Case[] = [
  {
    name: 'imageLogLik',
    given: { images: normal([B, 50, 41]), canvas: normal([B, 50, 41]) },
    op: ({ images, canvas }) => [imageLogLik(images, canvas, 0.3)],
  },
  ...[true, false].map((hasLater) => ({
    name: `imageLogLikGrad, ${hasLater ? 'with' : 'without'} what is drawn later`,
    given: {
      ...{ dy: normal([B, 1]), images: normal([B, 50, 41]), canvas: normal([B, 50, 41]) },
      ...(hasLater ? { later: normal([B, 50, 41], 10) } : {}),
    },
    op: ({ dy, images, canvas, later }: Tensors) => [imageLogLikGrad(dy, images, canvas, 0.3, later)],
  })),
  ...[true, false].map((hasLessons) => ({
    name: `enumeratedElboGrad, ${hasLessons ? 'with' : 'without'} weights of counts`,
    given: {
      ...{ zPresLogits: normal([B, 3], 3), logLik: normal([B, 4], 300) },
      ...{ whereKl: normal([B, 3], 10), whatKl: normal([B, 3], 10) },
      ...(hasLessons ? { countWeights: normal([B, 4], 30) } : {}),
    },
    op: ({ zPresLogits, logLik, whereKl, whatKl, countWeights }: Tensors) => {
      const inputs = { zPresLogits, logLik, whereKl, whatKl };
      return Object.values(enumeratedElboGrad(inputs, [-1e-6, -13, -27, -41], -1 / 7, countWeights));
    },
  })),
  ...[1, 2, 3].map((pool) => ({
    name: `residual, pooled ${pool}`,
    given: { images: normal([B, 50, 41]), canvas: normal([B, 50, 41]) },
    op: ({ images, canvas }: Tensors) => [residual(images, canvas, pool)],
  })),
];

/** Weights of different shapes; their moments are one after the other. */
const WEIGHTS: readonly number[][] = [[7, 3], [5], [1, 4], [1]];

const weightsOf = (name: string, scale = 1) => several(WEIGHTS.length, name, (i) => normal(WEIGHTS[i], scale));

/** Copies of NAME0, NAME1, ..., to be consumed. */
function copies(given: Tensors, name: string): { [name: string]: tf.Tensor } {
  return Object.fromEntries(listOf(given, name).map((tensor, i) => [`w${i}`, tf.clone(tensor)]));
}

const updates: Case[] = [
  {
    name: 'adamStep',
    given: { ...weightsOf('param'), ...weightsOf('grad'), m: normal([31], 0.1), v: normal([31], 0.01, [0.1]) },
    op: (given) => {
      const moments = { m: tf.clone(given.m), v: tf.clone(given.v) };
      const options = { beta1: 0.9, beta2: 0.999, epsilon: 1e-8 };
      const next = adamStep(copies(given, 'param'), copies(given, 'grad'), moments, 3, 1e-2, options);
      return [...Object.values(next.params), next.moments.m, next.moments.v];
    },
  },
  {
    name: 'accumulate',
    given: { ...weightsOf('sum'), ...weightsOf('part') },
    op: (given) => Object.values(accumulate(accumulate(undefined, copies(given, 'sum')), copies(given, 'part'))),
  },
];

const cases: Case[] = [...nets, ...recurrent, ...normals, ...windows, ...objective, ...updates];

/** What an op makes of its inputs on the backend in use. They keep their numbers. */
async function evaluate({ given, op }: Case): Promise<Values[]> {
  const tensors = Object.fromEntries(
    Object.entries(given).map(([name, { data, shape }]) => [name, tf.tensor(data, shape)]),
  );
  const results = tf.tidy(() => op(tensors));
  const values = await Promise.all(
    results.map(async (t) => ({ shape: t.shape, data: (await t.data()).slice() as Float32Array })),
  );
  for (const [name, tensor] of Object.entries(tensors)) {
    assert.deepEqual(await tensor.data(), given[name].data, `${name} stays as it was`);
  }
  tf.dispose([tensors, results]);
  return values;
}

function assertAgree(actual: Values[], expected: Values[], tolerance: number): void {
  assert.deepEqual(
    actual.map(({ shape }) => shape),
    expected.map(({ shape }) => shape),
  );
  expected.forEach(({ data }, k) => {
    const largest = data.reduce((a, b) => Math.max(a, Math.abs(b)), 0);
    assert.ok(largest > 0, `output ${k} says something`);
    data.forEach((value, i) => {
      const error = Math.abs(value - actual[k].data[i]);
      assert.ok(error <= tolerance * largest, `output ${k}[${i}]: expected ${value}, got ${actual[k].data[i]}`);
    });
  });
}

for (const backend of (process.env.AIR_TEST_BACKENDS ?? 'wasm').split(',') as BackendName[]) {
  describe(`${backend} agrees with plain ops`, () => {
    for (const each of cases) {
      it(each.name, async () => {
        await startBackend('cpu');
        const expected = await evaluate(each);
        await startBackend(backend);
        const tolerance = /grad/i.test(each.name) ? 2e-5 : 1e-5;
        assertAgree(await evaluate(each), expected, tolerance);
      });
    }
  });
}
