/** Checkpoints: settings out of range, weights that do not fit or are no numbers, and a digest that is right all the same. */
import assert from 'node:assert/strict';
import { arrivingModel } from '#air/commands/shared/model-file.js';
import { MODEL_SETTINGS, type ModelConfig } from '#air/core/config.js';
import { formatSettings } from '#air/core/settings.js';
import { UNSEALED_DIGEST } from '#air/formats/safetensors.js';
import type { Io } from '#air/io/io.js';
import { type Checkpoint, decodeCheckpoint, encodeCheckpoint } from '#air/train/checkpoint.js';
import { TRAIN_SETTINGS, type TrainConfig } from '#air/train/config.js';
import { weightGroups } from '#air/train/weight-groups.js';
import { concat } from '../../support/samples.js';
import { newHash } from '../../support/sha256.js';
import { TINY, TINY_TRAINING } from '../../support/tiny-model.js';
import { type Made, NAME, type Reader } from '../cases.js';
import type { Choices } from '../choices.js';
import { pieces } from '../pieces.js';
import { Fields, type Tree, toJson, treeOf, twisted } from '../trees.js';
import { fileOf } from './safetensors.js';

const CONFIG: ModelConfig = {
  ...TINY,
  ...{
    canvas: [4, 4],
    windowSize: 2,
    zWhatSize: 1,
    rnnHiddenSize: 1,
    predictNet: [],
    encoderNet: [],
    decoderNet: [1],
    embedNet: [],
  },
};

/** A setting of another value: of the kind it has to be, mostly, as others are found out sooner. */
function oddSetting(c: Choices, value: unknown): unknown {
  if (typeof value === 'number') return c.oddNumber();
  if (typeof value === 'boolean') return !value;
  if (Array.isArray(value))
    return c.pick([[], [c.oddNumber()], [...value, 1], value.map(() => c.oddNumber()), new Array(2000).fill(1)]);
  return c.pick([
    c.oddText(),
    'none',
    'image',
    'both',
    'nvil',
    'iwae',
    'bernoulli',
    'rmsprop',
    'sides',
    'zero',
    'trials',
  ]);
}

function oddSettings<T extends object>(c: Choices, settings: T): T {
  return Object.fromEntries(
    Object.entries(settings).map(([key, value]) => [key, c.or(value, () => oddSetting(c, value))]),
  ) as T;
}

/** Weights as the settings say, if there are settings of which that can be said, and few enough; or those of the plain model. */
function specsOf(config: ModelConfig, training: TrainConfig): { name: string; shape: readonly number[] }[] {
  try {
    const specs = weightGroups({ config, training }).flatMap((group) => group.specs);
    const total = specs.reduce((sum, { shape }) => sum + shape.reduce((product, size) => product * size, 1), 0);
    const isPossible = specs.every(({ shape }) => shape.every((size) => Number.isSafeInteger(size) && size >= 0));
    if (isPossible && total < 3000) return specs;
  } catch {
    // settings of which no shape follows
  }
  return weightGroups({ config: CONFIG, training: TINY_TRAINING }).flatMap((group) => group.specs);
}

function make(c: Choices): Made<Checkpoint> {
  const config = oddSettings(c, CONFIG);
  const training = oddSettings(c, TINY_TRAINING);
  const singles = c.below(3);
  const isState = c.once(3);
  const metadata = treeOf({
    format: 'air',
    version: c.or('1', () => c.pick(['2', '3', '0', '-1', '1.0', ' 1', '1e0', '', 'x'])),
    config: textOf(c, formatSettings(MODEL_SETTINGS, config)),
    training: textOf(c, formatSettings(TRAIN_SETTINGS, training)),
    step: c.or('20', () => c.pick(['-1', '1.5', '', '9'.repeat(30), String(c.oddNumber())])),
    metrics: textOf(c, '{"step":20}'),
    data: 'abc',
    backend: 'wasm',
    provenance: textOf(c, '["air gen-data","air train"]'),
    digest: UNSEALED_DIGEST,
  }) as Fields;
  const parts: Uint8Array[] = [];
  const entries: [Tree, Tree][] = [['__metadata__', metadata]];
  let at = 0;
  const put = (name: string, dtype: string, shape: readonly number[], bytes: Uint8Array): void => {
    entries.push([
      name,
      treeOf({ dtype: c.or(dtype, () => c.pick(['U32', 'I32', 'F16'])), shape, data_offsets: [at, at + bytes.length] }),
    ]);
    parts.push(bytes);
    at += bytes.length;
  };
  for (const prefix of isState ? ['', 'adam.m.', 'adam.v.'] : ['']) {
    for (const { name, shape } of specsOf(config, training)) {
      const values = new Float32Array(shape.reduce((product, size) => product * size, 1)).fill(0.25);
      if (c.isLie() && values.length > 0) values[c.below(values.length)] = c.oddNumber();
      put(prefix + name, 'F32', shape, new Uint8Array(values.buffer));
    }
  }
  if (isState) put('sums.singles', 'U8', [singles, 4, 4], c.bytes(16 * singles));
  return { bytes: fileOf(c, new Fields(entries), concat(parts)) };
}

/** JSON inside of a string of metadata, with lies in it of its own. */
function textOf(c: Choices, json: string): string {
  return c.or(c.isLie() ? toJson(twisted(c, treeOf(JSON.parse(json)))) : json, () =>
    c.pick(['', 'null', '[]', '{', '1', c.oddText()]),
  );
}

export const checkpoint: Reader<Checkpoint> = {
  name: 'checkpoint',
  slowness: 2,
  make,
  read: (bytes, c) => arrivingModel(pieces(bytes, c), NAME, { newHash } as Io),
  check(value, bytes) {
    assert.deepEqual(decodeCheckpoint(encodeCheckpoint(value), NAME), value);
    checkUsable(value);
    assert.deepEqual(decodeCheckpoint(bytes, NAME), value);
  },
  same: assert.deepEqual,
};

/** What no model can be computed without: sizes from 1 on, finite numbers. */
function checkUsable({ config, training, step, params }: Checkpoint): void {
  const { canvas, modelSteps, windowSize, zWhatSize, rnnHiddenSize, predictNet, encoderNet, decoderNet, embedNet } =
    config;
  const sizes = [
    ...canvas,
    modelSteps,
    windowSize,
    zWhatSize,
    rnnHiddenSize,
    ...predictNet,
    ...encoderNet,
    ...decoderNet,
    ...embedNet,
  ];
  for (const size of sizes) assert.ok(Number.isSafeInteger(size) && size >= 1, `a size of ${size}`);
  assert.equal(canvas.length, 2);
  for (const [key, value] of Object.entries({ ...config, ...training })) {
    if (typeof value === 'number') assert.ok(Number.isFinite(value), `${key} is ${value}`);
  }
  for (const scale of [config.likelihoodSd, config.scalePriorSd, config.posPriorSd])
    assert.ok(scale > 0, `a scale of ${scale}`);
  assert.ok(Number.isSafeInteger(step), `${step} steps`);
  for (const [name, { values }] of params) assert.ok(values.every(Number.isFinite), `${name} is not finite`);
}
