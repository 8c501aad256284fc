/**
 * What a checkpoint (checkpoint.ts) says of itself before its weights: settings, steps, and the tensors that follow from them. All of
 * it is checked here, so that whatever reads on has what it may rely on.
 */
import { isSure, MODEL_SETTINGS, type ModelConfig, seesNothing } from '../core/config.js';
import type { ParamSpec } from '../core/ops/weights.js';
import { parseSettings, UnknownSetting } from '../core/settings.js';
import { AirError } from '../errors.js';
import { OPTIMISERS, TRAIN_SETTINGS, type TrainConfig } from './config.js';
import { momentPrefix, optimisers } from './optimisers/optimisers.js';
import { weightGroups } from './weight-groups.js';

/** Version 2 has settings that 0.1.0 does not know and would read past; a file without them is of version 1. */
export const CHECKPOINT_VERSION = 2;

/** Images that the sums of the next step are made of, in the state of a run: [M, H, W]. */
export const SINGLES = 'sums.singles';

const WAY_OUT = 'train again, or use a copy';

/** A checkpoint without its weights. */
export type About = {
  config: ModelConfig;
  training: TrainConfig;
  /** Steps done. */
  step: number;
  /** Digest of the training images. */
  data: string;
  /** Backend and what else the bytes depend on. */
  backend: string;
  metrics: { [name: string]: unknown };
  provenance: string[];
};

/** The part of a safetensors file that is looked at: of each tensor what it is, not what is in it. */
export type Listed = {
  metadata: { readonly [key: string]: string };
  tensors: ReadonlyMap<string, { dtype: string; shape: readonly number[] }>;
};

/** Whether it is air that wrote a safetensors file. */
export function isOfAir({ metadata }: Pick<Listed, 'metadata'>): boolean {
  return metadata.format === 'air';
}

/** Whether a tensor is no weight, but something that a run goes on from. */
export function isOfState(tensor: string): boolean {
  return tensor === SINGLES || OPTIMISERS.some((optimiser) => tensor.startsWith(`${optimiser}.`));
}

/**
 * @param name of the file, for messages
 * @returns and whether it is the state of a run, with all moments of its optimiser
 * @throws AirError 'badData' if the file is no checkpoint, of a newer version, says what cannot be, or does not hold the tensors that
 *   its settings need, or others
 */
export function parseAbout({ metadata, tensors }: Listed, name: string): About & { isState: boolean } {
  if (!isOfAir({ metadata })) {
    throw new AirError(
      'badData',
      `${name}: a safetensors file, but not of air: metadata "format" is ${JSON.stringify(metadata.format)}`,
      'a model is what air train makes, or air import of weights of Pyro',
    );
  }
  if (metadata.digest === undefined) {
    throw new AirError('badData', `${name}: it has no digest: not made by air train, or edited since`, WAY_OUT);
  }
  const version = /^\d+$/.test(metadata.version) ? Number(metadata.version) : Number.NaN;
  if (!(version >= 1 && version <= CHECKPOINT_VERSION)) {
    throw new AirError(
      'badData',
      `${name}: checkpoint version ${metadata.version}, this air reads up to ${CHECKPOINT_VERSION}`,
      'use the version of air that wrote it, or a newer one',
    );
  }
  const about = parseMetadata(metadata, name);
  return { ...about, isState: checkTensors(tensors, about, name) };
}

function parseMetadata(metadata: Listed['metadata'], name: string): About {
  const parsed = <T>(key: string, parse: (text: string) => T): T => {
    try {
      return parse(metadata[key]);
    } catch (cause) {
      throw wrongMetadata(name, cause instanceof SyntaxError ? new Error(`${key} is no JSON`, { cause }) : cause);
    }
  };
  const config = parsed('config', (text) => parseSettings(MODEL_SETTINGS, text));
  const training = parsed('training', (text) => parseSettings(TRAIN_SETTINGS, text));
  const metrics = parsed('metrics', JSON.parse);
  const provenance = parsed('provenance', JSON.parse);
  const { step, data, backend } = metadata;
  const expect = (isSo: boolean, what: string): void => {
    if (!isSo) throw wrongMetadata(name, new Error(what));
  };
  expect(
    !isSure(config.countPrior, config.zPresPrior),
    `z_pres_prior: expected below 1 for ${config.countPrior}, got 1`,
  );
  expect(!seesNothing(config), `guide_pool: expected at most ${Math.min(...config.canvas)}, got ${config.guidePool}`);
  const isDone = /^\d+$/.test(step) && Number(step) <= training.steps;
  expect(isDone, `step: expected from 0 to ${training.steps}, got ${step}`);
  expect(data !== undefined && backend !== undefined, 'expected data and backend');
  expect(typeof metrics === 'object' && metrics !== null && !Array.isArray(metrics), 'metrics are no JSON object');
  expect(isTexts(provenance), 'provenance: expected some texts');
  return { config, training, step: Number(step), data, backend, metrics, provenance };
}

function wrongMetadata(name: string, cause: unknown): AirError {
  const what = (cause as Error).message;
  return cause instanceof UnknownSetting
    ? new AirError('badData', `${name}: made by a newer air: ${what}`, 'use that version, or a newer one', { cause })
    : new AirError('badData', `${name}: metadata of the checkpoint are damaged: ${what}`, WAY_OUT, { cause });
}

function isTexts(value: unknown): value is string[] {
  return Array.isArray(value) && value.every((one) => typeof one === 'string');
}

/** @returns whether they are those of the state of a run */
function checkTensors(tensors: Listed['tensors'], { config, training }: About, name: string): boolean {
  const specs = weightGroups({ config, training }).flatMap((group) => group.specs);
  const isState = [...tensors.keys()].some(isOfState);
  const prefixes = optimisers[training.optimiser].moments.map((moment) => momentPrefix(training.optimiser, moment));
  const expected = ['', ...(isState ? prefixes : [])].flatMap((prefix) =>
    specs.map((spec: ParamSpec) => ({ dtype: 'F32', shape: spec.shape, tensor: prefix + spec.name })),
  );
  const [singles] = tensors.get(SINGLES)?.shape ?? [];
  if (singles !== undefined) expected.push({ dtype: 'U8', shape: [singles, ...config.canvas], tensor: SINGLES });
  for (const { tensor, dtype, shape } of expected) {
    const found = tensors.get(tensor);
    if (found?.dtype === dtype && found.shape.join() === shape.join()) continue;
    const got = found ? `${found.dtype} [${found.shape}]` : 'nothing';
    throw new AirError('badData', `${name}: expected tensor ${tensor} of ${dtype} [${shape}], got ${got}`, WAY_OUT);
  }
  const names = new Set(expected.map(({ tensor }) => tensor));
  const surplus = [...tensors.keys()].find((tensor) => !names.has(tensor));
  if (surplus !== undefined)
    throw new AirError('badData', `${name}: tensor ${surplus} is none of such a model`, WAY_OUT);
  return isState;
}

/**
 * What is wrong with some elements of a tensor: a weight is a finite number.
 *
 * @param at  of all elements of the tensor, how many come before these
 */
export function notFinite(
  tensor: string,
  { elements, at }: { elements: ArrayLike<unknown>; at: number },
  name: string,
): AirError | undefined {
  if (isOfState(tensor)) return undefined; // a moment may have overflowed, and a run goes on all the same
  for (let i = 0; i < elements.length; i++) {
    if (Number.isFinite(elements[i])) continue;
    return new AirError(
      'badData',
      `${name}: tensor ${tensor}: element ${at + i} is ${elements[i]}, no finite number`,
      WAY_OUT,
    );
  }
  return undefined;
}
