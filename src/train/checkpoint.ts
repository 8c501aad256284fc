/**
 * Checkpoints: one safetensors file for the model, and one of the same form for a run that is not over.
 *
 * Weights stand under Pyro's state_dict names, those of an estimator (`bl_...`) beside the model's. Metadata are strings:
 * `format`, `version`, `config` and `training` (JSON, snake_case; see core/settings.ts), `step`, `data` (digest of the training
 * images), `backend`, `metrics` and `provenance` (JSON), `digest` (safetensors.ts). A run's state adds the optimiser's moments,
 * Adam's as `adam.m.NAME` and `adam.v.NAME`, and the images `sums.singles` [M, H, W] (image-sums.ts).
 */
import { MODEL_SETTINGS } from '../core/config.js';
import { joinImages, splitImages } from '../core/images.js';
import type { HostTensors } from '../core/ops/weights.js';
import { formatSettings, usesAdded } from '../core/settings.js';
import type { AirError } from '../errors.js';
import { decodeSafetensors, encodeSafetensors, type TensorData, UNSEALED_DIGEST } from '../formats/safetensors.js';
import { type OpenSafetensors, readTensors } from '../formats/safetensors-stream.js';
import { type About, isOfState, type Listed, notFinite, parseAbout, SINGLES } from './checkpoint-header.js';
import { TRAIN_SETTINGS } from './config.js';
import { momentPrefix, optimisers } from './optimisers/optimisers.js';

export type Checkpoint = About & {
  params: HostTensors;
  /** Present in the state of an unfinished run. */
  moments?: { [moment: string]: HostTensors };
  /** In the state: images counted as one object in the last step, [H, W] each, for the sums of the next one. */
  singles?: Uint8Array[];
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

/**
 * @param name of the file, for messages
 * @throws AirError 'badData' if the file is no checkpoint, of a newer version, not what it says, or has weights that are not finite;
 *   whether it is as it was sealed is `checkDigest`'s to say
 */
export function decodeCheckpoint(bytes: Uint8Array, name: string): Checkpoint {
  const { tensors, metadata } = decodeSafetensors(bytes, name);
  const about = parseAbout({ metadata, tensors }, name);
  for (const [tensor, { data: elements }] of tensors) {
    const wrong = notFinite(tensor, { elements, at: 0 }, name);
    if (wrong) throw wrong;
  }
  return assemble(about, tensors);
}

/** The same as it arrives, sealed. Nothing is held of a file that says what cannot be. */
export async function readCheckpoint(file: OpenSafetensors, name: string): Promise<Checkpoint> {
  const about = parseAbout(listed(file), name);
  return assemble(about, await readTensors({ ...file, pieces: finite(file.pieces, name) }, name));
}

/** Reads all of it, and holds a piece. @throws AirError as `readCheckpoint` */
export async function checkCheckpoint(file: OpenSafetensors, name: string): Promise<void> {
  parseAbout(listed(file), name);
  for await (const _ of finite(file.pieces, name));
}

function listed({ header: { metadata, places } }: OpenSafetensors): Listed {
  return { metadata, tensors: places };
}

/** @throws AirError 'badData' if a weight is no finite number, once it is known that the file is as it was sealed */
async function* finite(pieces: OpenSafetensors['pieces'], name: string): OpenSafetensors['pieces'] {
  let wrong: AirError | undefined;
  for await (const piece of pieces) {
    wrong ??= notFinite(piece.tensor, piece, name);
    yield piece;
  }
  if (wrong) throw wrong;
}

function assemble({ isState, ...about }: About & { isState: boolean }, tensors: Map<string, TensorData>): Checkpoint {
  const take = (prefix: string): HostTensors => {
    const values: HostTensors = new Map();
    for (const [key, { shape, data }] of tensors) {
      if (prefix === '' ? isOfState(key) : !key.startsWith(prefix)) continue;
      values.set(key.slice(prefix.length), { shape, values: data as Float32Array });
    }
    return values;
  };
  const params = take('');
  if (!isState) return { ...about, params };
  const { optimiser } = about.training;
  const moments = optimisers[optimiser].moments.map((moment) => [moment, take(momentPrefix(optimiser, moment))]);
  return { ...about, params, moments: Object.fromEntries(moments), singles: takeSingles(tensors.get(SINGLES)) };
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
