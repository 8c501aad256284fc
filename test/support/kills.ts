/** Trainings that are killed, at moments that a seed names, and gone on with; and whether what they leave is whole at any instant. */
import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, watch } from 'node:fs';
import { join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Draws } from '#air/core/rng.js';
import { checkDigest } from '#air/formats/safetensors.js';
import { decodeCheckpoint } from '#air/train/checkpoint.js';
import { airOk, jsonLines } from './air.js';
import { type Ended, ended } from './child.js';
import { SAVE_STEPS, type SaveStep } from './save-fault.js';
import { sha256 } from './sha256.js';

export const STEPS = 12;
const SAVE_EVERY = 2;
/** Each save is of one file: the state, and in the end the model. */
const SAVES = STEPS / SAVE_EVERY;

/** `small` has few weights, all fresh; `digits` has learnt to count, and so makes sums of images from its second step on. */
export const RECIPES = {
  small: '--preset small --batch-size 66',
  digits: '--init digits --batch-size 34 --sum-pairs 16 --sum-from 2',
};

export type Training = { recipe: keyof typeof RECIPES; backend: string; estimator: string; workers: number };

/** A step has three parts, so that three threads have something to do. What it learns from stands in the folder above. */
export function trainLine({ recipe, backend, estimator, workers }: Training): string {
  return (
    `train ../scenes.air -o m.safetensors ${RECIPES[recipe]} --steps ${STEPS} --warmup 4 --estimator ${estimator} ` +
    `--backend ${backend} --workers ${workers} --save-every ${SAVE_EVERY} ` +
    '--metrics m.jsonl --report-every 1 --valid ../valid.air --valid-every 5 --no-provenance -q'
  );
}

/** The folder above those of trainings: what they learn from. */
export async function prepare(base: string): Promise<void> {
  await airOk(base, 'gen-data --count 300 --seed 1 -q -o scenes.air');
  await airOk(base, 'gen-data --split valid --count 20 --seed 2 -q -o valid.air');
}

/** When to kill: so long after the start; so long after a step was reported; at a step of the K-th save. */
export type Moment =
  | { at: 'start'; ms: number }
  | { at: 'step'; step: number; ms: number }
  | { at: 'save'; step: SaveStep; time: number };

/** As many moments of each kind in turn: in start-up, between saves, within one. */
export function momentsOf(seed: number, count: number): Moment[] {
  const draws = new Draws(seed, 'bench');
  return Array.from({ length: count }, (_, k): Moment => {
    if (k % 3 === 0)
      return { at: 'save', step: SAVE_STEPS[(k / 3) % SAVE_STEPS.length], time: 1 + draws.integer(SAVES) };
    if (k % 3 === 1) return { at: 'step', step: 1 + draws.integer(STEPS - 1), ms: draws.integer(60) };
    return { at: 'start', ms: draws.integer(1500) };
  });
}

export function nameOf(moment: Moment): string {
  if (moment.at === 'save') return `${moment.step} of save ${moment.time}`;
  return moment.at === 'start' ? `${moment.ms} ms after the start` : `${moment.ms} ms after step ${moment.step}`;
}

/** Starts a training and kills it. @returns how it ended; `signal` is null if it was done before */
export async function killed(folder: string, line: string, moment: Moment, signal: NodeJS.Signals): Promise<Ended> {
  if (moment.at === 'save') return ended(start(folder, line, `${moment.step}:${moment.time}:${signal}`), '');
  const child = start(folder, line);
  const ending = ended(child, '');
  const isOver = () => child.exitCode !== null || child.signalCode !== null;
  const hasCome = () => moment.at === 'start' || lastStep(folder) >= moment.step;
  while (!hasCome() && !isOver()) await sleep(2);
  await sleep(moment.ms);
  child.kill(signal);
  return ending;
}

/** With a fault in its saving, if one is named. */
export function start(folder: string, line: string, fault = ''): ChildProcess {
  mkdirSync(folder, { recursive: true });
  const module = new URL('./save-fault.js', import.meta.url).href;
  const args = [...(fault === '' ? [] : ['--import', module]), resolve('bin/air.js'), ...line.split(' ')];
  return spawn(process.execPath, args, { cwd: folder, stdio: 'pipe', env: { ...process.env, AIR_TEST_FAULT: fault } });
}

/** The last step that the log has. */
function lastStep(folder: string): number {
  const file = join(folder, 'm.jsonl');
  const steps = existsSync(file) ? [...readFileSync(file, 'utf8').matchAll(/"step":(\d+)/g)] : [];
  return Number(steps.at(-1)?.[1] ?? 0);
}

/** The model of a folder, and its log without the time that steps took. */
export function resultOf(folder: string): { model: Buffer; log: object[] } {
  const log = jsonLines(join(folder, 'm.jsonl')).map(({ ms_per_step: _, ...rest }) => rest);
  return { model: readFileSync(join(folder, 'm.safetensors')), log };
}

/** The same command again: it ends as `whole` did, and leaves nothing else. */
export async function checkGoesOn(folder: string, line: string, whole: ReturnType<typeof resultOf>): Promise<void> {
  const { code, stderr } = await ended(start(folder, line), '');
  assert.equal(code, 0, stderr);
  const { model, log } = resultOf(folder);
  assert.ok(model.equals(whole.model), 'the same bytes as without a kill');
  assert.deepEqual(log, whole.log);
  assert.deepEqual(readdirSync(folder).sort(), ['m.jsonl', 'm.safetensors'], 'and nothing else');
}

/** Loads what stands under the names of model and state at every change of theirs while `work` goes on. @returns how often */
export async function watchModels<T>(folder: string, work: () => Promise<T>): Promise<{ result: T; loads: number }> {
  mkdirSync(folder, { recursive: true });
  let loads = 0;
  let failure: unknown;
  const watcher = watch(folder, (_, name) => {
    try {
      if (/^m\.safetensors(\.state)?$/.test(name ?? '') && loadsWhole(join(folder, name as string))) loads++;
    } catch (error) {
      failure ??= error;
    }
  });
  try {
    const result = await work();
    if (failure !== undefined) throw failure;
    return { result, loads };
  } finally {
    watcher.close();
  }
}

/** False if there is none. @throws if it is there and not whole */
function loadsWhole(file: string): boolean {
  let bytes: Buffer;
  try {
    bytes = readFileSync(file);
  } catch (error) {
    assert.equal((error as NodeJS.ErrnoException).code, 'ENOENT');
    return false;
  }
  decodeCheckpoint(bytes, file);
  assert.equal(checkDigest(bytes, sha256), 'ok', file);
  return true;
}
