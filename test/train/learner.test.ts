/** A training step: cut into parts or not, interrupted or not, it is the same step. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import * as tf from '@tensorflow/tfjs';
import { ESTIMATORS } from '#air/core/config.js';
import { geometricLogProbs } from '#air/core/count.js';
import { elboTerms, meanTerms } from '#air/core/elbo.js';
import { joinImages, sliceImages, splitImages, toIntensities } from '#air/core/images.js';
import { makeModel } from '#air/core/model.js';
import type { HostTensors } from '#air/core/ops/weights.js';
import type { TrainConfig } from '#air/train/config.js';
import { type Gradients, Learner, partGradients, partNoise, partsOf, subBatches } from '#air/train/learner.js';
import type { StepPlan } from '#air/train/plan.js';
import { assertCloseEach, assertCloseOverall } from '../support/assert-close.js';
import { onEachBackend } from '../support/backends.js';
import { elboGradients } from '../support/estimates.js';
import { bars, stepPlan, TINY, TINY_TRAINING } from '../support/tiny-model.js';

const BATCH = TINY_TRAINING.batchSize;

function plan(step: number, rate = 0.01): StepPlan {
  return { ...stepPlan(step, rate), wantsNorm: step % 2 === 0 };
}

const batchOf = (step: number) => bars(BATCH, BATCH * step);

/** Gradients of one batch, cut as asked, summed, by weight name; and what each image said. */
async function gradientsOf(
  learner: Learner,
  subBatch: number,
  counts?: readonly number[],
): Promise<{ [name: string]: Float32Array }> {
  const parts: Gradients[] = [];
  const batch = batchOf(1);
  for (const part of partsOf(batch, subBatch)) {
    parts.push(await learner.gradients(part, { ...plan(1), ...(counts ? { counts } : {}) }));
  }
  const sums: { [name: string]: Float32Array } = {};
  for (const part of parts) {
    for (const [name, tensor] of Object.entries(part.sum)) {
      const values = (await tensor.data()) as Float32Array;
      sums[name] = sums[name] ? sums[name].map((value, i) => Math.fround(value + values[i])) : values.slice();
    }
    tf.dispose(part.sum);
  }
  return sums;
}

/** Weights and moments after some steps. */
async function stateAfter(learner: Learner, steps: number[], subBatch = 4): Promise<HostTensors[]> {
  for (const step of steps) await learner.step(batchOf(step), subBatch, plan(step));
  return [await learner.read('params'), await learner.read('m'), await learner.read('v')];
}

describe('subBatches', () => {
  it('cuts a batch into an even number of parts of about one size', () => {
    assert.deepEqual(subBatches(6, 4), [
      [0, 3],
      [3, 6],
    ]);
    assert.deepEqual(subBatches(64, 48), [
      [0, 32],
      [32, 64],
    ]);
    assert.deepEqual(subBatches(5, 2), [
      [0, 1],
      [1, 3],
      [3, 4],
      [4, 5],
    ]);
    assert.deepEqual(subBatches(6, 64), [[0, 6]]);
    assert.deepEqual(subBatches(6, Number.POSITIVE_INFINITY), [[0, 6]]);
    assert.deepEqual(subBatches(0, 4), []);
  });

  it('leaves out no image, and no part is empty, too large or much smaller than another', () => {
    for (let size = 1; size <= 40; size++) {
      for (let most = 1; most <= 41; most++) {
        const parts = subBatches(size, most);
        const sizes = parts.map(([from, to]) => to - from);
        const what = `${size} by ${most}: ${parts.join(' ')}`;
        assert.deepEqual(
          parts.map(([from]) => from),
          [0, ...parts.slice(0, -1).map(([, to]) => to)],
          what,
        );
        assert.equal(parts[parts.length - 1][1], size, what);
        assert.ok(Math.min(...sizes) >= 1 && Math.max(...sizes) <= most, what);
        assert.ok(Math.max(...sizes) - Math.min(...sizes) <= 1, what);
        const isEven = parts.length % 2 === 0;
        assert.ok(isEven || parts.length === 1 || parts.length === size, what);
      }
    }
  });
});

describe('partsOf', () => {
  it('cuts the images where subBatches says, each part with its place in the batch', () => {
    const batch = batchOf(1);
    const parts = partsOf(batch, 4);
    assert.deepEqual(
      parts.map(({ from, batch: whole, images }) => [from, from + images.size, whole]),
      [
        [0, 3, BATCH],
        [3, 6, BATCH],
      ],
    );
    assert.deepEqual(joinImages(parts.flatMap(({ images }) => splitImages(images))), batch);
  });
});

onEachBackend(() => {
  for (const estimator of ESTIMATORS) {
    it(`computes the same gradient however the batch is cut (${estimator})`, async () => {
      const learner = new Learner({ config: TINY, training: { ...TINY_TRAINING, estimator } });
      const whole = await gradientsOf(learner, BATCH);
      for (const subBatch of [1, 2, 4]) {
        const cut = await gradientsOf(learner, subBatch);
        for (const name of Object.keys(whole))
          assertCloseOverall(cut[name], whole[name], 2e-5, `${name} in parts of ${subBatch}`);
        assert.deepEqual(await gradientsOf(learner, subBatch), cut, 'and the same bytes for the same cut');
      }
      learner.dispose();
    });
  }

  it('gives known counts to the images that they are of', async () => {
    const learner = new Learner({ config: TINY, training: { ...TINY_TRAINING, sumWeight: 10 } });
    const unknown = await gradientsOf(learner, BATCH);
    const counts = [-1, -1, -1, 2, -1, 1];
    const whole = await gradientsOf(learner, BATCH, counts);
    for (const subBatch of [1, 4]) {
      const cut = await gradientsOf(learner, subBatch, counts);
      for (const name of Object.keys(whole))
        assertCloseOverall(cut[name], whole[name], 2e-5, `${name} in parts of ${subBatch}`);
    }
    assert.notDeepEqual(whole, unknown);
    assert.notDeepEqual(await gradientsOf(learner, BATCH, counts.toReversed()), whole);
    assert.deepEqual(await gradientsOf(learner, BATCH, Array(BATCH).fill(-1)), unknown, 'no lesson, no change');
    learner.dispose();
  });

  it('weighs a known count with so many nats, whatever the part that its image is in', async () => {
    const training = { ...TINY_TRAINING, sumWeight: 10 };
    const learner = new Learner({ config: TINY, training });
    const { images, from, batch } = partsOf(batchOf(2), 4)[1];
    const { sum } = await learner.gradients({ images, from, batch }, { ...plan(2), counts: [3, 3, 3, 0, -1, 2] });
    const expected = elboGradients(
      makeModel(TINY, learner.params),
      toIntensities(images, TINY.canvas),
      partNoise({ config: TINY, training }, 2, { images, from, batch }),
      plan(2).logPrior,
      BATCH,
      tf.tensor2d([
        [10, 0, 0, 0],
        [0, 0, 0, 0],
        [0, 0, 10, 0],
      ]),
    );
    for (const [name, gradient] of Object.entries(sum)) {
      assertCloseOverall(await gradient.data(), await expected.gradients[name].data(), 1e-6, name);
    }
    tf.dispose(sum);
    learner.dispose();
  });

  it('depends on the step, the prior and the position of an image in the batch', async () => {
    const learner = new Learner({ config: TINY, training: TINY_TRAINING });
    const images = sliceImages(batchOf(1), 0, 1);
    const elboOf = async (from: number, changes: Partial<StepPlan>) => {
      const { sum, outcomes } = await learner.gradients({ images, from, batch: BATCH }, { ...plan(1), ...changes });
      tf.dispose(sum);
      return elboTerms(outcomes[0], changes.logPrior ?? plan(1).logPrior).elbo;
    };
    const elbos = [
      await elboOf(0, {}),
      await elboOf(1, {}),
      await elboOf(0, { step: 2 }),
      await elboOf(0, { logPrior: geometricLogProbs(0.01, 3) }),
    ];
    assert.equal(new Set(elbos).size, 4, `${elbos}`);
    assert.equal(await elboOf(0, {}), elbos[0]);
    learner.dispose();
  });

  it('tells of every image, in order, and of the size of the gradient', async () => {
    const learner = new Learner({ config: TINY, training: TINY_TRAINING });
    const gradients = await gradientsOf(learner, BATCH);
    const whole = new Learner({ config: TINY, training: TINY_TRAINING });
    const cut = new Learner({ config: TINY, training: TINY_TRAINING });
    const [one, other] = [
      await whole.step(batchOf(1), BATCH, { ...plan(1), wantsNorm: true }),
      await cut.step(batchOf(1), 4, plan(1)),
    ];
    assert.equal(one.outcomes.length, BATCH);
    assert.equal(other.gradientNorm, undefined);
    other.outcomes.forEach((outcome, b) => {
      assertCloseOverall(outcome.logLik, one.outcomes[b].logLik, 1e-5, `log-likelihoods of image ${b}`);
      assertCloseOverall(outcome.zPresLogits, one.outcomes[b].zPresLogits, 1e-5, `logits of image ${b}`);
      assert.deepEqual([outcome.logLik.length, outcome.whereKl.length, outcome.whatKl.length], [4, 3, 3]);
    });
    const squares = Object.values(gradients).reduce((sum, g) => sum + g.reduce((total, x) => total + x * x, 0), 0);
    assertCloseEach(one.gradientNorm as number, Math.sqrt(squares), 1e-5, 'norm');
    for (const each of [learner, whole, cut]) each.dispose();
  });

  it('learns: the ELBO of a batch seen again and again rises', async () => {
    const learner = new Learner({ config: { ...TINY, likelihoodSd: 0.15 }, training: TINY_TRAINING });
    const elbos: number[] = [];
    for (let step = 1; step <= 100; step++) {
      const { outcomes } = await learner.step(batchOf(0), BATCH, plan(step, 0.03));
      elbos.push(meanTerms(outcomes.map((outcome) => elboTerms(outcome, geometricLogProbs(0.1, 3)))).elbo);
    }
    const mean = (values: number[]) => values.reduce((a, b) => a + b) / values.length;
    const [first, last] = [mean(elbos.slice(0, 10)), mean(elbos.slice(-10))];
    assert.ok(last > first + 10, `ELBO from ${first} to ${last}`);
    learner.dispose();
  });

  it('goes on from weights and moments that went through the host, byte for byte', async () => {
    const whole = new Learner({ config: TINY, training: TINY_TRAINING });
    const expected = await stateAfter(whole, [1, 2, 3, 4, 5]);
    const begun = new Learner({ config: TINY, training: TINY_TRAINING });
    const [params, m, v] = await stateAfter(begun, [1, 2, 3]);
    const resumed = new Learner({ config: TINY, training: { ...TINY_TRAINING } });
    resumed.write('params', params);
    resumed.write('m', m);
    resumed.write('v', v);
    assert.deepEqual(await stateAfter(resumed, []), [params, m, v], 'what is read is what was written');
    assert.deepEqual(await stateAfter(resumed, [4, 5]), expected);
    for (const each of [whole, begun, resumed]) each.dispose();
  });

  it('keeps moments weight by weight, in whatever order they are written', async () => {
    const learner = new Learner({ config: TINY, training: TINY_TRAINING });
    const gradients = await gradientsOf(learner, BATCH);
    const [params, m, v] = await stateAfter(learner, [1], BATCH);
    for (const [name, { shape }] of params) {
      assert.deepEqual([m.get(name)?.shape, v.get(name)?.shape], [shape, shape]);
      const moments = [m, v].map((all) => all.get(name)?.values as Float32Array);
      assertCloseOverall(
        moments[0],
        gradients[name].map((g) => 0.1 * g),
        1e-5,
        `m of ${name}`,
      );
      assertCloseOverall(
        moments[1],
        gradients[name].map((g) => 0.001 * g * g),
        1e-5,
        `v of ${name}`,
      );
    }
    learner.write('m', new Map([...m].reverse()));
    assert.deepEqual(await learner.read('m'), m);
    learner.dispose();
  });

  it('shortens a gradient that is longer than it may be, as a whole, and no other', async () => {
    /** Where a first step of RMSProp goes without memory: rate g / sqrt(1 + ...), all but along the gradient. */
    const training: TrainConfig = { ...TINY_TRAINING, optimiser: 'rmsprop', rmspropDecay: 0, rmspropEpsilon: 1e6 };
    const movesOf = async (clipNorm: number) => {
      const learner = new Learner({ config: TINY, training: { ...training, clipNorm } });
      const before = await learner.read('params');
      const { gradientNorm } = await learner.step(batchOf(1), BATCH, { ...plan(1), wantsNorm: true });
      const after = await learner.read('params');
      learner.dispose();
      const moves = [...after].flatMap(([name, { values }]) => {
        const from = before.get(name)?.values as Float32Array;
        return [...values].map((value, i) => value - from[i]);
      });
      return { moves, gradientNorm: gradientNorm as number };
    };
    const free = await movesOf(0);
    const half = await movesOf(free.gradientNorm / 2);
    assertCloseOverall(
      half.moves,
      free.moves.map((move) => move / 2),
      1e-3,
      'half as far',
    );
    assert.equal(half.gradientNorm, free.gradientNorm, 'what is reported is not clipped');
    assert.deepEqual((await movesOf(2 * free.gradientNorm)).moves, free.moves);
  });

  it('hands out copies: what was read does not change with the next step', async () => {
    const learner = new Learner({ config: TINY, training: TINY_TRAINING });
    const [before] = await stateAfter(learner, []);
    const kept = structuredClone(before);
    const [after] = await stateAfter(learner, [1]);
    assert.deepEqual(before, kept);
    assert.notDeepEqual(after, kept);
    learner.dispose();
  });

  it('computes gradients without a learner, at whatever weights, which stay', async () => {
    const [one, other] = [
      new Learner({ config: TINY, training: TINY_TRAINING }),
      new Learner({ config: { ...TINY }, training: TINY_TRAINING }),
    ];
    await stateAfter(other, [1]);
    const part = { images: sliceImages(batchOf(2), 2, 5), from: 2, batch: BATCH };
    const counts = [-1, -1, -1, 2, -1, 1];
    const numbersOf = async ({ sum, outcomes }: Gradients) => {
      const numbers = await Promise.all(Object.values(sum).map(async (tensor) => (await tensor.data()).slice()));
      tf.dispose(sum);
      return { numbers, names: Object.keys(sum), outcomes };
    };
    const given = [part, { ...plan(2), counts }] as const;
    const expected = await numbersOf(await other.gradients(...given));
    const settings = { config: TINY, training: TINY_TRAINING };
    assert.deepEqual(await numbersOf(await partGradients(settings, other.params, ...given)), expected);
    assert.deepEqual(await numbersOf(await other.gradients(...given)), expected);
    assert.notDeepEqual(await numbersOf(await one.gradients(...given)), expected);
    one.dispose();
    other.dispose();
  });

  it('leaves no tensor behind', async () => {
    const before = tf.memory();
    const learner = new Learner({ config: TINY, training: TINY_TRAINING });
    await learner.step(batchOf(0), 4, plan(1));
    const { numTensors, numDataBuffers, numBytes } = tf.memory();
    for (const step of [2, 3, 4]) {
      await learner.step(batchOf(step), 4, plan(step));
      const now = tf.memory();
      assert.deepEqual([now.numTensors, now.numDataBuffers, now.numBytes], [numTensors, numDataBuffers, numBytes]);
    }
    learner.dispose();
    const after = tf.memory();
    assert.deepEqual([after.numTensors, after.numDataBuffers], [before.numTensors, before.numDataBuffers]);
  });
});
