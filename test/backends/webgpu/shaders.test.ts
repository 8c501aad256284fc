/** The shaders of the webgpu backend: what does not fit into one, and how many of them a training step takes. */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import * as tf from '@tensorflow/tfjs';
import { startBackend } from '#air/backends/start.js';
import { BUFFERS_ANYWHERE, type WebgpuBackend } from '#air/backends/webgpu/gpu.js';
import { registerWebgpuKernels } from '#air/backends/webgpu/register.js';
import { accumulate } from '#air/core/ops/accumulate.js';
import { imageLogLik } from '#air/core/ops/image.js';
import { LinearTape } from '#air/core/ops/linear.js';
import { lstmCell, lstmCellGrad, openLstm } from '#air/core/ops/lstm.js';
import { normalFromHead, normalFromHeadGrad } from '#air/core/ops/normal.js';
import { PRESETS } from '#air/presets.js';
import { Learner } from '#air/train/learner.js';
import { adam } from '#air/train/optimisers/adam.js';
import { rmsprop } from '#air/train/optimisers/rmsprop.js';
import { learningRatesAt, logPriorAt } from '#air/train/schedule.js';
import { assertAgrees } from '../../support/compare-ops.js';
import { type Case, listOf, several, type Tensors } from '../../support/op-cases.js';
import { random } from '../../support/random.js';

const isAsked = (process.env.AIR_TEST_BACKENDS ?? '').split(',').includes('webgpu');
const options = { skip: isAsked ? false : 'make test-webgpu' };

const copies = (given: Tensors, name: string): { [name: string]: tf.Tensor } =>
  Object.fromEntries(listOf(given, name).map((tensor, i) => [`w${i}`, tf.clone(tensor)]));

const WEIGHTS = Array.from({ length: 10 }, (_, i) => [1 + (i % 3), 200 + 7 * i]);
const NUMBERS = WEIGHTS.reduce((sum, [rows, columns]) => sum + rows * columns, 0);
const weights = (name: string) => several(WEIGHTS.length, name, (i) => random(WEIGHTS[i]));

const lstm = { 'r.weight_ih': random([20, 45]), 'r.weight_hh': random([20, 5]), 'r.bias_ih': random([20]) };

/** Of more tensors than a model makes of them, and than a shader has buffers. */
const cases: Case[] = [
  {
    name: 'an LSTM step of nine parts',
    given: {
      ...several(9, 'part', (i) => random([3, 1 + i])),
      ...{ ...lstm, 'r.bias_hh': random([20]), h: random([3, 5]), c: random([3, 5]) },
    },
    op: ({ h, c, ...rest }) => {
      const step = lstmCell(openLstm(rest, 'r'), listOf<tf.Tensor2D>(rest, 'part'), { h, c });
      return [step.h, step.c, step.gates, step.x];
    },
  },
  ...[4, 5].map((parts) => ({
    name: `lstmCellGrad by ${parts} parts, of four uses`,
    given: {
      ...{ ...several(4, 'dh', () => random([3, 5])), dc: random([3, 5]), gates: random([3, 20], 0.1, [0.5]) },
      ...{ ...lstm, 'r.bias_hh': random([20]), h: random([3, 5]), c: random([3, 5]), cNext: random([3, 5]) },
      x: random([3, 45]),
    },
    op: ({ dc, gates, h, c, cNext, x, ...rest }: Tensors) => {
      const step = { lstm: openLstm(rest, 'r'), h, c: cNext, before: { h, c }, gates, x };
      const sizes = Array.from({ length: parts }, (_, i) => 2 + i);
      const back = lstmCellGrad(step, { dhs: listOf(rest, 'dh'), dc, sizes }, new LinearTape());
      return [back.dh, back.dc, back.dPre, ...back.dParts];
    },
  })),
  ...(['analytic', 'sampled'] as const).map((klKind) => ({
    name: `normalFromHeadGrad of ten uses, ${klKind} KL`,
    given: {
      ...{ ...several(10, 'dSample', () => random([3, 4])), dKl: random([3, 1]), dBefore: random([3, 1]) },
      ...{ head: random([3, 9], 6), noise: random([3, 4]), loc: random([4]), scale: random([4], 0.1, [1]) },
      ...{ shift: random([4]), ratio: random([4], 0.1, [2]) },
    },
    op: ({ dKl, dBefore, head, noise, loc, scale, shift, ratio, ...rest }: Tensors) => {
      const given = { head, noise, prior: { loc, scale }, base: { shift, ratio }, klKind };
      const draw = normalFromHead(given, 1);
      return [...Object.values(draw), normalFromHeadGrad(given, { dSamples: listOf(rest, 'dSample'), dKl, dBefore })];
    },
  })),
  {
    name: 'parts of a tensor, along each axis',
    given: { x: random([2, 9, 4]), y: random([5]) },
    op: ({ x, y }) => [
      ...tf.split(x as tf.Tensor3D, [1, 1], 0),
      ...tf.split(x as tf.Tensor3D, 9, 1),
      ...tf.split(x as tf.Tensor3D, [1, 3], -1),
      ...tf.split(y as tf.Tensor1D, [2, 3]),
      ...tf.split(tf.cast(x as tf.Tensor3D, 'int32'), 2, 2),
    ],
  },
  {
    name: 'more images than there may be workgroups in a row',
    given: { images: random([70_000, 2, 1]), canvas: random([70_000, 2, 1]) },
    op: ({ images, canvas }) => [imageLogLik(images, canvas, 0.7)],
  },
  {
    name: 'accumulate',
    given: { ...weights('sum'), ...weights('part') },
    op: (given) => Object.values(accumulate(copies(given, 'sum'), copies(given, 'part'))),
  },
  {
    name: 'a step of Adam',
    given: { ...weights('param'), ...weights('grad'), m: random([NUMBERS], 0.1), v: random([NUMBERS], 0.01, [0.1]) },
    op: (given) => {
      const taken = { weights: copies(given, 'param'), gradients: copies(given, 'grad') };
      const moments = { m: tf.clone(given.m) as tf.Tensor1D, v: tf.clone(given.v) as tf.Tensor1D };
      const next = adam.step(taken, moments, { step: 3, rate: 1e-2 }, PRESETS.fast.training);
      return [...Object.values(next.weights), ...Object.values(next.moments)];
    },
  },
  {
    name: 'a step of RMSProp',
    given: {
      ...{ ...weights('param'), ...weights('grad'), mean: random([NUMBERS], 0.1) },
      ...{ square: random([NUMBERS], 0.01, [0.5]), move: random([NUMBERS], 0.01) },
    },
    op: (given) => {
      const settings = { ...PRESETS.fast.training, rmspropDecay: 0.9, rmspropMomentum: 0.9, rmspropEpsilon: 1e-6 };
      const taken = { weights: copies(given, 'param'), gradients: copies(given, 'grad') };
      const names = ['mean', 'square', 'move'];
      const moments = Object.fromEntries(names.map((name) => [name, tf.clone(given[name]) as tf.Tensor1D]));
      const next = rmsprop.step(taken, moments, { step: 3, rate: 1e-2 }, settings);
      return [...Object.values(next.weights), ...Object.values(next.moments)];
    },
  },
];

for (const buffers of [BUFFERS_ANYWHERE, undefined]) {
  describe(`with ${buffers ?? 'all'} buffers a shader webgpu agrees with plain ops`, options, () => {
    before(async () => {
      await startBackend('webgpu');
      registerWebgpuKernels(tf.backend() as WebgpuBackend, buffers);
    });
    for (const each of cases) it(each.name, () => assertAgrees('webgpu', each));
  });
}

describe('a training step on webgpu', options, () => {
  after(() => registerWebgpuKernels(tf.backend() as WebgpuBackend));

  it('is no more than 150 dispatches, with as few buffers as every device has, and leaves nothing behind', async () => {
    const { below, subBatch } = await startBackend('webgpu');
    const backend = tf.backend() as WebgpuBackend & { pipelineCache: object };
    registerWebgpuKernels(backend, BUFFERS_ANYWHERE);
    assert.equal(below?.what, 'dispatches');
    const { model: config, training: recipe } = PRESETS.fast;
    const settings = { config, training: { ...recipe, batchSize: 5 } };
    const learner = new Learner(settings);
    const states: { dispatches: number; tensors: number; data: number; shaders: number }[] = [];
    for (const [i, size] of [5, 6, 5].entries()) {
      const pixels = Uint8Array.from({ length: size * config.canvas[0] * config.canvas[1] }, (_, at) => (at % 7) * 30);
      const [step, start] = [i + 1, below.count().calls];
      const logPrior = logPriorAt(settings, step);
      const plan = { step, rates: learningRatesAt(settings.training, step), logPrior, wantsNorm: false };
      await learner.step({ size, pixels }, subBatch, plan);
      const dispatches = below.count().calls - start;
      await learner.read('m'); // waits for the step, so that what it gave up is gone
      const shaders = Object.keys(backend.pipelineCache).length;
      states.push({ dispatches, tensors: tf.memory().numTensors, data: backend.numDataIds(), shaders });
    }
    learner.dispose();
    assert.ok(states[0].dispatches <= 150, `${states[0].dispatches} dispatches`);
    // nor does a batch of another size take shaders of its own, if it is no size of something else
    assert.deepEqual(states[1], states[0]);
    assert.deepEqual(states[2], states[0]);
  });
});
