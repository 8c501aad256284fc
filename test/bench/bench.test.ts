/** What the bench counts, against tfjs's own count and against formulas; how long anything takes is not tested. */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import * as tf from '@tensorflow/tfjs';
import type { Started } from '#air/backends/backend.js';
import { startBackend } from '#air/backends/start.js';
import { type Watched, watchKernels } from '#air/bench/kernels.js';
import { watchMemory } from '#air/bench/memory.js';
import { spreadOf } from '#air/bench/timing.js';
import { warmUp } from '#air/bench/training.js';
import { multiplyAdds, Yardstick } from '#air/bench/yardstick.js';
import type { ModelConfig } from '#air/core/config.js';
import { geometricLogProbs } from '#air/core/count.js';
import { PRESETS } from '#air/presets.js';
import type { TrainConfig } from '#air/train/config.js';
import { Learner } from '#air/train/learner.js';
import type { StepPlan } from '#air/train/plan.js';

const { model: config, training } = PRESETS.small;
const BATCH = 4;

const batch = { pixels: Uint8Array.from({ length: BATCH * 2500 }, (_, i) => (i * i) % 251), size: BATCH };
const planAt = (step: number): StepPlan => ({
  step,
  rates: { model: 1e-3, baseline: 1e-3 },
  logPrior: geometricLogProbs(1e-3, config.modelSteps),
  wantsNorm: false,
});
const settings: TrainConfig = { ...training, batchSize: BATCH };

test('the median and the quartiles, between values where need be', () => {
  assert.deepEqual(spreadOf([5, 1, 3, 2, 4]), { median: 3, low: 2, high: 4 });
  assert.deepEqual(spreadOf([4, 1]), { median: 2.5, low: 1.75, high: 3.25 });
  assert.deepEqual(spreadOf([7]), { median: 7, low: 7, high: 7 });
});

test('warm is who gets no faster, after a hundred steps or more', async () => {
  const stepsOf = async (msAt: (step: number) => number) => {
    let step = 0;
    return warmUp(async () => msAt(++step));
  };
  const flat = await stepsOf(() => 10);
  assert.deepEqual([flat.steps, flat.firstMs.length], [100, 100]);
  const falling = await stepsOf((step) => Math.max(10, 60 - step / 4));
  assert.deepEqual(falling.steps, 250, 'at 200 the bottom is reached; the next window is as fast, so is not faster');
  assert.equal(falling.firstMs[99], 35);
  assert.equal((await stepsOf((step) => 1e6 * 0.9 ** step)).steps, 600, 'it has to end');
});

/** Multiply-adds of a training step by the sizes of the layers: each product forward, for its weights, for its input. */
function expectedMultiplyAdds(
  size: number,
  { modelSteps, zWhatSize, windowSize, rnnHiddenSize, ...nets }: ModelConfig,
) {
  const [embed] = nets.embedNet;
  const seen = 25 * 25 * embed; // its input, the residual, takes no gradient
  const rnn = 4 * rnnHiddenSize * (embed + 3 + zWhatSize + 1 + rnnHiddenSize);
  const predict = nets.predictNet[0] * (rnnHiddenSize + 7);
  const encoder = nets.encoderNet[0] * (windowSize ** 2 + 2 * zWhatSize);
  const decoder = nets.decoderNet[0] * (zWhatSize + windowSize ** 2);
  return modelSteps * size * (2 * seen + 3 * (rnn + predict + encoder + decoder));
}

describe('on wasm', () => {
  let backend: Started;
  let learner: Learner;
  const step = (subBatch = BATCH) => learner.step(batch, subBatch, planAt(1));
  const originals = () => tf.getKernelsForBackend('wasm').map(({ kernelFunc }) => kernelFunc);

  before(async () => {
    backend = await startBackend('wasm');
    learner = new Learner({ config, training: settings });
    await step();
  });
  after(() => learner.dispose());

  test('as many kernels as tfjs counts', async () => {
    const { kernels } = await tf.profile(async () => {
      await step();
      return [];
    });
    const { count, uses, ms } = await watchKernels(step);
    assert.equal(count, kernels.length);
    assert.equal(
      uses.reduce((sum, { calls }) => sum + calls, 0),
      count,
      'here no kernel calls another',
    );
    assert.ok(uses.every((use, i) => use.ms >= 0 && use.ms <= (uses[i - 1] ?? use).ms));
    assert.ok(uses.reduce((sum, use) => sum + use.ms, 0) <= ms);
  });

  test('every kernel is itself again, also after a failure', async () => {
    const untouched = originals();
    const boom = new Error('boom');
    await assert.rejects(
      watchKernels(async () => {
        assert.notDeepEqual(originals(), untouched);
        throw boom;
      }),
      boom,
    );
    assert.deepEqual(new Set(originals()), new Set(untouched));
  });

  test('the products of a step are those that its layers are made of, whatever the sub-batches', async () => {
    const [whole, halves] = [await watchKernels(step), await watchKernels(() => step(BATCH / 2))];
    const expected = expectedMultiplyAdds(BATCH, config);
    assert.equal(multiplyAdds(whole.products), expected);
    assert.equal(multiplyAdds(halves.products), expected);
  });

  test('the yardstick multiplies them all, once each', async () => {
    const { products } = await watchKernels(step);
    const yardstick = new Yardstick(products);
    const { uses } = await watchKernels(() => yardstick.time());
    assert.equal(uses.find(({ kernel }) => kernel === 'BatchMatMul')?.calls, products.length);
    const tensors = tf.memory().numTensors;
    await yardstick.time();
    assert.equal(tf.memory().numTensors, tensors);
    yardstick.dispose();
    assert.ok(tf.memory().numTensors < tensors);
  });

  for (const workers of [1, 2]) {
    test(`no step leaves a tensor behind, ${workers} at work`, async () => {
      const soaked = new Learner({ config, training: settings });
      const small = { ...backend, subBatch: BATCH / 2 };
      const seen: number[] = [];
      const source = { batchAt: () => batch, planAt };
      const samples = await watchMemory(small, soaked, source, {
        ...{ steps: 30, workers, samples: 3 },
        onStep: (step) => seen.push(step),
      });
      soaked.dispose();
      assert.deepEqual(
        samples.map((sample) => sample.step),
        [10, 20, 30],
      );
      assert.equal(seen.length, 30);
      assert.equal(new Set(samples.map(({ tensors }) => tensors)).size, 1);
      assert.equal(new Set(samples.map(({ tensorBytes }) => tensorBytes)).size, 1);
      assert.equal(new Set(samples.map(({ wasmHeapBytes }) => wasmHeapBytes)).size, 1);
      assert.ok(samples.every(({ wasmHeapBytes = 0, rssBytes }) => wasmHeapBytes > 0 && rssBytes > wasmHeapBytes));
    });
  }
});

test('a composite counts as the kernels it is made of, and its time without theirs', async () => {
  await startBackend('cpu');
  const learner = new Learner({ config, training: settings });
  const step = () => learner.step(batch, BATCH, planAt(1));
  await step();
  const { count, uses, products, ms }: Watched = await watchKernels(step);
  learner.dispose();
  const calls = (isComposite: boolean) =>
    uses.filter(({ kernel }) => kernel.startsWith('Air') === isComposite).reduce((sum, use) => sum + use.calls, 0);
  assert.ok(calls(true) > 0);
  assert.equal(count, calls(false));
  assert.ok(uses.reduce((sum, use) => sum + use.ms, 0) <= ms);
  assert.equal(multiplyAdds(products), expectedMultiplyAdds(BATCH, config));
});
