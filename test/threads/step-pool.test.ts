/** Steps on several threads are the steps of one, byte for byte, whatever estimates the gradients. */
import assert from 'node:assert/strict';
import { it } from 'node:test';
import * as tf from '@tensorflow/tfjs';
import { startBackend } from '#air/backends/start.js';
import { StepPool } from '#air/threads/step-pool.js';
import type { TrainConfig } from '#air/train/config.js';
import { Learner, type StepOutcome } from '#air/train/learner.js';
import { bars, stepPlan, TINY, TINY_TRAINING } from '../support/tiny-model.js';

const SUB_BATCH = 2;
const BATCH = 7;

const CASES: readonly Partial<TrainConfig>[] = [
  { estimator: 'enumerate' },
  { estimator: 'nvil' },
  { estimator: 'nvil', masking: false },
  { estimator: 'iwae' },
  { estimator: 'nvil', clipNorm: 0.5 }, // which needs to know the whole gradient before any weight moves
  { estimator: 'enumerate', optimiser: 'rmsprop' },
];

for (const changes of CASES) {
  it(JSON.stringify(changes), async () => {
    await startBackend('wasm');
    const training = { ...TINY_TRAINING, baselineScalar: 10, blPredictNet: [5], ...changes };
    const plan = (step: number) => ({ ...stepPlan(step, 0.01), wantsNorm: true, counts: [-1, -1, 2, 1, -1, -1, 0] });
    const before = tf.memory().numTensors;
    const alone = new Learner({ config: TINY, training });
    const said: StepOutcome[] = [];
    for (const step of [1, 2, 3]) said.push(await alone.step(bars(BATCH, BATCH * step), SUB_BATCH, plan(step)));
    assert.equal(said[0].outcomes.length, BATCH);
    assert.equal(said[0].fits.length, changes.estimator === 'nvil' ? BATCH : 0);
    for (const threads of [2, 3, 4]) {
      const learner = new Learner({ config: TINY, training });
      const pool = await StepPool.start(learner, SUB_BATCH, threads, false);
      for (const step of [1, 2, 3]) {
        assert.deepEqual(await pool.step(bars(BATCH, BATCH * step), plan(step)), said[step - 1]);
      }
      await pool.gather();
      await pool.close();
      for (const which of ['params', ...learner.momentNames]) {
        assert.deepEqual(await learner.read(which), await alone.read(which), `${which} on ${threads} threads`);
      }
      learner.dispose();
    }
    alone.dispose();
    assert.equal(tf.memory().numTensors, before);
  });
}
