/** The weights of a model: their names and shapes (Pyro's state_dict), and their initial values (PyTorch's). */
import * as tf from '@tensorflow/tfjs';
import type { ModelConfig } from './config.js';
import { guideInputs } from './guide-input.js';
import { mlpSpecs } from './ops/linear.js';
import { lstmSpecs } from './ops/lstm.js';
import type { NamedTensors, ParamSpec } from './ops/weights.js';
import { Draws } from './rng.js';

/** Every weight of a model, in a fixed order. */
export function paramSpecs(config: ModelConfig): ParamSpec[] {
  const { zWhatSize, rnnHiddenSize: hidden, windowSize, predictNet, encoderNet, decoderNet } = config;
  const input = guideInputs[config.guideInput];
  const rnnInputs = input.size(config) + 3 + zWhatSize + 1;
  return [
    ...input.specs(config, ''),
    ...lstmSpecs('rnn', rnnInputs, hidden),
    ...mlpSpecs('predict.mlp', hidden, [...predictNet, 7]),
    ...mlpSpecs('encode.mlp', windowSize ** 2, [...encoderNet, 2 * zWhatSize]),
    ...mlpSpecs('decode.mlp', zWhatSize, [...decoderNet, windowSize ** 2]),
    { name: 'h_init', shape: [1, hidden], bound: 0 },
    { name: 'c_init', shape: [1, hidden], bound: 0 },
    { name: 'z_where_init', shape: [1, 3], bound: 0 },
    { name: 'z_what_init', shape: [1, zWhatSize], bound: 0 },
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
