/** `air import`: a state_dict of Pyro's AIR example becomes the model that it was, or is refused by the tensor's name. */
import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { before, describe, it, type TestContext } from 'node:test';
import * as tf from '@tensorflow/tfjs';
import { startBackend } from '#air/backends/start.js';
import { makeModel } from '#air/core/model.js';
import { unroll } from '#air/core/unroll.js';
import { encodeSafetensors, type TensorData } from '#air/formats/safetensors.js';
import { type Checkpoint, decodeCheckpoint } from '#air/train/checkpoint.js';
import { air, airOk } from '../support/air.js';
import { freshFolder } from '../support/folder.js';
import { assertClose, values } from '../support/oracle-file.js';
import { bitsOf, F32, PYRO, stateDict } from '../support/state-dict.js';

/** What is known of the weights of the oracle, and not told by them. */
const TOLD = '--decoder-output sigmoid --decoder-output-bias=-2 --z-pres-prior 0.01';

/** Imports a state_dict and reads the model. */
async function imported(t: TestContext, tensors: Map<string, TensorData>, options = ''): Promise<Checkpoint> {
  const folder = freshFolder(t);
  writeFileSync(join(folder, 'pyro.safetensors'), encodeSafetensors(tensors, {}));
  await airOk(folder, `import pyro.safetensors -q -o m.safetensors ${options}`.trim());
  return decodeCheckpoint(readFileSync(join(folder, 'm.safetensors')), 'm');
}

describe('import', () => {
  before(async () => {
    await startBackend('wasm');
  });

  it('reads all sizes off the shapes, and the priors off their tensors', async (t) => {
    const { config, training } = await imported(t, stateDict(), TOLD);
    const told = { ...PYRO.config, guideInput: 'image', guidePool: 1 };
    assert.deepEqual(config, told);
    assert.deepEqual([training.estimator, training.baseline], ['nvil', 'lstm']);
    assert.deepEqual(training.blPredictNet, PYRO.raw.bl_predict_net);
  });

  it('takes what the file does not tell from options, or as it is in Pyro', async (t) => {
    const { config, training } = await imported(t, stateDict());
    const { modelSteps, decoderOutput, decoderOutputBias, activation, likelihoodSd, zPresPrior, countPrior } = config;
    assert.deepEqual([modelSteps, decoderOutput, decoderOutputBias, activation], [3, 'linear', 0, 'relu']);
    assert.deepEqual([likelihoodSd, zPresPrior, countPrior, training.baselineScalar], [0.3, 0.5, 'geometric', 1]);
    const options =
      '--model-steps 5 --activation softplus --likelihood-sd 0.1 --count-prior trials --baseline-scalar 7';
    const other = await imported(t, stateDict(), options);
    assert.deepEqual(
      [other.config.modelSteps, other.config.activation, other.config.likelihoodSd, other.config.countPrior],
      [5, 'softplus', 0.1, 'trials'],
    );
    assert.equal(other.training.baselineScalar, 7);
  });

  it('gives the numbers of Pyro along a pass with the same noise', async (t) => {
    const { config, params } = await imported(t, stateDict(), TOLD);
    const weights = [...params].map(([name, { shape, values }]) => [name, tf.tensor(values, shape)]);
    const model = makeModel(config, Object.fromEntries(weights));
    const noise = Array.from({ length: config.modelSteps }, (_, t) => ({
      where: tf.tensor2d(values(PYRO, `enum.noise.z_where.${t}`), [8, 3]),
      what: tf.tensor2d(values(PYRO, `enum.noise.z_what.${t}`), [8, config.zWhatSize]),
    }));
    const { outcome, steps } = unroll(model, tf.tensor3d(values(PYRO, 'images'), [8, 50, 50]), noise);
    await assertClose(outcome.logLik, values(PYRO, 'enum.log_lik_n'), 1e-5, 'likelihoods');
    await assertClose(tf.add(outcome.whereKl, outcome.whatKl), values(PYRO, 'enum.kl'), 1e-5, 'KLs');
    for (const [t, step] of steps.entries()) {
      await assertClose(step.what.sample, values(PYRO, `enum.z_what.${t}`), 1e-5, `z_what ${t}`);
    }
  });

  it('keeps an embedding, and weights without a baseline', async (t) => {
    const tensors = stateDict();
    for (const name of [...tensors.keys()]) if (name.startsWith('bl_')) tensors.delete(name);
    tensors.set('embed.seq.0.weight', F32([9, 2500], 1));
    tensors.set('embed.seq.0.bias', F32([9], 2));
    tensors.set('rnn.weight_ih', F32([64, 9 + 3 + 8 + 1], 3));
    const { config, training, params } = await imported(t, tensors);
    assert.deepEqual([config.embedNet, config.canvas, training.baseline], [[9], [50, 50], 'none']);
    assert.deepEqual(bitsOf(params.get('embed.seq.0.weight')?.values), bitsOf(tensors.get('embed.seq.0.weight')?.data));
  });

  it('takes images that are not square when told', async (t) => {
    const { config } = await imported(t, stateDict(), '--canvas 25x100');
    assert.deepEqual(config.canvas, [25, 100]);
  });

  it('refuses what is no such state_dict, by the name of the tensor', async (t) => {
    const folder = freshFolder(t);
    const cases: [(tensors: Map<string, TensorData>) => unknown, RegExp][] = [
      [(all) => all.delete('rnn.weight_hh'), /tensor rnn\.weight_hh is missing/],
      [(all) => all.delete('bl_rnn.bias_ih'), /tensor bl_rnn\.bias_ih is missing/],
      [(all) => all.delete('z_where_loc_prior'), /tensor z_where_loc_prior is missing/],
      [(all) => all.delete('encode.mlp.seq.0.weight'), /tensor encode\.mlp\.seq\.0\.weight is missing/],
      [(all) => all.set('fc.weight', F32([2], 1)), /tensor fc\.weight is no weight of Pyro's AIR example/],
      [(all) => all.set('h_init', F32([16], 1)), /tensor h_init: expected F32 \[1,16\], got F32 \[16\]/],
      [
        (all) => all.set('c_init', { dtype: 'F64', shape: [1, 16], data: new Float64Array(16) }),
        /tensor c_init: expected F32 \[1,16\], got F64 \[1,16\]/,
      ],
      [(all) => all.set('predict.mlp.seq.2.bias', F32([7], Number.NaN)), /tensor predict\.mlp\.seq\.2\.bias: not all/],
      [
        (all) => all.set('decode.mlp.seq.2.weight', F32([143, 24], 1)),
        /seq\.2\.weight: 143 outputs are no square window/,
      ],
      [
        (all) => all.set('decode.mlp.seq.2.weight', F32([1, 24], 1)),
        /window_size: expected a whole number from 2 to 256, got 1/,
      ],
      [(all) => all.set('decode.mlp.seq.0.weight', F32([24], 1)), /decode\.mlp\.seq\.0\.weight: \[24\] are no weights/],
      [
        (all) => all.set('rnn.weight_ih', F32([64, 2412], 1)),
        /tensor rnn\.weight_ih: made for images of 2400 pixels, which is no square\n {2}say their size: --canvas HxW/,
      ],
      [
        (all) => all.set('z_where_loc_prior', { dtype: 'F32', shape: [3], data: Float32Array.of(3, 0, 1) }),
        /tensor z_where_loc_prior: x and y have priors of their own, 0 and 1/,
      ],
      [
        (all) => all.set('z_where_scale_prior', { dtype: 'F32', shape: [3], data: Float32Array.of(0, 1, 1) }),
        /tensor z_where_scale_prior: 0, 1 must be above 0/,
      ],
    ];
    for (const [spoil, said] of cases) {
      const tensors = stateDict();
      spoil(tensors);
      writeFileSync(join(folder, 'x.safetensors'), encodeSafetensors(tensors, {}));
      const { code, stderr } = await air(folder, 'import x.safetensors -o m.safetensors');
      assert.match(String(stderr), said);
      assert.equal(code, 65);
    }
  });
});
