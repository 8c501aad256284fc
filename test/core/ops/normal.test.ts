/** Normal distributions against integrals and closed formulas in float64. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import * as tf from '@tensorflow/tfjs';
import {
  logRatio,
  type NormalBase,
  type NormalHead,
  type NormalPrior,
  normalFromHead,
  normalFromHeadGrad,
} from '#air/core/ops/normal.js';
import { assertCloseEach, assertCloseOverall } from '../../support/assert-close.js';
import { onEachBackend, read } from '../../support/backends.js';
import { slopes } from '../../support/finite-differences.js';
import { normals } from '../../support/random.js';

const softplus = (x: number) => Math.max(x, 0) + Math.log1p(Math.exp(-Math.abs(x)));

/** log softplus(x); far below zero softplus(x) is e^x to within e^2x. */
const logSoftplus = (x: number) => (x < -40 ? x : Math.log(softplus(x)));

type Head = { rawLoc: number; rawScale: number };
type Prior = { loc: number; scale: number };

/** KL of N(loc, scale) from its prior; the textbook's formula, with the logarithm kept exact. */
function klFormula({ rawLoc, rawScale }: Head, prior: Prior): number {
  const unit = softplus(rawScale);
  return -logSoftplus(rawScale) + (unit ** 2 + (rawLoc / prior.scale) ** 2) / 2 - 0.5;
}

/** KL as the integral of q log(q/p), by the trapezoid rule over ten standard deviations. */
function klIntegral({ rawLoc, rawScale }: Head, prior: Prior): number {
  const [loc, scale] = [rawLoc + prior.loc, prior.scale * softplus(rawScale)];
  const logDensity = (z: number, mean: number, sd: number) =>
    -0.5 * ((z - mean) / sd) ** 2 - Math.log(sd) - 0.5 * Math.log(2 * Math.PI);
  const step = scale / 100;
  let sum = 0;
  for (let i = -1000; i <= 1000; i++) {
    const z = loc + i * step;
    const logQ = logDensity(z, loc, scale);
    sum += Math.exp(logQ) * (logQ - logDensity(z, prior.loc, prior.scale));
  }
  return sum * step;
}

/** A head of one row: `offset` numbers that are none of its business, locations, raw scales. */
const headOf = (offset: number, heads: readonly Head[]) =>
  tf.tensor2d([
    [...Array(offset).fill(9), ...heads.map(({ rawLoc }) => rawLoc), ...heads.map(({ rawScale }) => rawScale)],
  ]);

const priorOf = (priors: readonly Prior[]) => ({
  loc: tf.tensor1d(priors.map(({ loc }) => loc)),
  scale: tf.tensor1d(priors.map(({ scale }) => scale)),
});

/** What a head says z is read off with, where that is not the prior. */
const BASE: Prior[] = [
  { loc: 0, scale: 1 },
  { loc: 0.5, scale: 0.4 },
  { loc: -2, scale: 1.5 },
];

/** The same, relative to the priors. */
const relativeTo = (bases: readonly Prior[], priors: readonly Prior[]): NormalBase => ({
  shift: tf.tensor1d(bases.map(({ loc }, d) => loc - priors[d].loc)),
  ratio: tf.tensor1d(bases.map(({ scale }, d) => scale / priors[d].scale)),
});

/** A normal that begins at its prior, with its analytic KL. */
const headAt = (head: tf.Tensor2D, noise: tf.Tensor2D, prior: NormalPrior): NormalHead => ({
  ...{ head, noise, prior },
  klKind: 'analytic',
});

onEachBackend(() => {
  const priors: Prior[] = [
    { loc: 3, scale: 0.2 },
    { loc: 0, scale: 1 },
    { loc: -1, scale: 2.5 },
  ];

  describe('a normal read off a head', () => {
    it('costs the integral of q log(q/p)', async () => {
      for (const rawScale of [-6, -1, 0, 0.5, 3]) {
        for (const offset of [0, 1]) {
          const heads = priors.map((_, d) => ({ rawLoc: [0.3, -2, 0][d], rawScale }));
          const expected = heads.reduce((sum, head, d) => sum + klIntegral(head, priors[d]), 0);
          const { kl } = normalFromHead(headAt(headOf(offset, heads), tf.zeros([1, 3]), priorOf(priors)), offset);
          assert.deepEqual(kl.shape, [1, 1]);
          assertCloseEach(await read(kl), [expected], 2e-5, `KL at raw scale ${rawScale}`);
        }
      }
    });

    it('is where its head and its noise say', async () => {
      const noise = normals(3);
      const heads = priors.map((_, d) => ({ rawLoc: [0.3, -2, 0][d], rawScale: [-1, 0.5, 2][d] }));
      const draw = normalFromHead(headAt(headOf(1, heads), tf.tensor2d([noise]), priorOf(priors)), 1);
      const loc = heads.map(({ rawLoc }, d) => rawLoc + priors[d].loc);
      const scale = heads.map(({ rawScale }, d) => softplus(rawScale) * priors[d].scale);
      assertCloseEach(await read(draw.loc), loc, 1e-6, 'loc');
      assertCloseEach(await read(draw.scale), scale, 1e-6, 'scale');
      const sample = loc.map((mean, d) => mean + scale[d] * noise[d]);
      assertCloseEach(await read(draw.sample), sample, 1e-6, 'sample', 1);
    });

    it('costs nothing where it is the prior', async () => {
      const rawScale = Math.log(Math.expm1(1)); // softplus of it is 1
      const heads = priors.map(() => ({ rawLoc: 0, rawScale }));
      const { kl } = normalFromHead(headAt(headOf(0, heads), tf.zeros([1, 3]), priorOf(priors)));
      assertCloseOverall(await read(kl), [0], 1e-6, 'KL', 1);
    });

    for (const rawScale of [-80, -40, -16, -14, 15, 30, 80]) {
      it(`keeps its digits at raw scale ${rawScale}`, async () => {
        const heads = priors.map(() => ({ rawLoc: 0.5, rawScale }));
        const noise = [0.5, -1, 2];
        const values = [...heads.map(({ rawLoc }) => rawLoc), ...heads.map((head) => head.rawScale)];
        const loss = (x: readonly number[]) =>
          priors.reduce((sum, prior, d) => {
            const sample = x[d] + prior.loc + prior.scale * softplus(x[3 + d]) * noise[d];
            return sum + klFormula({ rawLoc: x[d], rawScale: x[3 + d] }, prior) + sample * (d + 1);
          }, 0);
        const draw = normalFromHead(headAt(headOf(0, heads), tf.tensor2d([noise]), priorOf(priors)));
        const kl = heads.reduce((sum, head, d) => sum + klFormula(head, priors[d]), 0);
        assertCloseEach(await read(draw.kl), [kl], 1e-6, 'KL');
        assertCloseEach(
          await read(draw.scale),
          priors.map(({ scale }) => scale * softplus(rawScale)),
          1e-5,
          'scale',
        );
        const gradient = normalFromHeadGrad(headAt(headOf(0, heads), tf.tensor2d([noise]), priorOf(priors)), {
          dSamples: [tf.tensor2d([[1, 2, 3]])],
          dKl: tf.ones([1, 1]),
        });
        assertCloseEach(await read(gradient), slopes(loss, values, 1e-4), 1e-5, 'gradient', 1);
      });
    }

    for (const { klKind, base } of [
      { klKind: 'analytic', base: undefined },
      { klKind: 'sampled', base: undefined },
      { klKind: 'analytic', base: BASE },
      { klKind: 'sampled', base: BASE },
    ] as const) {
      for (const [offset, uses] of [
        [0, 1],
        [1, 3],
        [2, 2],
        [1, 1],
        [0, 3],
      ]) {
        const what = `${klKind} KL${base ? ', a base of its own' : ''}`;
        it(`has the gradient of ${uses} uses of its sample and of its ${what}, at column ${offset}`, async () => {
          const batch = 4;
          const [heads, noise] = [normals(batch * 6), normals(batch * 3)];
          const dSamples = Array.from({ length: uses }, () => normals(batch * 3));
          const [dKl, dBefore] = [normals(batch), normals(batch * offset)];
          const bases = base ?? priors;
          /** Of one draw: its sample and its KL. */
          const drawOf = (x: readonly number[], b: number, d: number) => {
            const prior = priors[d];
            const loc = x[6 * b + d] + bases[d].loc;
            const scale = bases[d].scale * softplus(x[6 * b + 3 + d]);
            const eps = noise[3 * b + d];
            const sample = loc + scale * eps;
            const analytic =
              Math.log(prior.scale / scale) + (scale ** 2 + (loc - prior.loc) ** 2) / (2 * prior.scale ** 2) - 0.5;
            const sampled = Math.log(prior.scale / scale) + (((sample - prior.loc) / prior.scale) ** 2 - eps ** 2) / 2;
            return { sample, kl: klKind === 'analytic' ? analytic : sampled };
          };
          const each = (add: (b: number, d: number) => void) => {
            for (let b = 0; b < batch; b++) for (let d = 0; d < 3; d++) add(b, d);
          };
          const loss = (x: readonly number[]) => {
            let sum = 0;
            each((b, d) => {
              const { sample, kl } = drawOf(x, b, d);
              for (const dSample of dSamples) sum += dSample[3 * b + d] * sample;
              sum += dKl[b] * kl;
            });
            return sum;
          };
          const slope = slopes(loss, heads);
          const [wide, expected] = [heads, slope].map((values, i) =>
            Array.from({ length: batch }, (_, b) => {
              const first = (i === 0 ? normals(batch * offset) : dBefore).slice(b * offset, (b + 1) * offset);
              return [...first, ...values.slice(6 * b, 6 * b + 6)];
            }),
          );
          const head: NormalHead = {
            ...headAt(tf.tensor2d(wide, [batch, offset + 6]), tf.tensor2d(noise, [batch, 3]), priorOf(priors)),
            klKind,
            base: base && relativeTo(base, priors),
          };
          const { kl, sample } = normalFromHead(head, offset);
          const kls = Array(batch).fill(0);
          const samples = Array(3 * batch).fill(0);
          each((b, d) => {
            kls[b] += drawOf(heads, b, d).kl;
            samples[3 * b + d] = drawOf(heads, b, d).sample;
          });
          assertCloseOverall(await read(kl), kls, 1e-5, 'KL');
          assertCloseOverall(await read(sample), samples, 1e-6, 'sample');
          const gradient = normalFromHeadGrad(head, {
            dSamples: dSamples.map((values) => tf.tensor2d(values, [batch, 3])),
            dKl: tf.tensor2d(dKl, [batch, 1]),
            dBefore: offset > 0 ? tf.tensor2d(dBefore, [batch, offset]) : undefined,
          });
          assert.deepEqual(gradient.shape, [batch, offset + 6]);
          assertCloseOverall(await read(gradient), expected.flat(), 1e-5, 'gradient');
        });
      }
    }
  });

  describe('logRatio', () => {
    const logDensity = (z: number, mean: number, sd: number) =>
      -0.5 * ((z - mean) / sd) ** 2 - Math.log(sd * Math.sqrt(2 * Math.PI));

    it('is log p(z) - log q(z)', async () => {
      const batch = 4;
      const heads = Array.from({ length: batch }, () => [...normals(3), ...normals(3)]);
      const noise = Array.from({ length: batch }, () => normals(3));
      const prior = priorOf(priors);
      const noiseTensor = tf.tensor2d(noise);
      const draw = normalFromHead(headAt(tf.tensor2d(heads) as tf.Tensor2D, noiseTensor, prior));
      const expected = heads.map((head, b) =>
        priors.reduce((sum, { loc, scale }, d) => {
          const [mean, sd] = [head[d] + loc, scale * softplus(head[3 + d])];
          const z = mean + sd * noise[b][d];
          return sum + logDensity(z, loc, scale) - logDensity(z, mean, sd);
        }, 0),
      );
      assertCloseEach(await read(logRatio(draw, noiseTensor, prior)), expected, 2e-5, 'log ratio', 1);
    });

    it('averages to minus the KL', async () => {
      const draws = 20000;
      const noise = tf.tensor2d(normals(3 * draws), [draws, 3]);
      const prior = priorOf(priors);
      const head = tf.tile(tf.tensor2d([[0.1, -0.5, 1, -1, 0.2, 0.5]]), [draws, 1]) as tf.Tensor2D;
      const draw = normalFromHead(headAt(head, noise, prior));
      const ratios = await read(logRatio(draw, noise, prior));
      const mean = ratios.reduce((a, b) => a + b) / draws;
      const sd = Math.sqrt(ratios.reduce((sum, ratio) => sum + (ratio - mean) ** 2, 0) / draws);
      const [kl] = await read(draw.kl);
      assert.ok(Math.abs(mean + kl) < (4 * sd) / Math.sqrt(draws), `mean ${mean}, KL ${kl}`);
    });

    it('stays finite for a scale that has nearly vanished', async () => {
      const heads = priors.map(() => ({ rawLoc: 0, rawScale: -80 }));
      const noise = tf.tensor2d([[1, -1, 0.5]]);
      const prior = priorOf(priors);
      const ratio = await read(logRatio(normalFromHead(headAt(headOf(0, heads), noise, prior)), noise, prior));
      // log(scale / prior) = -80 each, and the noise's own density
      assertCloseEach(ratio, [-240 + (1 + 1 + 0.25) / 2], 1e-5, 'log ratio');
    });
  });
});
