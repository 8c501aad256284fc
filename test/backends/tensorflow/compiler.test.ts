/** Graphs on libtensorflow: the same numbers as op by op, whatever is trained and how; and nothing of them is left behind. */
import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { before, describe, it } from 'node:test';
import * as tf from '@tensorflow/tfjs';
import type { Started } from '#air/backends/backend.js';
import { startBackend } from '#air/backends/start.js';
import type { TensorflowBackend } from '#air/backends/tensorflow/backend.js';
import { GraphCompiler } from '#air/backends/tensorflow/compiler.js';
import { Recorder } from '#air/backends/tensorflow/recorder.js';
import { watchLibrary } from '#air/bench/kernels.js';
import { ESTIMATORS } from '#air/core/config.js';
import { geometricLogProbs } from '#air/core/count.js';
import { infer } from '#air/core/infer.js';
import { makeModel } from '#air/core/model.js';
import { compiled, opByOp } from '#air/core/ops/compiled.js';
import { tensorOps } from '#air/core/ops/tensor-ops.js';
import type { HostTensors } from '#air/core/ops/weights.js';
import { PRESETS } from '#air/presets.js';
import type { Settings } from '#air/train/config.js';
import { Learner } from '#air/train/learner.js';
import type { StepPlan } from '#air/train/plan.js';
import { assertCloseEach, assertCloseOverall } from '../../support/assert-close.js';
import { read } from '../../support/backends.js';
import { livelyModel } from '../../support/lively-model.js';
import { bars, TINY, TINY_TRAINING } from '../../support/tiny-model.js';

const isAsked = (process.env.AIR_TEST_BACKENDS ?? '').split(',').includes('tensorflow');

const backend = () => tf.backend() as unknown as TensorflowBackend;
const models = () => (backend().binding as unknown as { getNumOfSavedModels(): number }).getNumOfSavedModels();

/** Everything that may be another from step to step is. */
function planOf(step: number, counts: readonly number[] | undefined): StepPlan {
  const rates = { model: 0.01 / step, baseline: 0.02 / step };
  const logPrior = geometricLogProbs(0.1 / step, TINY.modelSteps);
  return { step, rates, logPrior, wantsNorm: step % 2 === 0, ...(counts ? { counts } : {}) };
}

/** Weights after some steps, of batches of this size or that. */
async function trained(
  settings: Settings,
  steps: readonly { size: number; counts?: number[] }[],
): Promise<HostTensors> {
  const learner = new Learner({ ...settings });
  for (const [i, { size, counts }] of steps.entries()) {
    await learner.step(bars(size, 10 * i, settings.config.canvas), Number.POSITIVE_INFINITY, planOf(i + 1, counts));
  }
  const weights = await learner.read('params');
  learner.dispose();
  return weights;
}

async function assertSame(settings: Settings, steps: Parameters<typeof trained>[1]): Promise<void> {
  const before = models();
  const ofGraphs = await trained(settings, steps);
  assert.ok(models() > before, 'nothing was compiled');
  const alone = await opByOp(() => trained(settings, steps));
  for (const [name, { values }] of alone) {
    assertCloseOverall(ofGraphs.get(name)?.values ?? [], values, 1e-5, name);
    values.forEach((value, i) => {
      assert.ok(Math.abs((ofGraphs.get(name)?.values[i] ?? Number.NaN) - value) < 1e-6, `${name} ${i}`);
    });
  }
}

describe('graphs of libtensorflow', { skip: isAsked ? false : 'make test-native' }, () => {
  let started: Started;
  before(async () => {
    started = await startBackend('tensorflow');
  });

  const line = compiled(
    (_: object, { x, shift }: { x: tf.Tensor; shift: tf.Tensor }, { slope }: { slope: number | (() => number) }) => {
      const ops = tensorOps();
      const y = ops.add(ops.mul(x, ops.varying(slope)), shift);
      return { y, parts: tf.split(y, 2, 0) };
    },
  );

  it('compute with new tensors and new numbers at each call, for each shape by itself', async () => {
    const settings = {};
    const loaded = models();
    for (let i = 1; i <= 6; i++) {
      for (const size of [2, 4]) {
        const numbers = Array.from({ length: size }, (_, k) => i + k);
        const x = tf.tensor1d(numbers);
        const shift = tf.tensor1d([100 * i]);
        const { y, parts } = line(settings, { x, shift }, { slope: i / 2 });
        const expected = numbers.map((value) => (value * i) / 2 + 100 * i);
        assertCloseEach(await read(y), expected, 1e-6, `call ${i} of ${size}`);
        assertCloseEach([...(await read(parts[0])), ...(await read(parts[1]))], expected, 1e-6, `parts, call ${i}`);
        tf.dispose([x, shift]);
      }
    }
    assert.equal(models(), loaded + 2);
  });

  it('take one call for all ops from the third time on', async () => {
    const [settings, tensors] = [{}, { x: tf.tensor1d([1, 2]), shift: tf.scalar(1) }];
    const run = async () => tf.dispose(line(settings, tensors, { slope: 3 }));
    const calls: (number | undefined)[] = [];
    for (let i = 0; i < 3; i++) calls.push((await watchLibrary(run, started)).libraryCalls);
    assert.deepEqual(calls, [3 + 2, 3 + 1, 1]); // recorded, tried and run; recorded again and run; run
    assert.deepEqual(await watchLibrary(run, started), { libraryOps: 3, libraryCalls: 1 });
    tf.dispose(tensors);
  });

  it('are loaded from a folder that is there for a moment, and are so many at most', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'air-graphs-'));
    const compiler = new GraphCompiler(backend(), new Recorder(backend()), folder);
    const loaded = models();
    const x = tf.tensor1d([1, 2, 3]);
    const double = (_: object, tensors: { x: tf.Tensor }) => ({ y: tf.add(tensors.x, tensors.x) });
    for (let kind = 0; kind < 40; kind++) {
      const settings = {};
      for (let i = 0; i < 3; i++) tf.dispose(compiler.call(double, settings, { x }, {}));
    }
    assert.ok(models() - loaded <= 32, `${models() - loaded} graphs`);
    const [once, ...others] = Array.from({ length: 40 }, () => ({}));
    for (const settings of [once, ...others, once, once]) tf.dispose(compiler.call(double, settings, { x }, {}));
    assert.deepEqual(await read(compiler.call(double, once, { x }, {}).y), [2, 4, 6], 'though its graph was gone');
    assert.deepEqual(readdirSync(folder), []);
    rmSync(folder, { recursive: true });
    x.dispose();
  });

  for (const estimator of ESTIMATORS) {
    for (const masking of estimator === 'nvil' ? [true, false] : [true]) {
      it(`train the same weights as op by op: ${estimator}${masking ? '' : ' without masking'}`, async () => {
        const training = { ...TINY_TRAINING, estimator, masking, baselineScalar: 2 };
        await assertSame({ config: TINY, training }, Array(6).fill({ size: 5 }));
      });
    }
  }

  it('train the same weights with known counts or without, on batches of several sizes', async () => {
    const [some, plain, few] = [{ size: 5, counts: [-1, 2, 0, -1, 1] }, { size: 5 }, { size: 2 }];
    const steps = [some, plain, few, some, plain, few, some, plain, few, some];
    await assertSame({ config: TINY, training: { ...TINY_TRAINING, sumWeight: 10 } }, steps);
  });

  it('train the same weights with RMSProp, gradients that are shortened, and what else another recipe has', async () => {
    const { model, training } = PRESETS.akosiorek;
    const config = { ...TINY, zWhere: model.zWhere, activation: model.activation, guideInput: model.guideInput };
    const recipe = { ...training, batchSize: 5, clipNorm: 0.5, blPredictNet: [5] };
    await assertSame({ config, training: recipe }, Array(5).fill({ size: 5 }));
  });

  it('leave nothing behind after each of 200 steps', async () => {
    const learner = new Learner({ config: TINY, training: TINY_TRAINING });
    const numbers: [number, number][] = [];
    for (let step = 1; step <= 200; step++) {
      await learner.step(bars(6, step), Number.POSITIVE_INFINITY, planOf(step, undefined));
      numbers.push([tf.memory().numTensors, models()]);
    }
    assert.deepEqual(numbers.at(-1), numbers[3]);
    learner.dispose();
  });

  it('infer the same as op by op, with weights that move', async () => {
    const { config, params } = livelyModel(TINY);
    const options = { mode: 'sample', samples: 2, seed: 4 } as const;
    for (let i = 0; i < 4; i++) {
      const moved = Object.fromEntries(Object.entries(params).map(([name, w]) => [name, tf.mul(w, 1 + i / 10)]));
      const ask = () => infer(makeModel(config, moved), bars(4, i), [0, 1, 2, 3], options);
      const [ofGraphs, alone] = [await ask(), await opByOp(ask)];
      alone.forEach((image, b) => {
        assertCloseOverall(ofGraphs[b].q, image.q, 1e-5, `q(n), image ${b}`);
        assertCloseOverall([ofGraphs[b].elbo ?? 0], [image.elbo ?? 1], 1e-5, `ELBO, image ${b}`);
        image.steps.forEach((step, t) => {
          assertCloseOverall(ofGraphs[b].steps[t].what, step.what, 1e-5, `z_what ${t}, image ${b}`);
          assertCloseOverall(ofGraphs[b].steps[t].box, step.box, 1e-5, `box ${t}, image ${b}`);
        });
      });
      tf.dispose(moved);
    }
  });
});
