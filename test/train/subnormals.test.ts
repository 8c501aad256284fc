/** Late in training, when a model is sure of most counts, no op of a step leaves the normal numbers of float32. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, it } from 'node:test';
import * as tf from '@tensorflow/tfjs';
import { startBackend } from '#air/backends/start.js';
import { ESTIMATORS } from '#air/core/config.js';
import { joinImages } from '#air/core/images.js';
import { FORGOTTEN } from '#air/core/ops/vanish.js';
import type { HostTensors } from '#air/core/ops/weights.js';
import { PYRO_SCENES, SceneComposer } from '#air/data/scenes.js';
import { decodeCheckpoint } from '#air/train/checkpoint.js';
import { OPTIMISERS, type TrainConfig } from '#air/train/config.js';
import { Learner } from '#air/train/learner.js';
import { learningRatesAt, logPriorAt } from '#air/train/schedule.js';
import { readMnist } from '../support/mnist.js';
import { countSubnormals, subnormalsOf } from '../support/subnormals.js';

const BATCH = 40;
const STEP = 2400;

/** Scenes; among them an empty image, and one that is nothing but ink. */
const batch = () => {
  const composer = new SceneComposer(readMnist('t10k'), PYRO_SCENES);
  const images = Array.from({ length: BATCH }, (_, i) => composer.compose(7, i).image.slice());
  images[0].fill(0);
  images[1].fill(255);
  return joinImages(images);
};

/** Moments of weights that have had no gradient for long: on their way down, or stuck at the smallest number there is. */
function decayed(moments: HostTensors): HostTensors {
  const sizes = [0, 1e-20, 1e-33, 1e-37, 1.4e-45];
  return new Map(
    [...moments].map(([name, { shape, values }]) => [name, { shape, values: values.map((_, i) => sizes[i % 5]) }]),
  );
}

/** A learner with the weights of the model that comes with the package. */
async function trained(changes: Partial<TrainConfig>): Promise<Learner> {
  const { config, training, params } = decodeCheckpoint(readFileSync('fixtures/models/digits.safetensors'), 'digits');
  const learner = new Learner({ config, training: { ...training, batchSize: BATCH, ...changes } });
  learner.write('params', new Map([...(await learner.read('params')), ...params]));
  for (const moment of learner.momentNames) learner.write(moment, decayed(await learner.read(moment)));
  return learner;
}

/** A late step, in which the counts of some images are known. */
async function lateStep(learner: Learner): Promise<void> {
  const { settings } = learner;
  const rates = learningRatesAt(settings.training, STEP);
  const counts = Array.from({ length: BATCH }, (_, b) => (b < 10 ? b % 3 : -1));
  const logPrior = logPriorAt(settings, STEP);
  await learner.step(batch(), 48, { step: STEP, rates, logPrior, wantsNorm: false, counts });
}

describe('a late step on wasm', () => {
  for (const estimator of ESTIMATORS) {
    it(`with --estimator ${estimator}`, async () => {
      await startBackend('wasm');
      const learner = await trained({ estimator });
      assert.deepEqual(await subnormalsOf(() => lateStep(learner)), {});
      learner.dispose();
    });
  }

  for (const optimiser of OPTIMISERS) {
    it(`moments of ${optimiser} end at 0`, async () => {
      await startBackend('wasm');
      const learner = await trained({ optimiser });
      await lateStep(learner);
      for (const moment of learner.momentNames) {
        const all = [...(await learner.read(moment)).values()].flatMap(({ values }) => [...values]);
        assert.deepEqual(
          all.filter((x) => x !== 0 && Math.abs(x) < FORGOTTEN),
          [],
          moment,
        );
        assert.ok(all.some((x) => x !== 0) && all.some((x) => x === 0), moment);
      }
      learner.dispose();
    });
  }

  it('the test sees such numbers where there are some', async () => {
    await startBackend('wasm');
    const made = await subnormalsOf(async () => tf.mul(tf.tensor1d([1e-30, 1, -1e-30]), 1e-10).dispose());
    assert.deepEqual(made, { Multiply: 2 });
    assert.equal(countSubnormals(Float32Array.of(0, 1.2e-38, 1.1e-38, -1e-44, Number.NaN)), 2);
  });
});
