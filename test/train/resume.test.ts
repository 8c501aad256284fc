/** A real training run, stopped after every save and begun again from the bytes saved, ends as if it had never stopped. */
import assert from 'node:assert/strict';
import { it } from 'node:test';
import * as tf from '@tensorflow/tfjs';
import { startBackend } from '#air/backends/start.js';
import { ESTIMATORS } from '#air/core/config.js';
import { type ImageBatch, splitImages } from '#air/core/images.js';
import { decodeCheckpoint, encodeCheckpoint } from '#air/train/checkpoint.js';
import type { TrainConfig } from '#air/train/config.js';
import { ImageSums } from '#air/train/image-sums.js';
import { Learner } from '#air/train/learner.js';
import { trainLoop } from '#air/train/loop.js';
import type { StepPlan } from '#air/train/plan.js';
import { bars, TINY, TINY_TRAINING } from '../support/tiny-model.js';

/** Takes every other image for one that holds one object: a model this small is never that sure. */
class EagerSums extends ImageSums {
  override remember(fresh: ImageBatch): void {
    this.singles = splitImages(fresh).filter((_, b) => b % 2 === 0);
  }
}

/** Trains from a state, or from the beginning, to the end or to the first save. */
async function run(
  training: TrainConfig,
  state: Uint8Array | undefined,
  isCut: boolean,
): Promise<{ bytes: Uint8Array; plans: StepPlan[] }> {
  const saved = state && decodeCheckpoint(state, 'state');
  const learner = new Learner({ config: TINY, training });
  const sums = new EagerSums({ config: TINY, training });
  if (saved?.moments) {
    learner.restore(saved);
    sums.singles = saved.singles ?? [];
  }
  const plans: StepPlan[] = [];
  const momentsOf = async () => {
    const read = learner.momentNames.map(async (moment) => [moment, await learner.read(moment)]);
    return Object.fromEntries(await Promise.all(read));
  };
  const encoded = async (step: number) =>
    encodeCheckpoint({
      ...{ config: TINY, training, step, data: '', backend: 'wasm', metrics: {}, provenance: [] },
      params: await learner.read('params'),
      moments: await momentsOf(),
      singles: sums.singles,
    });
  let lastSave: Uint8Array | undefined;
  const { step } = await trainLoop(
    { config: TINY, training, done: saved?.step ?? 0 },
    {
      stepper: {
        step: (batch, plan) => {
          plans.push(plan);
          return learner.step(batch, 4, plan);
        },
      },
      nextBatch: async (wanted) => bars(6, 6 * wanted),
      sums,
    },
    { report: 0, valid: 0, preview: 0, save: 9 },
    {
      seconds: () => 0,
      stopReason: () => (isCut && lastSave ? 'signal' : undefined),
      report: async () => {},
      validate: async () => undefined,
      preview: async () => {},
      save: async (at) => {
        lastSave = await encoded(at);
      },
    },
  );
  const bytes = await encoded(step);
  learner.dispose();
  return { bytes, plans };
}

const RUNS: Partial<TrainConfig>[] = [
  ...ESTIMATORS.map((estimator) => ({ estimator })),
  { optimiser: 'rmsprop', learningRate: 1e-4 },
  { clipNorm: 1 },
  { annealTrialsOf: 'trials', annealPriorFrom: 0.9, annealPriorBegin: 7 },
];

for (const changes of RUNS) {
  it(`is the same run, sums of images included, with ${JSON.stringify(changes)}`, async () => {
    await startBackend('wasm');
    const training = { ...TINY_TRAINING, steps: 40, sumPairs: 4, sumFrom: 10, sumTriples: 2, sumReach: 8, ...changes };
    const before = tf.memory().numTensors;
    const whole = await run(training, undefined, false);
    const sumsAt = whole.plans.filter(({ counts }) => counts?.some((count) => count >= 0)).map(({ step }) => step);
    assert.ok(sumsAt.length > 25, `${sumsAt.length} steps with sums`);

    let state: Uint8Array | undefined;
    const plans: StepPlan[] = [];
    let sittings = 0;
    while (plans.at(-1)?.step !== training.steps) {
      const sitting = await run(training, state, true);
      state = sitting.bytes;
      plans.push(...sitting.plans);
      sittings++;
    }
    assert.ok(sittings > 3, `${sittings} sittings`);
    assert.deepEqual(plans, whole.plans);
    assert.ok(Buffer.from(state as Uint8Array).equals(whole.bytes));
    assert.equal(tf.memory().numTensors, before);
  });
}
