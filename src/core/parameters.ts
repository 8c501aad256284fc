/** The weights of a model: their names and shapes (Pyro's state_dict), and their initial values (PyTorch's). */
import * as tf from '@tensorflow/tfjs';
import type { ModelConfig } from './config.js';
import { guideInputs } from './guide-input.js';
import { mlpSpecs } from './ops/linear.js';
import { lstmSpecs } from './ops/lstm.js';
import type { NamedTensors, ParamSpec } from './ops/weights.js';
import { Draws } from './rng.js';
import { wheres } from './where.js';

/** Every weight of a model, in a fixed order. */
export function paramSpecs(config: ModelConfig): ParamSpec[] {
  const { zWhatSize, rnnHiddenSize: hidden, windowSize, predictNet, encoderNet, decoderNet } = config;
  const whereSize = wheres[config.zWhere].size;
  const input = guideInputs[config.guideInput];
  const trained = (name: string, size: number): ParamSpec => ({ name, shape: [1, size], bound: 0 });
  const { guideFeedback: feedsBack } = config;
  const isTrained = config.initialState === 'trained';
  return [
    ...input.specs(config, ''),
    ...lstmSpecs('rnn', input.size(config) + (feedsBack ? whereSize + zWhatSize + 1 : 0), hidden),
    ...mlpSpecs('predict.mlp', hidden, [...predictNet, 1 + 2 * whereSize]),
    ...mlpSpecs('encode.mlp', windowSize ** 2, [...encoderNet, 2 * zWhatSize]),
    ...mlpSpecs('decode.mlp', zWhatSize, [...decoderNet, windowSize ** 2]),
    ...(isTrained ? [trained('h_init', hidden), trained('c_init', hidden)] : []),
    ...(isTrained && feedsBack ? [trained('z_where_init', whereSize), trained('z_what_init', zWhatSize)] : []),
  ];
}

/** Initial values by name: the i-th weight from its own random sequence. Caller disposes. */
export function initialWeights(specs: readonly ParamSpec[], seed: number): NamedTensors {
  return Object.fromEntries(
    specs.map(({ name, shape, bound }, i) => {
      const draws = new Draws(seed, 'initialValues', i);
      const size = shape.reduce((a, b) => a * b, 1);
      const values = Float32Array.from({ length: size }, () => bound * (2 * draws.uniform() - 1));
      return [name, tf.tensor(values, shape)];
    }),
  );
}

/** The same for all weights of a model. Caller disposes. */
export function initialParams(config: ModelConfig, seed: number): NamedTensors {
  return initialWeights(paramSpecs(config), seed);
}
