/**
 * Every op of core/ as a backend runs it against the same op in plain tfjs ops on the cpu backend, on random inputs; gradients
 * are ops of their own. AIR_TEST_BACKENDS names the backends, separated by commas.
 */
import * as tf from '@tensorflow/tfjs';
import { enumeratedElboGrad } from '#air/core/elbo.js';
import { accumulate } from '#air/core/ops/accumulate.js';
import { bernoulliLogLik, bernoulliLogLikGrad, imageLogLik, imageLogLikGrad, residual } from '#air/core/ops/image.js';
import { type IwaeInputs, iwaeGradOp } from '#air/core/ops/iwae.js';
import { type KlKind, type NormalHead, normalFromHead, normalFromHeadGrad } from '#air/core/ops/normal.js';
import { type NvilInputs, nvilGradOp } from '#air/core/ops/nvil.js';
import { placeWindows, placeWindowsGrad } from '#air/core/ops/place-windows.js';
import { readWindows, readWindowsGrad } from '#air/core/ops/read-windows.js';
import { reconstructionScoreOp } from '#air/core/ops/reconstruction-score.js';
import type { Size } from '#air/core/ops/sampling.js';
import { PRESETS } from '#air/presets.js';
import { adam } from '#air/train/optimisers/adam.js';
import { rmsprop } from '#air/train/optimisers/rmsprop.js';
import { testOnBackends } from '../support/compare-ops.js';
import {
  B,
  type Case,
  listOf,
  nets,
  recurrent,
  several,
  type Tensors,
  twoScales,
  zWhere,
} from '../support/op-cases.js';
import { random } from '../support/random.js';

const HEADS = [
  { size: 3, offset: 1, klKind: 'analytic', base: false },
  { size: 20, offset: 0, klKind: 'analytic', base: false },
  { size: 3, offset: 1, klKind: 'sampled', base: false },
  { size: 3, offset: 1, klKind: 'analytic', base: true },
  { size: 20, offset: 0, klKind: 'sampled', base: true },
] as const;

function headOf({ head, noise, loc, scale, shift, ratio }: Tensors, klKind: KlKind): NormalHead {
  const base = shift === undefined ? undefined : { shift, ratio };
  return { head, noise, prior: { loc, scale }, base, klKind };
}

const normals: Case[] = [
  ...HEADS.map(({ size, offset, klKind, base }) => ({
    name: `normalFromHead, ${size} at ${offset}, ${klKind} KL, ${base ? 'a base' : 'from the prior'}`,
    given: {
      ...{ head: random([B, offset + 2 * size], 6), noise: random([B, size]) },
      ...{ loc: random([size]), scale: random([size], 0.1, [1]) },
      ...(base ? { shift: random([size]), ratio: random([size], 0.1, [2]) } : {}),
    },
    op: (given: Tensors) => Object.values(normalFromHead(headOf(given, klKind), offset)),
  })),
  ...HEADS.flatMap(({ size, offset, klKind, base }) =>
    [1, 2, 3].map((uses) => ({
      name: `normalFromHeadGrad, ${size} at ${offset}, ${uses} uses, ${klKind} KL, ${base ? 'a base' : 'from the prior'}`,
      given: {
        ...several(uses, 'dSample', () => random([B, size])),
        ...(offset > 0 ? { dBefore: random([B, offset]) } : {}),
        ...{ dKl: random([B, 1]), head: random([B, offset + 2 * size], 6), noise: random([B, size]) },
        ...{ loc: random([size]), scale: random([size], 0.1, [1]) },
        ...(base ? { shift: random([size]), ratio: random([size], 0.1, [2]) } : {}),
      },
      op: ({ dKl, dBefore, ...given }: Tensors) => [
        normalFromHeadGrad(headOf(given, klKind), { dSamples: listOf(given, 'dSample'), dKl, dBefore }),
      ],
    })),
  ),
];

const WINDOWS: Size[] = [
  [28, 28],
  [7, 3],
];

const MAPS = [
  { by: 'one scale', map: zWhere },
  { by: 'a scale for each axis', map: twoScales },
];

const windows: Case[] = WINDOWS.flatMap((size) => MAPS.flatMap((map) => windowsOf(size, map)));

function windowsOf(size: Size, { by, map }: (typeof MAPS)[number]): Case[] {
  const [height, width] = size;
  const area = height * width;
  return [
    {
      name: `readWindows ${height}x${width}, ${by}`,
      given: { images: random([B, 50, 41]), z: map(B) },
      op: ({ images, z }: Tensors) => [readWindows(images, z, size)],
    },
    {
      name: `readWindowsGrad ${height}x${width}, ${by}`,
      given: { dy: random([B, area]), images: random([B, 50, 41]), z: map(B) },
      op: ({ dy, images, z }: Tensors) => [readWindowsGrad(dy, images, z, size)],
    },
    {
      name: `placeWindows ${height}x${width}, ${by}`,
      given: { all: random([B, area]), z: map(B), canvas: random([B, 50, 41]) },
      op: ({ all, z, canvas }: Tensors) => [placeWindows(all, z, size, canvas)],
    },
    {
      name: `placeWindowsGrad ${height}x${width}, ${by}`,
      given: { dy: random([B, 50, 41]), all: random([B, area]), z: map(B) },
      op: ({ dy, all, z }: Tensors) => Object.values(placeWindowsGrad(dy, all, z, size)),
    },
  ];
}

const objective: Case[] = [
  {
    name: 'imageLogLik',
    given: { images: random([B, 50, 41]), canvas: random([B, 50, 41]) },
    op: ({ images, canvas }) => [imageLogLik(images, canvas, 0.3)],
  },
  ...[true, false].map((hasLater) => ({
    name: `imageLogLikGrad, ${hasLater ? 'with' : 'without'} what is drawn later`,
    given: {
      ...{ dy: random([B, 1]), images: random([B, 50, 41]), canvas: random([B, 50, 41]) },
      ...(hasLater ? { later: random([B, 50, 41], 10) } : {}),
    },
    op: ({ dy, images, canvas, later }: Tensors) => [imageLogLikGrad(dy, { images, canvas, later }, 0.3)],
  })),
  {
    name: 'bernoulliLogLik',
    given: { images: random([B, 50, 41], 0.2, [0.5]), canvas: random([B, 50, 41], 0.5, [0.5]) },
    op: ({ images, canvas }) => [bernoulliLogLik(images, canvas)],
  },
  {
    name: 'bernoulliLogLikGrad',
    given: { dy: random([B, 1]), images: random([B, 50, 41], 0.2, [0.5]), canvas: random([B, 50, 41], 0.2, [0.5]) },
    op: ({ dy, images, canvas }) => [bernoulliLogLikGrad(dy, { images, canvas })],
  },
  ...[true, false].map((hasLessons) => ({
    name: `enumeratedElboGrad, ${hasLessons ? 'with' : 'without'} weights of counts`,
    given: {
      ...{ zPresLogits: random([B, 3], 3), logLik: random([B, 4], 300) },
      ...{ whereKl: random([B, 3], 10), whatKl: random([B, 3], 10) },
      ...(hasLessons ? { countWeights: random([B, 4], 30) } : {}),
    },
    op: ({ zPresLogits, logLik, whereKl, whatKl, countWeights }: Tensors) => {
      const inputs = { zPresLogits, logLik, whereKl, whatKl };
      return Object.values(enumeratedElboGrad(inputs, [-1e-6, -13, -27, -41], -1 / 7, countWeights));
    },
  })),
  ...[1, 2, 3].map((pool) => ({
    name: `residual, pooled ${pool}`,
    given: { images: random([B, 50, 41]), canvas: random([B, 50, 41]) },
    op: ({ images, canvas }: Tensors) => [residual(images, canvas, pool)],
  })),
];

const PRIOR = { logPrior: [-1e-6, -13, -27, -41], scale: -1 / 7 };

const estimates: Case[] = [
  ...[true, false].map((hasBaseline) => ({
    name: `nvilGrad of the reconstruction, ${hasBaseline ? 'with' : 'without'} a baseline`,
    given: {
      ...{ zPresLogits: random([B, 3], 3), logLik: random([B, 4], 300), uniforms: random([B, 3], 0.3, [0.5]) },
      ...(hasBaseline ? { baseline: random([B, 3], 200) } : {}),
    },
    op: (given: Tensors) => reconstructionScoreOp(given as NvilInputs, PRIOR),
  })),
  ...[true, false].map((hasLessons) => ({
    name: `iwaeGrad, ${hasLessons ? 'with' : 'without'} weights of counts`,
    given: {
      ...{ zPresLogits: random([2 * B, 3], 3), logLik: random([2 * B, 4], 30, [0, 13, 27, 41]) },
      ...{ whereKl: random([2 * B, 3], 2), whatKl: random([2 * B, 3], 2) },
      ...(hasLessons ? { countWeights: random([B, 4], 30) } : {}),
    },
    op: (given: Tensors) => iwaeGradOp(given as IwaeInputs, { ...PRIOR, draws: 2 }),
  })),
];

/** Weights of different shapes; their moments are one after the other. */
const counted: Case[] = [true, false].map((hasBaseline) => ({
  name: `nvilGrad, ${hasBaseline ? 'with a baseline and weights of counts' : 'without'}`,
  given: {
    ...{ zPresLogits: random([B, 3], 3), logLik: random([B, 4], 300) },
    ...{ whereKl: random([B, 3], 10), whatKl: random([B, 3], 10), uniforms: random([B, 3], 0.3, [-1, 0.5, 0.5]) },
    ...(hasBaseline ? { baseline: random([B, 3], 200), countWeights: random([B, 4], 30) } : {}),
  },
  op: (given: Tensors) => nvilGradOp(given as NvilInputs, { ...PRIOR, masking: hasBaseline }),
}));

const WEIGHTS: readonly number[][] = [[7, 3], [5], [1, 4], [1]];

const weightsOf = (name: string, scale = 1) => several(WEIGHTS.length, name, (i) => random(WEIGHTS[i], scale));

/** Copies of NAME0, NAME1, ..., to be consumed. */
function copies(given: Tensors, name: string): { [name: string]: tf.Tensor } {
  return Object.fromEntries(listOf(given, name).map((tensor, i) => [`w${i}`, tf.clone(tensor)]));
}

const updates: Case[] = [
  {
    name: 'a step of Adam',
    given: {
      ...weightsOf('param'),
      ...weightsOf('grad'),
      m: random([31], 0.1),
      v: random([31], 0.01, [0.1]),
    },
    op: (given) => {
      const moments = { m: tf.clone(given.m), v: tf.clone(given.v) };
      const settings = { ...PRESETS.fast.training, adamBeta1: 0.9, adamBeta2: 0.999, adamEpsilon: 1e-8 };
      const taken = { weights: copies(given, 'param'), gradients: copies(given, 'grad') };
      const next = adam.step(taken, moments, { step: 3, rate: 1e-2 }, settings);
      return [...Object.values(next.weights), next.moments.m, next.moments.v];
    },
  },
  {
    name: 'a step of RMSProp',
    given: {
      ...weightsOf('param'),
      ...weightsOf('grad'),
      ...{ mean: random([31], 0.1), square: random([31], 0.01, [0.5]), move: random([31], 0.01) },
    },
    op: (given) => {
      const moments = { mean: tf.clone(given.mean), square: tf.clone(given.square), move: tf.clone(given.move) };
      const settings = { ...PRESETS.fast.training, rmspropDecay: 0.9, rmspropMomentum: 0.9, rmspropEpsilon: 1e-6 };
      const taken = { weights: copies(given, 'param'), gradients: copies(given, 'grad') };
      const next = rmsprop.step(taken, moments, { step: 3, rate: 1e-2 }, settings);
      return [...Object.values(next.weights), ...Object.values(next.moments)];
    },
  },
  {
    name: 'accumulate',
    given: { ...weightsOf('sum'), ...weightsOf('part') },
    op: (given) => Object.values(accumulate(accumulate(undefined, copies(given, 'sum')), copies(given, 'part'))),
  },
];

const cases: Case[] = [
  ...nets,
  ...recurrent,
  ...normals,
  ...windows,
  ...objective,
  ...counted,
  ...estimates,
  ...updates,
];

testOnBackends('agrees with plain ops', cases);
