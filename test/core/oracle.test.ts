/**
 * Every number of the model against reference implementations: Pyro's AIR example and the default recipe in PyTorch.
 * Forward to 1e-5, gradients to 1e-4, of the largest value of each tensor, on each backend that needs nothing but Node.
 */
import assert from 'node:assert/strict';
import { before, describe, it } from 'node:test';
import * as tf from '@tensorflow/tfjs';
import type { BackendName } from '#air/backends/names.js';
import { startBackend } from '#air/backends/start.js';
import { geometricLogProbs, geometricTrialProbs } from '#air/core/count.js';
import { guideStep, initialState, type StepNoise, stateAfter } from '#air/core/guide.js';
import { guideInputs } from '#air/core/guide-input.js';
import { drawObject, type Model, makeModel } from '#air/core/model.js';
import { countLogProbs } from '#air/core/ops/elbo.js';
import { imageLogLik } from '#air/core/ops/image.js';
import { openLstm } from '#air/core/ops/lstm.js';
import { logRatio } from '#air/core/ops/normal.js';
import { unroll } from '#air/core/unroll.js';
import { elboGradients, elbosOf } from '../support/estimates.js';
import { assertClose, type Oracle, oracles, params, tensor, values } from '../support/oracle-file.js';

const FORWARD = 1e-5;
const GRADIENT = 1e-4;
const backends = (process.env.AIR_TEST_BACKENDS ?? 'wasm,cpu').split(',') as BackendName[];

function modelOf(oracle: Oracle): Model {
  return makeModel(oracle.config, params(oracle));
}

function noiseOf(oracle: Oracle): StepNoise[] {
  return Array.from({ length: oracle.config.modelSteps }, (_, t) => ({
    where: tensor<tf.Tensor2D>(oracle, `enum.noise.z_where.${t}`),
    what: tensor<tf.Tensor2D>(oracle, `enum.noise.z_what.${t}`),
  }));
}

function forSteps(oracle: Oracle, each: (t: number) => Promise<void>): Promise<void> {
  return Array.from({ length: oracle.config.modelSteps }, (_, t) => t).reduce(
    (before, t) => before.then(() => each(t)),
    Promise.resolve(),
  );
}

for (const backend of backends) {
  describe(`on ${backend}`, () => {
    before(async () => {
      await startBackend(backend);
    });
    for (const oracle of oracles('pyro')) describe(oracle.file, () => pyroTests(oracle));
    for (const oracle of oracles('difference')) describe(oracle.file, () => differenceTests(oracle));
    for (const oracle of [...oracles('pyro'), ...oracles('difference')]) describe(oracle.file, () => enumTests(oracle));
  });
}

/** The exact objective along the all-present path, and its gradient by every weight. */
function enumTests(oracle: Oracle): void {
  it('enumerates the ELBO over n', async () => {
    const { steps, outcome } = unroll(modelOf(oracle), tensor(oracle, 'images'), noiseOf(oracle));
    await assertClose(tf.exp(countLogProbs(outcome.zPresLogits)), values(oracle, 'enum.q_n'), FORWARD, 'q(n)');
    await assertClose(outcome.logLik, values(oracle, 'enum.log_lik_n'), FORWARD, 'log p(x | z_1..n)');
    const kl = tf.add(outcome.whereKl, outcome.whatKl) as tf.Tensor2D;
    await assertClose(kl, values(oracle, 'enum.kl'), FORWARD, 'KL');
    await forSteps(oracle, async (t) => {
      await assertClose(steps[t].where.sample, values(oracle, `enum.z_where.${t}`), FORWARD, `z_where ${t}`);
      await assertClose(steps[t].what.sample, values(oracle, `enum.z_what.${t}`), FORWARD, `z_what ${t}`);
    });
    const logPrior = geometricLogProbs(oracle.zPresPrior, oracle.config.modelSteps);
    await assertClose(await elbosOf(outcome, logPrior), values(oracle, 'enum.elbo'), FORWARD, 'ELBO');
  });

  it('differentiates the ELBO by every weight', async () => {
    const model = modelOf(oracle);
    const images = tensor<tf.Tensor3D>(oracle, 'images');
    const logPrior = geometricLogProbs(oracle.zPresPrior, oracle.config.modelSteps);
    const { gradients, outcome } = elboGradients(model, images, noiseOf(oracle), logPrior, images.shape[0]);
    await assertClose(await elbosOf(outcome, logPrior), values(oracle, 'enum.elbo'), FORWARD, 'ELBO');
    const expected = [...oracle.tensors.keys()].filter((name) => name.startsWith('enum.grad.'));
    assert.deepEqual(Object.keys(gradients).sort(), expected.map((name) => name.slice('enum.grad.'.length)).sort());
    for (const [name, gradient] of Object.entries(gradients)) {
      await assertClose(gradient, values(oracle, `enum.grad.${name}`), GRADIENT, `gradient of ${name}`);
    }
  });
}

/** The default model: what each step sees, decides and draws. */
function differenceTests(oracle: Oracle): void {
  it('sees the residual and draws as the PyTorch recipe does', async () => {
    const model = modelOf(oracle);
    const images = tensor<tf.Tensor3D>(oracle, 'images');
    const { steps } = unroll(model, images, noiseOf(oracle));
    let canvas = tf.zerosLike(images);
    await forSteps(oracle, async (t) => {
      const before = canvas;
      // with no embedding, the guide's view is the pooled residual itself
      const bare = { config: { ...oracle.config, embedNet: [] }, params: {} };
      const seen = guideInputs.difference.view(bare, images, '').observe(canvas);
      await assertClose(seen, values(oracle, `enum.rest.${t}`), FORWARD, `rest ${t}`);
      canvas = steps[t].canvas;
      const { where, what, zPresLogits, code, decoded } = steps[t];
      const named = {
        z_pres_logit: zPresLogits,
        z_where_loc: where.loc,
        z_where_scale: where.scale,
        z_what_loc: what.loc,
        z_what_scale: what.scale,
        window: code.x,
        decoded: decoded.windows,
        placed: tf.sub(canvas, before),
        canvas,
      };
      for (const [name, value] of Object.entries(named)) {
        await assertClose(value, values(oracle, `enum.${name}.${t}`), FORWARD, `${name} ${t}`);
      }
    });
  });
}

/** Pyro's traced run, its samples forced: guide parameters, log-probabilities, windows and canvas. */
function pyroTests(oracle: Oracle): void {
  it('replays the traced guide and model', async () => {
    const model = modelOf(oracle);
    const { config, priors } = model;
    const images = tensor<tf.Tensor3D>(oracle, 'images');
    const [batch] = images.shape;
    const trialProbs = geometricTrialProbs(oracle.zPresPrior, config.modelSteps);
    const look = guideInputs.image.view(model, images, '');
    const lstm = openLstm(model.params, 'rnn');
    let state = initialState(model, batch);
    let canvas = tf.zerosLike(images);
    let elbo = tf.zeros([batch]);
    let present = tf.ones([batch, 1]);

    await forSteps(oracle, async (t) => {
      const zPres = tensor<tf.Tensor2D>(oracle, `z_pres.${t}`);
      const zWhere = tensor<tf.Tensor2D>(oracle, `z_where.${t}`);
      const zWhat = tensor<tf.Tensor2D>(oracle, `z_what.${t}`);
      // a first pass gives loc and scale; the noise that leads to the traced sample then follows from them
      const zero = { where: tf.zerosLike(zWhere), what: tf.zerosLike(zWhat) };
      const klKind = 'analytic';
      const stepWith = (noise: StepNoise) =>
        guideStep(model, { seen: look.observe(canvas), lstm, images, noise, klKind }, state);
      const { where: freeWhere } = stepWith(zero);
      const whereNoise = tf.div(tf.sub(zWhere, freeWhere.loc), freeWhere.scale) as tf.Tensor2D;
      const half = stepWith({ ...zero, where: whereNoise });
      const whatNoise = tf.div(tf.sub(zWhat, half.what.loc), half.what.scale) as tf.Tensor2D;
      const noise = { where: whereNoise, what: whatNoise };
      const step = stepWith(noise);

      const p = tf.mul(tf.sigmoid(step.zPresLogits), present) as tf.Tensor2D;
      await assertClose(p, values(oracle, `guide.z_pres_prob.${t}`), FORWARD, `z_pres probability ${t}`);
      await assertClose(step.where.loc, values(oracle, `guide.z_where_loc.${t}`), FORWARD, `z_where loc ${t}`);
      await assertClose(step.where.scale, values(oracle, `guide.z_where_scale.${t}`), FORWARD, `z_where scale ${t}`);
      await assertClose(step.what.loc, values(oracle, `guide.z_what_loc.${t}`), FORWARD, `z_what loc ${t}`);
      await assertClose(step.what.scale, values(oracle, `guide.z_what_scale.${t}`), FORWARD, `z_what scale ${t}`);
      await assertClose(step.code.x, values(oracle, `window.${t}`), FORWARD, `window ${t}`);

      const logProbs = {
        'guide.log_prob.z_pres': tf.mul(bernoulliLogProb(p, zPres), present),
        'model.log_prob.z_pres': tf.mul(bernoulliLogProb(tf.fill([batch, 1], trialProbs[t]), zPres), present),
        'guide.log_prob.z_where': tf.mul(
          tf.expandDims(normalLogProb(zWhere, step.where.loc, step.where.scale), 1),
          zPres,
        ),
        'guide.log_prob.z_what': tf.mul(tf.expandDims(normalLogProb(zWhat, step.what.loc, step.what.scale), 1), zPres),
        'model.log_prob.z_where': tf.mul(
          tf.expandDims(normalLogProb(zWhere, priors.where.loc, priors.where.scale), 1),
          zPres,
        ),
        'model.log_prob.z_what': tf.mul(
          tf.expandDims(normalLogProb(zWhat, priors.what.loc, priors.what.scale), 1),
          zPres,
        ),
      };
      for (const [name, value] of Object.entries(logProbs)) {
        await assertClose(value, values(oracle, `${name}.${t}`), FORWARD, `${name} ${t}`);
        const signed = tf.mul(tf.reshape(value, [batch]), name.startsWith('model') ? 1 : -1);
        elbo = tf.add(elbo, signed);
      }
      const ratio = tf.mul(logRatio(step.where, noise.where, priors.where), tf.reshape(zPres, [batch]));
      const expectedRatio = tf.sub(logProbs['model.log_prob.z_where'], logProbs['guide.log_prob.z_where']);
      await assertClose(ratio, await expectedRatio.data(), 2 * FORWARD, `log ratio ${t}`);

      const { decoded, canvas: placed } = drawObject(model, { affine: zWhere, zWhat }, tf.zerosLike(images));
      await assertClose(decoded.windows, values(oracle, `decoded.${t}`), FORWARD, `decoded ${t}`);
      await assertClose(placed, values(oracle, `placed.${t}`), FORWARD, `placed ${t}`);
      canvas = tf.add(canvas, tf.mul(placed, tf.reshape(zPres, [batch, 1, 1])));
      present = zPres;
      state = { ...stateAfter(step, state), zWhere, zWhat, zPres };
    });

    await assertClose(canvas, values(oracle, 'canvas'), FORWARD, 'canvas');
    const obs = imageLogLik(images, canvas, config.likelihoodSd);
    await assertClose(obs, values(oracle, 'model.log_prob.obs'), FORWARD, 'likelihood');
    await assertClose(tf.add(elbo, tf.reshape(obs, [batch])), values(oracle, 'elbo'), FORWARD, 'ELBO of the trace');
  });
}

function bernoulliLogProb(p: tf.Tensor, outcome: tf.Tensor): tf.Tensor {
  return tf.log(tf.add(tf.mul(outcome, p), tf.mul(tf.sub(1, outcome), tf.sub(1, p))));
}

function normalLogProb(z: tf.Tensor, loc: tf.Tensor, scale: tf.Tensor): tf.Tensor {
  const standard = tf.div(tf.sub(z, loc), scale);
  const perDimension = tf.sub(tf.mul(-0.5, tf.square(standard)), tf.log(tf.mul(scale, Math.sqrt(2 * Math.PI))));
  return tf.sum(perDimension, 1);
}
