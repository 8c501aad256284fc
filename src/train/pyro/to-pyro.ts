/** A model as the state_dict of Pyro's AIR example: the same weights under the same names, and the priors of z_where beside them. */
import type { ModelConfig } from '../../core/config.js';
import type { HostTensors } from '../../core/ops/weights.js';
import { AirError } from '../../errors.js';
import type { TensorData } from '../../formats/safetensors.js';
import type { Settings } from '../config.js';
import { weightGroups } from '../weight-groups.js';
import { NON_LINEARITIES, ONLY, PRIOR_TENSORS } from './class.js';

/** A setting in which a model is not what Pyro's class can be, and the one value that the class knows. */
export type Lacking = { key: keyof typeof ONLY; only: unknown };

/** All of those. */
export function lackingInPyro(config: ModelConfig): Lacking[] {
  const keys = Object.keys(ONLY) as (keyof typeof ONLY)[];
  return keys.filter((key) => config[key] !== ONLY[key]).map((key) => ({ key, only: ONLY[key] }));
}

/** Whether the weights of Pyro's baseline are there. */
export function hasPyroBaseline({ config, training }: Settings): boolean {
  return weightGroups({ config, training }).some(({ name }) => name === 'baseline') && training.baseline === 'lstm';
}

/**
 * The tensors of `air.state_dict()`, those of the baseline only where the model has one.
 *
 * @throws AirError 'bug' if Pyro's class cannot be such a model; see `lackingInPyro`
 */
export function toPyro(settings: Settings, params: HostTensors): Map<string, TensorData> {
  const { config } = settings;
  const { canvas } = config;
  const [lacking] = lackingInPyro(config);
  if (lacking !== undefined || canvas[0] !== canvas[1]) {
    throw new AirError('bug', `Pyro's class has no such ${lacking?.key ?? 'canvas'}`);
  }
  const groups = weightGroups(settings).filter(({ name }) => name === 'model' || hasPyroBaseline(settings));
  const tensors = new Map<string, TensorData>();
  for (const { name } of groups.flatMap(({ specs }) => specs)) {
    const { shape, values } = params.get(name) as { shape: number[]; values: Float32Array<ArrayBuffer> };
    tensors.set(name, { dtype: 'F32', shape, data: values });
  }
  for (const [name, { scale, pos }] of Object.entries(PRIOR_TENSORS)) {
    const data = Float32Array.from([scale, pos, pos], (key) => Number(config[key]));
    tensors.set(name, { dtype: 'F32', shape: [3], data });
  }
  return tensors;
}

/** What is to be called in Python before the weights are loaded: a state_dict does not tell it. */
export function pyroCall({ config, training }: Settings): string {
  const list = (sizes: readonly number[]) => `[${sizes.join(', ')}]`;
  const hasBaseline = hasPyroBaseline({ config, training });
  const given: { [argument: string]: string | number } = {
    num_steps: config.modelSteps,
    x_size: config.canvas[0],
    window_size: config.windowSize,
    z_what_size: config.zWhatSize,
    rnn_hidden_size: config.rnnHiddenSize,
    encoder_net: list(config.encoderNet),
    decoder_net: list(config.decoderNet),
    predict_net: list(config.predictNet),
    ...(config.embedNet.length > 0 ? { embed_net: list(config.embedNet) } : {}),
    ...(hasBaseline ? { bl_predict_net: list(training.blPredictNet) } : {}),
    non_linearity: `"${NON_LINEARITIES[config.activation]}"`,
    decoder_output_bias: config.decoderOutputBias,
    decoder_output_use_sigmoid: config.decoderOutput === 'sigmoid' ? 'True' : 'False',
    ...(hasBaseline ? { baseline_scalar: training.baselineScalar } : { use_baselines: 'False' }),
    ...(training.masking ? {} : { use_masking: 'False' }),
    likelihood_sd: config.likelihoodSd,
  };
  const texts = Object.entries(given).map(([argument, value]) => `${argument}=${value}`);
  return `AIR(${texts.join(', ')})`;
}
