/**
 * NVIL against recorded traces of Pyro's TraceGraph_ELBO (fixtures/oracle/README.md): values to 1e-5, gradients to 1e-4 of
 * the largest value of each tensor, the baseline's included, on each backend that needs nothing but Node.
 */
import assert from 'node:assert/strict';
import { before, describe, it } from 'node:test';
import * as tf from '@tensorflow/tfjs';
import type { BackendName } from '#air/backends/names.js';
import { startBackend } from '#air/backends/start.js';
import { logCountPrior } from '#air/core/count.js';
import { makeBaseline } from '#air/core/estimators/baseline.js';
import { estimate } from '#air/core/estimators/estimator.js';
import { nvil } from '#air/core/estimators/nvil.js';
import { guideStep, initialState, type StepNoise, stateAfter } from '#air/core/guide.js';
import { guideInputs } from '#air/core/guide-input.js';
import { drawObject, type Model, makeModel } from '#air/core/model.js';
import { unroll } from '#air/core/unroll.js';
import { allParams, assertClose, type Oracle, oracles, tensor, values } from '../support/oracle-file.js';

const FORWARD = 1e-5;
const GRADIENT = 1e-4;
const backends = (process.env.AIR_TEST_BACKENDS ?? 'wasm,cpu').split(',') as BackendName[];

for (const backend of backends) {
  describe(`on ${backend}`, () => {
    before(async () => {
      await startBackend(backend);
    });
    for (const oracle of oracles('nvil')) describe(oracle.file, () => nvilTests(oracle));
  });
}

/** How a trace weighs things: Pyro multiplies costs by N_data / B, and what the baseline says by a scalar. */
function scalesOf({ raw }: Oracle): { plate: number; baselineScalar: number } {
  return { plate: Number(raw.plate_scale ?? 1), baselineScalar: Number(raw.baseline_scalar ?? 1) };
}

/** NVIL whose costs are those of the trace, divided by the plate's scale. */
function settingsOf(oracle: Oracle) {
  const { plate, baselineScalar } = scalesOf(oracle);
  const blPredictNet = oracle.raw.bl_predict_net as number[];
  return { estimator: 'nvil', baseline: 'lstm', baselineScalar: baselineScalar / plate, blPredictNet } as const;
}

/** The noise that leads to the traced samples of objects that are there; zeros for the others, which nothing depends on. */
function noiseOf(oracle: Oracle, model: Model, images: tf.Tensor3D): StepNoise[] {
  const view = guideInputs[oracle.config.guideInput].view(model, images, '');
  let state = initialState(model, images.shape[0]);
  let canvas = tf.zerosLike(images);
  return Array.from({ length: oracle.config.modelSteps }, (_, t) => {
    const zPres = tensor<tf.Tensor2D>(oracle, `z_pres.${t}`);
    const samples = {
      where: tensor<tf.Tensor2D>(oracle, `z_where.${t}`),
      what: tensor<tf.Tensor2D>(oracle, `z_what.${t}`),
    };
    const zero: StepNoise = { where: tf.zerosLike(samples.where), what: tf.zerosLike(samples.what) };
    const seen = view.observe(canvas);
    const stepWith = (noise: StepNoise) => guideStep(model, { seen, images, noise, klKind: 'sampled' }, state);
    const behind = (sample: tf.Tensor2D, { loc, scale }: { loc: tf.Tensor; scale: tf.Tensor }) =>
      tf.mul(zPres, tf.div(tf.sub(sample, loc), scale)) as tf.Tensor2D;
    const where = behind(samples.where, stepWith(zero).where);
    const what = behind(samples.what, stepWith({ where, what: zero.what }).what);
    const step = stepWith({ where, what });
    canvas = drawObject(model, { zWhere: step.where.sample, zWhat: step.what.sample }, canvas).canvas;
    state = stateAfter(step, state);
    return { where, what };
  });
}

function nvilTests(oracle: Oracle): void {
  const make = () => {
    const model = makeModel(oracle.config, allParams(oracle));
    const images = tensor<tf.Tensor3D>(oracle, 'images');
    return { model, images, noise: noiseOf(oracle, model, images) };
  };
  const steps = Array.from({ length: oracle.config.modelSteps }, (_, t) => t);

  it('expects, pays and explains what the trace does', async () => {
    const { model, images, noise } = make();
    const pass = unroll(model, images, noise, 'sampled');
    const settings = settingsOf(oracle);
    const expected = makeBaseline(settings).expect(model, pass)?.values as tf.Tensor2D;
    const columns = (x: tf.Tensor2D) => tf.split(x, x.shape[1], 1) as tf.Tensor2D[];
    const [baselines, whereKls, whatKls] = [expected, pass.outcome.whereKl, pass.outcome.whatKl].map(columns);
    const ofTrace = (name: string) => tensor<tf.Tensor2D>(oracle, name, [images.shape[0], 1]);
    let before: tf.Tensor = tf.ones([images.shape[0], 1]);
    for (const t of steps) {
      const zPres = tensor<tf.Tensor2D>(oracle, `z_pres.${t}`);
      const value = tf.mul(tf.mul(baselines[t], before), scalesOf(oracle).plate);
      await assertClose(value, values(oracle, `baseline.${t}`), FORWARD, `baseline ${t}`);
      for (const [name, kl] of [
        ['z_where', whereKls[t]],
        ['z_what', whatKls[t]],
      ] as const) {
        const ratio = tf.sub(ofTrace(`guide.log_prob.${name}.${t}`), ofTrace(`model.log_prob.${name}.${t}`));
        await assertClose(tf.mul(kl, zPres), await ratio.data(), 2 * FORWARD, `log q - log p of ${name} ${t}`);
      }
      before = zPres;
    }
  });

  it('has the loss and the gradients of the trace, the baseline included', async () => {
    const { model, images, noise } = make();
    const { plate } = scalesOf(oracle);
    const uniforms = () => {
      const absent = steps.map((t) => tf.sub(1, tensor<tf.Tensor2D>(oracle, `z_pres.${t}`)));
      return tf.concat(absent, 1) as tf.Tensor2D;
    };
    const given = { logPrior: logCountPrior(oracle.config), scale: -1, uniforms };
    const { gradients, fit } = estimate(nvil(settingsOf(oracle)), model, { images, noise }, given);
    assert.ok(fit);
    const elbos = (await fit.returns.array()).map(([first]) => first);
    const loss = -plate * elbos.reduce((sum, elbo) => sum + elbo, 0);
    await assertClose([loss], values(oracle, 'loss'), FORWARD, 'loss');
    const names = [...oracle.tensors.keys()].filter((name) => name.startsWith('grad.'));
    assert.deepEqual(Object.keys(gradients).sort(), names.map((name) => name.slice('grad.'.length)).sort());
    for (const [name, gradient] of Object.entries(gradients)) {
      // errors of the scaled costs are `plate` times ours, and so are the gradients by what the baseline said
      const factor = name.startsWith('bl_') ? plate ** 2 : plate;
      await assertClose(tf.mul(gradient, factor), values(oracle, `grad.${name}`), GRADIENT, `gradient of ${name}`);
    }
  });
}
