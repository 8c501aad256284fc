/** Reference files (fixtures/oracle/README.md): finding them, and reading tensors and configuration out of them. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import * as tf from '@tensorflow/tfjs';
import type { ModelConfig } from '#air/core/config.js';
import { decodeSafetensors, type TensorData } from '#air/formats/safetensors.js';
import { PRESETS } from '#air/presets.js';
import { assertCloseOverall } from './assert-close.js';

export type Oracle = {
  file: string;
  tensors: Map<string, TensorData>;
  config: ModelConfig;
  zPresPrior: number;
  /** The configuration as the file has it. */
  raw: { readonly [name: string]: unknown };
};

/** What a file holds: Pyro's model with the enumerated ELBO, the difference model, or a trace of NVIL, with masking or without. */
type Form = 'pyro' | 'difference' | 'nvil' | 'unmasked';

function formOf({ tensors, raw }: Oracle): Form | undefined {
  if (tensors.has('loss')) return raw.use_masking === false ? 'unmasked' : 'nvil';
  return tensors.has('enum.rest.0') ? 'difference' : 'pyro';
}

/** The files in fixtures/oracle and those that AIR_ORACLE names, of the given form. */
export function oracles(form: Form): Oracle[] {
  const files = [
    'fixtures/oracle/pyro-air-small.safetensors',
    'fixtures/oracle/torch-air-difference-small.safetensors',
    'fixtures/oracle/pyro-nvil-small.safetensors',
    'fixtures/oracle/pyro-nvil-scaled-small.safetensors',
    'fixtures/oracle/pyro-nvil-unmasked-small.safetensors',
    ...(process.env.AIR_ORACLE ?? '').split(':').filter((file) => file !== ''),
  ];
  return files.map(readOracle).filter((oracle) => formOf(oracle) === form);
}

function readOracle(file: string): Oracle {
  const { tensors, metadata } = decodeSafetensors(readFileSync(file), file);
  const raw = JSON.parse(metadata.config);
  const config: ModelConfig = {
    ...PRESETS.fast.model,
    canvas: raw.canvas ?? [raw.x_size, raw.x_size],
    modelSteps: raw.num_steps ?? raw.model_steps,
    windowSize: raw.window_size ?? raw.window,
    zWhatSize: raw.z_what_size ?? raw.z_what,
    rnnHiddenSize: raw.rnn_hidden_size ?? raw.hidden,
    predictNet: raw.predict_net ?? [raw.net],
    encoderNet: raw.encoder_net ?? [raw.net],
    decoderNet: raw.decoder_net ?? [raw.net],
    embedNet: raw.embed_net ?? (raw.embed ? [raw.embed] : []),
    guideInput: raw.guide_input ?? 'image',
    guidePool: raw.pool ?? 2,
    decoderOutputBias: raw.decoder_output_bias,
    decoderOutput: raw.decoder_output_use_sigmoid === false ? 'linear' : 'sigmoid',
    activation: (raw.non_linearity ?? 'relu').toLowerCase(),
    likelihoodSd: raw.likelihood_sd,
    scalePriorMean: raw.scale_prior_mean,
    scalePriorSd: raw.scale_prior_sd,
    posPriorMean: raw.pos_prior_mean,
    posPriorSd: raw.pos_prior_sd,
    zPresPrior: raw.z_pres_prior,
    countPrior: raw.z_pres_prior_raw ? 'trials' : 'geometric',
  };
  return { file, tensors, config, zPresPrior: raw.z_pres_prior, raw };
}

export function values(oracle: Oracle, name: string): Float32Array {
  const found = oracle.tensors.get(name);
  assert.ok(found, `${oracle.file} holds no ${name}`);
  return found.data as Float32Array;
}

export function tensor<T extends tf.Tensor>(oracle: Oracle, name: string, shape?: number[]): T {
  return tf.tensor(values(oracle, name), shape ?? oracle.tensors.get(name)?.shape) as T;
}

/** The model's weights, without the baseline's. */
export function params(oracle: Oracle): { [name: string]: tf.Tensor } {
  return Object.fromEntries(Object.entries(allParams(oracle)).filter(([name]) => !name.startsWith('bl_')));
}

/** The weights, the baseline's included, without the priors that Pyro keeps beside them. */
export function allParams(oracle: Oracle): { [name: string]: tf.Tensor } {
  const names = [...oracle.tensors.keys()].filter((name) => /^param\.(?!z_where_(loc|scale)_prior)/.test(name));
  return Object.fromEntries(names.map((name) => [name.slice('param.'.length), tensor(oracle, name)]));
}

export async function assertClose(
  actual: tf.Tensor | ArrayLike<number>,
  expected: ArrayLike<number>,
  tolerance: number,
  what: string,
): Promise<void> {
  assertCloseOverall(actual instanceof tf.Tensor ? await actual.data() : actual, expected, tolerance, what);
}
