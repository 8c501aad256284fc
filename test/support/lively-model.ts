/** A tiny model that has something to say, and noise for its passes. */
import * as tf from '@tensorflow/tfjs';
import type { ModelConfig } from '#air/core/config.js';
import type { StepNoise } from '#air/core/guide.js';
import { type Model, makeModel } from '#air/core/model.js';
import type { NamedTensors } from '#air/core/ops/weights.js';
import { initialParams } from '#air/core/parameters.js';
import { Draws } from '#air/core/rng.js';
import { makeNoise } from '#air/core/unroll.js';

/** Weights large enough that every part of the model has something to say, and no ReLU is dead for every image. */
export function livelyParams(config: ModelConfig): NamedTensors {
  return Object.fromEntries(
    Object.entries(initialParams(config, 1)).map(([name, initial], i) => {
      const draws = new Draws(2, 'initialValues', i);
      const values = draws.fillNormal(new Float32Array(initial.size)).map((value) => 0.1 * value);
      const shift = name.endsWith('0.bias') ? 0.3 : 0;
      return [name, tf.add(tf.add(tf.mul(initial, 3), tf.tensor(values, initial.shape)), shift)];
    }),
  );
}

export function livelyModel(config: ModelConfig): Model {
  return makeModel(config, livelyParams(config));
}

/** The random sequences of images `from`, `from` + 1, ... */
export function drawsOf(size: number, from = 0): Draws[] {
  return Array.from({ length: size }, (_, b) => new Draws(1, 'trainNoise', 1, from + b));
}

/** Noise for a pass over these images. */
export function noiseFor(config: ModelConfig, size: number, from = 0): StepNoise[] {
  return makeNoise(config, drawsOf(size, from));
}
