/**
 * Checkpoints: one safetensors file for the model, and one of the same form for a run that is not over.
 *
 * Weights stand under Pyro's state_dict names, those of an estimator (`bl_...`) beside the model's. Metadata are strings:
 * `format`, `version`, `config` and `training` (JSON, snake_case; see core/settings.ts), `step`, `data` (digest of the training
 * images), `backend`, `metrics` and `provenance` (JSON), `digest` (safetensors.ts). A run's state adds the optimiser's moments,
 * Adam's as `adam.m.NAME` and `adam.v.NAME`, and the images `sums.singles` [M, H, W] (image-sums.ts).
 */
import { MODEL_SETTINGS, type ModelConfig } from '../core/config.js';
import { joinImages, splitImages } from '../core/images.js';
import type { HostTensors, ParamSpec } from '../core/ops/weights.js';
import { formatSettings, parseSettings, UnknownSetting, usesAdded } from '../core/settings.js';
import { AirError } from '../errors.js';
import { decodeSafetensors, encodeSafetensors, type TensorData, UNSEALED_DIGEST } from '../formats/safetensors.js';
import { OPTIMISERS, TRAIN_SETTINGS, type TrainConfig } from './config.js';
import { momentPrefix, optimisers } from './optimisers/optimisers.js';
import { weightGroups } from './weight-groups.js';

/** Version 2 has settings that 0.1.0 does not know and would read past; a file without them is of version 1. */
export const CHECKPOINT_VERSION = 2;

const SINGLES = 'sums.singles';

export type Checkpoint = {
  config: ModelConfig;
  training: TrainConfig;
  /** Steps done. */
  step: number;
  params: HostTensors;
  /** Present in the state of an unfinished run. */
  moments?: { [moment: string]: HostTensors };
  /** In the state: images counted as one object in the last step, [H, W] each, for the sums of the next one. */
  singles?: Uint8Array[];
  /** Digest of the training images. */
  data: string;
  /** Backend and what else the bytes depend on. */
  backend: string;
  metrics: { [name: string]: unknown };
  provenance: string[];
};

/** A safetensors file, not yet sealed with its digest. */
export function encodeCheckpoint(checkpoint: Checkpoint): Uint8Array {
  const { config, training, step, params, moments, singles = [], data, backend, metrics, provenance } = checkpoint;
  const tensors = new Map<string, TensorData>();
  const put = (prefix: string, values: HostTensors) => {
    for (const [name, { shape, values: numbers }] of values) {
      tensors.set(prefix + name, { dtype: 'F32', shape, data: numbers as Float32Array<ArrayBuffer> });
    }
  };
  put('', params);
  if (moments) {
    for (const [moment, values] of Object.entries(moments)) put(momentPrefix(training.optimiser, moment), values);
    const shape = [singles.length, ...config.canvas];
    tensors.set(SINGLES, { dtype: 'U8', shape, data: joinImages(singles).pixels as Uint8Array<ArrayBuffer> });
  }
  return encodeSafetensors(tensors, {
    format: 'air',
    version: usesAdded(MODEL_SETTINGS, config) || usesAdded(TRAIN_SETTINGS, training) ? '2' : '1',
    config: formatSettings(MODEL_SETTINGS, config),
    training: formatSettings(TRAIN_SETTINGS, training),
    step: String(step),
    metrics: JSON.stringify(metrics),
    data,
    backend,
    provenance: JSON.stringify(provenance),
    digest: UNSEALED_DIGEST,
  });
}

/** Whether a tensor is no weight, but something that a run goes on from. */
function isOfState(key: string): boolean {
  return key === SINGLES || OPTIMISERS.some((optimiser) => key.startsWith(`${optimiser}.`));
}

function parseStep(text: string): number {
  if (!/^\d+$/.test(text)) throw new Error(`step is ${text}`);
  return Number(text);
}

/** @throws AirError 'badData' if a weight of the model is not there, or of another shape or type */
function checkWeights(specs: readonly ParamSpec[], values: HostTensors, prefix: string, name: string): void {
  for (const { name: weight, shape } of specs) {
    const found = values.get(weight);
    if (found?.shape.join() === shape.join() && found.values instanceof Float32Array) continue;
    const got = found ? `${found.values.constructor.name.replace('Array', '')} [${found.shape}]` : 'nothing';
    throw new AirError(
      'badData',
      `${name}: expected tensor ${prefix}${weight} of Float32 [${shape}], got ${got}`,
      'train again, or use a copy',
    );
  }
}

/**
 * @param name of the file, for messages
 * @throws AirError 'badData' if the file is no checkpoint, of a newer version, or does not hold the weights it names
 */
export function decodeCheckpoint(bytes: Uint8Array, name: string): Checkpoint {
  const { tensors, metadata } = decodeSafetensors(bytes, name);
  if (metadata.format !== 'air') {
    throw new AirError(
      'badData',
      `${name}: a safetensors file, but not of air: metadata "format" is ${JSON.stringify(metadata.format)}`,
      'a model is what air train makes, or air import of weights of Pyro',
    );
  }
  const version = Number(metadata.version);
  if (!Number.isInteger(version) || version > CHECKPOINT_VERSION) {
    throw new AirError(
      'badData',
      `${name}: checkpoint version ${metadata.version}, this air reads up to ${CHECKPOINT_VERSION}`,
      'use the version of air that wrote it, or a newer one',
    );
  }
  const take = (prefix: string): HostTensors => {
    const values: HostTensors = new Map();
    for (const [key, { shape, data }] of tensors) {
      if (prefix === '' ? isOfState(key) : !key.startsWith(prefix)) continue;
      values.set(key.slice(prefix.length), { shape, values: data as Float32Array });
    }
    return values;
  };
  try {
    const config = parseSettings(MODEL_SETTINGS, metadata.config);
    const training = parseSettings(TRAIN_SETTINGS, metadata.training);
    const params = take('');
    const specs = weightGroups({ config, training }).flatMap((group) => group.specs);
    checkWeights(specs, params, '', name);
    const prefixes = optimisers[training.optimiser].moments.map(
      (moment) => [moment, momentPrefix(training.optimiser, moment)] as const,
    );
    const moments = Object.fromEntries(prefixes.map(([moment, prefix]) => [moment, take(prefix)]));
    const isState = Object.values(moments).some(({ size }) => size > 0);
    if (isState) for (const [moment, prefix] of prefixes) checkWeights(specs, moments[moment], prefix, name);
    return {
      config,
      training,
      step: parseStep(metadata.step),
      params,
      ...(isState ? { moments, singles: takeSingles(tensors.get(SINGLES)) } : {}),
      data: metadata.data,
      backend: metadata.backend,
      metrics: JSON.parse(metadata.metrics),
      provenance: JSON.parse(metadata.provenance),
    };
  } catch (cause) {
    if (cause instanceof AirError) throw cause;
    if (cause instanceof UnknownSetting) {
      const message = `${name}: made by a newer air: ${cause.message}`;
      throw new AirError('badData', message, 'use that version, or a newer one', { cause });
    }
    throw new AirError('badData', `${name}: metadata of the checkpoint are damaged`, 'train again, or use a copy', {
      cause,
    });
  }
}

function takeSingles(stored: TensorData | undefined): Uint8Array[] {
  if (stored?.dtype !== 'U8') return [];
  return splitImages({ pixels: stored.data, size: stored.shape[0] });
}

/** Names of the settings in which two runs differ, as flags. */
export function differences(a: Checkpoint, b: Pick<Checkpoint, 'config' | 'training'>): string[] {
  const [left, right] = [a, b].map(({ config, training }) => ({ ...config, ...training }) as Record<string, unknown>);
  return Object.keys({ ...left, ...right }).filter((key) => JSON.stringify(left[key]) !== JSON.stringify(right[key]));
}
