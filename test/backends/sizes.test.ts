/**
 * Ops in sizes that kernels take apart, or that do not divide by what they compute at a time: images one by one, more of them than
 * before, odd sides, products of one tile and of many. Batches of several sizes come one after the other, as in training on sums.
 */
import type * as tf from '@tensorflow/tfjs';
import { enumeratedElboGrad } from '#air/core/elbo.js';
import { imageLogLik, imageLogLikGrad, residual } from '#air/core/ops/image.js';
import { LinearTape, mlp, mlpGrad } from '#air/core/ops/linear.js';
import { lstmCell, lstmCellGrad, openLstm } from '#air/core/ops/lstm.js';
import { normalFromHead, normalFromHeadGrad } from '#air/core/ops/normal.js';
import { placeWindows, placeWindowsGrad } from '#air/core/ops/place-windows.js';
import { readWindows, readWindowsGrad } from '#air/core/ops/read-windows.js';
import type { Size } from '#air/core/ops/sampling.js';
import { testOnBackends } from '../support/compare-ops.js';
import { type Case, type Tensors, twoScales, zWhere } from '../support/op-cases.js';
import { random, type Values } from '../support/random.js';

/** There and back, so that a smaller batch follows a larger one. */
const BATCHES = [1, 2, 17, 33, 3];

const layer = (outputs: number, inputs: number) => ({
  'net.seq.0.weight': random([outputs, inputs], 2 / Math.sqrt(inputs)),
  'net.seq.0.bias': random([outputs]),
});

/** A layer and all its gradients. */
function thereAndBack({ x, dy, ...params }: Tensors): tf.Tensor[] {
  const tape = new LinearTape();
  const pass = mlp(params, 'net', x, { output: 'softplus', shift: 0.5 });
  return [pass.y, mlpGrad(params, pass, dy, tape), ...Object.values(tape.gradients())];
}

/** Images, inputs, outputs. */
const PRODUCTS = [
  [1, 1, 1],
  [1, 33, 2],
  [16, 32, 16],
  [17, 31, 65],
  [300, 9, 450],
  [700, 5, 770],
] as const;

const products: Case[] = PRODUCTS.map(([batch, inputs, outputs]) => ({
  name: `a layer from ${inputs} to ${outputs} and its gradients, batch ${batch}`,
  given: { x: random([batch, inputs]), dy: random([batch, outputs]), ...layer(outputs, inputs) },
  op: thereAndBack,
}));

const layers: Case[] = BATCHES.map((batch) => ({
  name: `a layer and its gradients, batch ${batch}`,
  given: { x: random([batch, 13, 3]), dy: random([batch, 7]), ...layer(7, 39) },
  op: thereAndBack,
}));

const longTapes: Case[] = [4, 5, 9].map((uses) => ({
  name: `the gradients of a layer's weights over ${uses} steps`,
  given: { d: random([uses, 3, 7]), x: random([uses, 3, 5]) },
  op: ({ d, x }: Tensors) => {
    const tape = new LinearTape();
    const [ds, xs] = [d.unstack() as tf.Tensor2D[], x.unstack() as tf.Tensor2D[]];
    for (const [t, each] of ds.entries()) tape.add({ weight: 'weight', bias: 'bias' }, each, xs[t]);
    return Object.values(tape.gradients());
  },
}));

const cells: Case[] = BATCHES.map((batch) => ({
  name: `a step of an LSTM and its gradients, batch ${batch}`,
  given: {
    ...{ part0: random([batch, 2]), part1: random([batch, 3]), h: random([batch, 5]), c: random([batch, 5]) },
    ...{ dh: random([batch, 5]), 'r.weight_ih': random([20, 5]), 'r.weight_hh': random([20, 5]) },
    ...{ 'r.bias_ih': random([20]), 'r.bias_hh': random([20]) },
  },
  op: ({ part0, part1, h, c, dh, ...params }: Tensors) => {
    const tape = new LinearTape();
    const step = lstmCell(openLstm(params, 'r'), [part0, part1], { h, c });
    const back = lstmCellGrad(step, { dhs: [dh], dc: undefined, sizes: [2, 3] }, tape);
    return [step.h, step.c, back.dh, back.dc, ...back.dParts, ...Object.values(tape.gradients())];
  },
}));

/** More dimensions than a workgroup has threads. */
const draws: Case[] = [...BATCHES.map((batch) => ({ batch, size: 3 })), { batch: 2, size: 70 }].map(
  ({ batch, size }) => ({
    name: `a normal of ${size} and its gradient, batch ${batch}`,
    given: {
      ...{ head: random([batch, 1 + 2 * size], 6), noise: random([batch, size]), dSample: random([batch, size]) },
      ...{ dKl: random([batch, 1]), dBefore: random([batch, 1]) },
      ...{ loc: random([size]), scale: random([size], 0.1, [1]) },
    },
    op: ({ head, noise, loc, scale, dSample, dKl, dBefore }: Tensors) => {
      const given = { head, noise, prior: { loc, scale }, klKind: 'analytic' as const };
      const draw = normalFromHead(given, 1);
      return [...Object.values(draw), normalFromHeadGrad(given, { dSamples: [dSample], dKl, dBefore })];
    },
  }),
);

function windowsCase(name: string, z: Values, size: Size): Case {
  const [batch] = z.shape;
  const area = size[0] * size[1];
  return {
    name: `windows ${name}, and their gradients`,
    given: {
      ...{ z, images: random([batch, 11, 9]), canvas: random([batch, 11, 9]), dCanvas: random([batch, 11, 9]) },
      ...{ windows: random([batch, area]), dWindows: random([batch, area]) },
    },
    op: ({ z, images, canvas, dCanvas, windows, dWindows }: Tensors) => [
      readWindows(images, z, size),
      readWindowsGrad(dWindows, images, z, size),
      placeWindows(windows, z, size, canvas),
      ...Object.values(placeWindowsGrad(dCanvas, windows, z, size)),
    ],
  };
}

/** (s, x, y) of several images, number by number. */
const maps = (...numbers: number[]): Values => ({ shape: [numbers.length / 3, 3], data: Float32Array.from(numbers) });

const windows: Case[] = [
  ...BATCHES.map((batch) => windowsCase(`by one scale, batch ${batch}`, zWhere(batch), [5, 7])),
  ...BATCHES.map((batch) => windowsCase(`by two scales, batch ${batch}`, twoScales(batch), [5, 7])),
  // none in the middle: of points that are centres of pixels the slope is either side's, and libraries choose differently
  windowsCase('larger than the image', maps(0.3, 0.04, -0.03, 0.21, 0.1, -0.1), [5, 4]),
  windowsCase('smaller than a pixel, and beside the image', maps(40, 1.5, 2.5, 3, 9, -9, 2.5, 0.3, 0.04), [3, 4]),
  windowsCase('of one pixel', maps(2.5, 0.03, 0.1), [1, 1]),
];

const images: Case[] = BATCHES.map((batch) => ({
  name: `what images say, its gradient, and what is left of them, batch ${batch}`,
  given: {
    ...{ images: random([batch, 7, 13]), canvas: random([batch, 7, 13]), later: random([batch, 7, 13]) },
    dy: random([batch, 1]),
  },
  op: ({ images, canvas, later, dy }: Tensors) => [
    imageLogLik(images, canvas, 0.7),
    imageLogLikGrad(dy, { images, canvas, later }, 0.7),
    residual(images, canvas, 2),
  ],
}));

const counts: Case[] = [
  ...BATCHES.map((batch) => ({ batch, steps: 3, spread: 3 })),
  ...[1, 2, 6].map((steps) => ({ batch: 4, steps, spread: 3 })),
  { batch: 9, steps: 3, spread: 60 }, // counts that are out of the question
].map(({ batch, steps, spread }) => ({
  name: `enumeratedElboGrad of ${steps} steps, batch ${batch}, logits of ${spread}`,
  given: {
    ...{ zPresLogits: random([batch, steps], spread), logLik: random([batch, steps + 1], 300) },
    ...{ whereKl: random([batch, steps], 10), whatKl: random([batch, steps], 10) },
  },
  op: (inputs: Tensors) => {
    const { zPresLogits, logLik, whereKl, whatKl } = inputs;
    const logPrior = Array.from({ length: steps + 1 }, (_, n) => -0.1 - 7 * n);
    return Object.values(enumeratedElboGrad({ zPresLogits, logLik, whereKl, whatKl }, logPrior, -1 / 7, undefined));
  },
}));

testOnBackends('agrees with plain ops, whatever the sizes', [
  ...products,
  ...layers,
  ...longTapes,
  ...cells,
  ...draws,
  ...windows,
  ...images,
  ...counts,
]);
