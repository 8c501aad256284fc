/** Steps on several threads are the steps of one, byte for byte, whatever estimates the gradients. */
import assert from 'node:assert/strict';
import { it } from 'node:test';
import * as tf from '@tensorflow/tfjs';
import { startBackend } from '#air/backends/start.js';
import { GradientPool } from '#air/threads/gradient-pool.js';
import { Learner, type StepOutcome } from '#air/train/learner.js';
import { bars, stepPlan, TINY, TINY_TRAINING } from '../support/tiny-model.js';

const SUB_BATCH = 2;
const BATCH = 7;

for (const [estimator, masking] of [
  ['enumerate', true],
  ['nvil', true],
  ['nvil', false],
  ['iwae', true],
] as const) {
  it(`with --estimator ${estimator}${masking ? '' : ' --masking off'}`, async () => {
    await startBackend('wasm');
    const training = { ...TINY_TRAINING, estimator, masking, baselineScalar: 10, blPredictNet: [5] };
    const plan = (step: number) => ({ ...stepPlan(step, 0.01), wantsNorm: true, counts: [-1, -1, 2, 1, -1, -1, 0] });
    const before = tf.memory().numTensors;
    const alone = new Learner({ config: TINY, training });
    const said: StepOutcome[] = [];
    for (const step of [1, 2, 3]) said.push(await alone.step(bars(BATCH, BATCH * step), SUB_BATCH, plan(step)));
    assert.equal(said[0].outcomes.length, BATCH);
    assert.equal(said[0].fits.length, estimator === 'nvil' ? BATCH : 0);
    for (const threads of [2, 3]) {
      const learner = new Learner({ config: TINY, training });
      const pool = new GradientPool(learner, SUB_BATCH, threads, false);
      for (const step of [1, 2, 3]) {
        assert.deepEqual(await pool.step(bars(BATCH, BATCH * step), plan(step)), said[step - 1]);
      }
      await pool.close();
      for (const which of ['params', 'm', 'v'] as const) {
        assert.deepEqual(await learner.read(which), await alone.read(which), `${which} on ${threads} threads`);
      }
      learner.dispose();
    }
    alone.dispose();
    assert.equal(tf.memory().numTensors, before);
  });
}
