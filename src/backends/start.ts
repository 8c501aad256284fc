/**
 * Picks and starts a compute backend. Each is one entry in a table: how to start it, and what to say where it cannot
 * start. The rest of the program asks for a name and never again which one it got.
 */
import { availableParallelism } from 'node:os';
import * as tf from '@tensorflow/tfjs';
import { type Explained, type ExplainOptions, explain } from '../core/explain.js';
import type { ImageBatch } from '../core/images.js';
import { type Learner, type Stepper, subBatches } from '../core/learner.js';
import type { Model } from '../core/unroll.js';
import { AirError } from '../errors.js';
import { mayHaveCuda } from './cuda.js';
import { startTensorflow, tensorflowAdvice } from './tensorflow.js';
import { startWasm } from './wasm/start.js';
import { startWebgpu } from './webgpu.js';

export const BACKENDS = ['tensorflow', 'webgpu', 'wasm', 'wasm-relaxed', 'cpu'] as const;

export type BackendName = (typeof BACKENDS)[number];

/** What a started backend is. */
export type Started = {
  name: BackendName;
  /** One line for people: library, version, device. */
  detail: string;
  /** What the bytes of a result depend on, beyond the seed. */
  identity: string;
  /** Images per part of a batch gradient, at most: what computes best here. */
  subBatch: number;
  /** Whether parts can be computed side by side, in threads of this process. */
  canThread: boolean;
};

/** Threads for a step on so many images: no more than its parts, and no more than asked for; undefined: than cores. */
export function threadsFor({ canThread, subBatch }: Started, images: number, threads: number | undefined): number {
  return canThread ? Math.min(subBatches(images, subBatch).length, threads ?? availableParallelism()) : 1;
}

/**
 * Whoever does the steps of a learner on a started backend: this thread alone, or several, with the same result.
 *
 * @param threads at most so many; undefined for as many as there are cores and parts of a batch
 */
export async function makeStepper(started: Started, learner: Learner, threads: number | undefined): Promise<Stepper> {
  const { subBatch, identity } = started;
  const { batchSize, sumPairs } = learner.training;
  const useful = threadsFor(started, batchSize + 2 * sumPairs, threads);
  if (useful === 1) {
    return { step: (batch, plan) => learner.step(batch, subBatch, plan), close: async () => {} };
  }
  const { GradientPool } = await import('./wasm/gradient-pool.js');
  return new GradientPool(learner, subBatch, useful, simdOf(identity));
}

function simdOf(identity: string): 'on' | 'off' {
  return identity === 'wasm-relaxed' ? 'on' : 'off';
}

/** Explains batches of images with one model. */
export type Explainer = {
  /** How many batches may be under way at once. */
  readonly width: number;
  explain(batch: ImageBatch, indices: readonly number[], options: ExplainOptions): Promise<Explained[]>;
  close(): Promise<void>;
};

/**
 * Whoever explains images on a started backend: this thread alone, or several, with the same result.
 *
 * @param threads undefined for as many as there are cores, up to 8
 */
export async function makeExplainer(
  { canThread, identity }: Started,
  model: Model,
  threads: number = Math.min(8, availableParallelism()),
): Promise<Explainer> {
  if (canThread && threads > 1) {
    const { ExplainPool } = await import('./wasm/explain-pool.js');
    return new ExplainPool(model, threads, simdOf(identity));
  }
  return {
    width: 1,
    explain: (batch, indices, options) => explain(model, batch, indices, options),
    close: async () => {},
  };
}

type Starter = {
  start(): Promise<Omit<Started, 'name'>>;
  /** Whether `auto` tries it on this machine; without this, it does. */
  isWorthTrying?(): boolean;
  /** Whether `auto` may take it, once it has started. */
  isForAuto(detail: string): boolean;
  /** What is missing for more, once it has started: one line. */
  advice?(): string | undefined;
};

const starters: { [name in BackendName]: Starter } = {
  // on a CPU wasm is faster, and its results are the same on every machine
  tensorflow: {
    start: startTensorflow,
    isWorthTrying: mayHaveCuda,
    isForAuto: (detail) => detail.includes(' on GPU'),
    advice: tensorflowAdvice,
  },
  webgpu: { start: startWebgpu, isForAuto: (detail) => !/swiftshader|llvmpipe|lavapipe|software/i.test(detail) },
  wasm: { start: () => startOnWasm('off'), isForAuto: () => true },
  // results differ in the last bit from machine to machine: only for who asks for it
  'wasm-relaxed': { start: () => startOnWasm('on'), isForAuto: () => false },
  cpu: {
    async start() {
      await tf.setBackend('cpu');
      return { detail: 'plain JavaScript: slow, for reference', identity: 'cpu', subBatch: 48, canThread: false };
    },
    isForAuto: () => true,
  },
};

async function startOnWasm(relaxedSimd: 'on' | 'off'): Promise<Omit<Started, 'name'>> {
  await startWasm({ relaxedSimd });
  const [simd, identity] = relaxedSimd === 'on' ? ['relaxed SIMD', 'wasm-relaxed'] : ['SIMD', 'wasm'];
  return { detail: `WebAssembly with ${simd}, kernels of air`, identity, subBatch: 48, canThread: true };
}

/**
 * Starts a backend and makes it tfjs's own; `auto` takes the first that works, in the order of `BACKENDS`.
 *
 * @throws AirError 'backendUnavailable' with the reason and the command that mends it
 */
export async function startBackend(choice: BackendName | 'auto'): Promise<Started> {
  tf.enableProdMode(); // no banner, no checks of every value
  if (choice !== 'auto') return tryOut(choice);
  for (const name of BACKENDS) {
    if (starters[name].isWorthTrying?.() === false) continue;
    try {
      const started = await tryOut(name);
      if (starters[name].isForAuto(started.detail)) return started;
    } catch (error) {
      if (!(error instanceof AirError)) throw error;
    }
  }
  throw new AirError('backendUnavailable', 'no compute backend works here', 'see: air backends');
}

/**
 * Starts a backend and lets it compute something small.
 *
 * @throws AirError 'backendUnavailable', whatever goes wrong: libraries and drivers fail in their own ways
 */
async function tryOut(name: BackendName): Promise<Started> {
  const unavailable = (what: string, cause?: unknown) =>
    new AirError('backendUnavailable', `${name}: ${what}`, 'use another --backend', { cause });
  try {
    const started = await starters[name].start();
    await tf.ready();
    const product = tf.tidy(() => tf.matMul(tf.tensor2d([[1, 2]]), tf.tensor2d([[3], [4]])));
    const [value] = await product.data();
    product.dispose();
    // tfjs takes another one without a word when a backend fails to initialise
    if (tf.getBackend() !== name.replace('-relaxed', '')) throw unavailable('does not initialise');
    if (value !== 11) throw unavailable(`1*3 + 2*4 came out as ${value}`);
    return { name, ...started };
  } catch (error) {
    if (error instanceof AirError) throw error;
    throw unavailable(error instanceof Error ? error.message.split('\n')[0] : String(error), error);
  }
}

export type BackendReport = {
  name: BackendName;
  works: boolean;
  detail: string;
  hint?: string;
  /** Whether `auto` takes this one. */
  chosen: boolean;
};

/** Starts every backend in turn and tells what came of it. */
export async function listBackends(): Promise<BackendReport[]> {
  tf.enableProdMode();
  const reports: BackendReport[] = [];
  for (const name of BACKENDS) {
    try {
      const { detail } = await tryOut(name);
      const chosen = starters[name].isForAuto(detail) && !reports.some((report) => report.chosen);
      const hint = starters[name].advice?.();
      reports.push({ name, works: true, detail, ...(hint ? { hint } : {}), chosen });
    } catch (error) {
      if (!(error instanceof AirError)) throw error;
      const detail = error.message.replace(`${name}: `, '');
      reports.push({ name, works: false, detail, ...(error.hint ? { hint: error.hint } : {}), chosen: false });
    }
  }
  return reports;
}
