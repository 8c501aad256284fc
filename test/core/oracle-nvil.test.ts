/**
 * NVIL against recorded traces of Pyro's TraceGraph_ELBO (fixtures/oracle/README.md): values to 1e-5, gradients to 1e-4 of
 * the largest value of each tensor, the baseline's included, on each backend that needs nothing but Node.
 */
import assert from 'node:assert/strict';
import { before, describe, it } from 'node:test';
import * as tf from '@tensorflow/tfjs';
import type { BackendName } from '#air/backends/names.js';
import { startBackend } from '#air/backends/start.js';
import type { EstimatorSettings } from '#air/core/config.js';
import { logCountPrior, trialLogs } from '#air/core/count.js';
import { makeBaseline } from '#air/core/estimators/baseline.js';
import { estimate } from '#air/core/estimators/estimator.js';
import { nvil } from '#air/core/estimators/nvil.js';
import { guideStep, initialState, type StepNoise, stateAfter } from '#air/core/guide.js';
import { guideInputs } from '#air/core/guide-input.js';
import { drawObject, type Model, makeModel } from '#air/core/model.js';
import { openLstm } from '#air/core/ops/lstm.js';
import { takeRows } from '#air/core/rows.js';
import { unroll } from '#air/core/unroll.js';
import { PRESETS } from '#air/presets.js';
import { allParams, assertClose, type Oracle, oracles, params, tensor, values } from '../support/oracle-file.js';

const FORWARD = 1e-5;
const GRADIENT = 1e-4;
const backends = (process.env.AIR_TEST_BACKENDS ?? 'wasm,cpu').split(',') as BackendName[];

for (const backend of backends) {
  describe(`on ${backend}`, () => {
    before(async () => {
      await startBackend(backend);
    });
    for (const oracle of oracles('nvil')) describe(oracle.file, () => nvilTests(oracle));
    for (const oracle of oracles('unmasked')) describe(oracle.file, () => unmaskedTests(oracle));
  });
}

/** How a trace weighs things: Pyro multiplies costs by N_data / B, and what the baseline says by a scalar. */
function scalesOf({ raw }: Oracle): { plate: number; baselineScalar: number } {
  return { plate: Number(raw.plate_scale ?? 1), baselineScalar: Number(raw.baseline_scalar ?? 1) };
}

/** NVIL whose costs are those of the trace, divided by the plate's scale. */
function settingsOf(oracle: Oracle): EstimatorSettings {
  const { plate, baselineScalar } = scalesOf(oracle);
  const { use_baselines: hasBaseline, use_masking: masking } = oracle.raw;
  return {
    ...PRESETS.fast.training,
    estimator: 'nvil',
    baseline: hasBaseline === false ? 'none' : 'lstm',
    baselineScalar: baselineScalar / plate,
    blPredictNet: oracle.raw.bl_predict_net as number[],
    masking: masking !== false,
  };
}

/** The noise that leads to the traced samples; with masking zeros for objects that are not there, which nothing depends on. */
function noiseOf(oracle: Oracle, model: Model, images: tf.Tensor3D): StepNoise[] {
  const view = guideInputs[oracle.config.guideInput].view(model, images, '');
  const { masking } = settingsOf(oracle);
  const lstm = openLstm(model.params, 'rnn');
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
    const stepWith = (noise: StepNoise) => guideStep(model, { seen, lstm, images, noise, klKind: 'sampled' }, state);
    const behind = (sample: tf.Tensor2D, { loc, scale }: { loc: tf.Tensor; scale: tf.Tensor }) =>
      tf.mul(masking ? zPres : 1, tf.div(tf.sub(sample, loc), scale)) as tf.Tensor2D;
    const where = behind(samples.where, stepWith(zero).where);
    const what = behind(samples.what, stepWith({ where, what: zero.what }).what);
    const step = stepWith({ where, what });
    const object = { affine: step.affine, zWhat: step.what.sample, gate: masking ? undefined : zPres };
    canvas = drawObject(model, object, canvas).canvas;
    state = stateAfter(step, masking ? state : { zPres });
    return { where, what };
  });
}

/** Uniform numbers that lead to the traced z_pres. */
function uniformsOf(oracle: Oracle): tf.Tensor2D {
  const absent = stepsOf(oracle).map((t) => tf.sub(1, tensor<tf.Tensor2D>(oracle, `z_pres.${t}`)));
  return tf.concat(absent, 1) as tf.Tensor2D;
}

function stepsOf({ config }: Oracle): number[] {
  return Array.from({ length: config.modelSteps }, (_, t) => t);
}

function nvilTests(oracle: Oracle): void {
  const make = () => {
    const model = makeModel(oracle.config, allParams(oracle));
    const images = tensor<tf.Tensor3D>(oracle, 'images');
    return { model, images, noise: noiseOf(oracle, model, images) };
  };
  const steps = stepsOf(oracle);

  it('expects, pays and explains what the trace does', async () => {
    const { model, images, noise } = make();
    const pass = unroll(model, images, noise, { klKind: 'sampled' });
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
    const given = { logPrior: logCountPrior(oracle.config), scale: -1, uniforms: () => uniformsOf(oracle) };
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

function unmaskedTests(oracle: Oracle): void {
  const make = () => {
    const model = makeModel(oracle.config, params(oracle));
    const images = tensor<tf.Tensor3D>(oracle, 'images');
    return { model, images, noise: noiseOf(oracle, model, images) };
  };
  const steps = stepsOf(oracle);
  /** A value of every image, step by step. */
  const ofTrace = (name: string) => steps.map((t) => values(oracle, `${name}.${t}`));

  it('says and pays at every step, after the stop too, what the trace does', async () => {
    const { model, images, noise } = make();
    const pass = unroll(model, images, noise, { klKind: 'sampled', uniforms: uniformsOf(oracle) });
    const [probs, presence] = [ofTrace('guide.z_pres_prob'), ofTrace('z_pres')];
    const logOf = (site: string) => [ofTrace(`guide.log_prob.${site}`), ofTrace(`model.log_prob.${site}`)];
    const [wheres, whats, [ofGuide, ofModel]] = [logOf('z_where'), logOf('z_what'), logOf('z_pres')];
    const { more, stop } = trialLogs(logCountPrior(oracle.config));
    const rows = await takeRows(pass.outcome);
    const counts = rows.map((_, b) => presence.reduce((sum, column) => sum + column[b], 0));
    const drawn = rows.map(({ logLik }, b) => logLik[counts[b]]);
    await assertClose(drawn, values(oracle, 'model.log_prob.obs'), FORWARD, 'likelihood');
    let total = drawn.reduce((sum, logLik) => sum + logLik, 0);
    let afterStop = 0;
    for (const t of steps) {
      for (const [name, [guide, prior]] of [
        ['whereKl', wheres],
        ['whatKl', whats],
      ] as const) {
        const paid = rows.map((row) => row[name][t]);
        const ratios = guide[t].map((log, b) => log - prior[t][b]);
        await assertClose(paid, ratios, 2 * FORWARD, `log q - log p of step ${t}, ${name}`);
        total -= paid.reduce((sum, kl) => sum + kl, 0);
      }
      const taken = rows.flatMap(({ zPresLogits }, b) => {
        if (t > counts[b]) return [];
        const p = 1 / (1 + Math.exp(-zPresLogits[t]));
        const isThere = presence[t][b] === 1;
        return [{ b, p, ofQ: Math.log(isThere ? p : 1 - p), ofP: isThere ? more[t] : stop[t] }];
      });
      afterStop += rows.length - taken.length;
      const traced = (columns: Float32Array[]) => taken.map(({ b }) => columns[t][b]);
      for (const [key, columns] of [
        ['p', probs],
        ['ofQ', ofGuide],
        ['ofP', ofModel],
      ] as const) {
        const said = taken.map((one) => one[key]);
        await assertClose(said, traced(columns), FORWARD, `z_pres ${t}, ${key}`);
      }
      total += taken.reduce((sum, { ofP, ofQ }) => sum + ofP - ofQ, 0);
    }
    assert.ok(afterStop > 0, 'some steps come after a stop');
    await assertClose([-total], values(oracle, 'loss'), FORWARD, 'loss');
  });

  it('has the gradients of the trace', async () => {
    const { model, images, noise } = make();
    const given = { logPrior: logCountPrior(oracle.config), scale: -1, uniforms: () => uniformsOf(oracle) };
    const { gradients, fit } = estimate(nvil(settingsOf(oracle)), model, { images, noise }, given);
    assert.equal(fit, undefined);
    const names = [...oracle.tensors.keys()].filter((name) => name.startsWith('grad.'));
    assert.deepEqual(Object.keys(gradients).sort(), names.map((name) => name.slice('grad.'.length)).sort());
    for (const [name, gradient] of Object.entries(gradients)) {
      await assertClose(gradient, values(oracle, `grad.${name}`), GRADIENT, `gradient of ${name}`);
    }
  });
}
