/**
 * Picks and starts a compute backend. Each is one entry in a table: how to start it, and what to say where it cannot
 * start. The rest of the program asks for a name and never again which one it got.
 */
import * as tf from '@tensorflow/tfjs';
import { AirError } from '../errors.js';
import type { Started, StartedBackend } from './backend.js';
import { BACKENDS, type BackendName } from './names.js';
import { mayHaveCuda } from './tensorflow/cuda.js';
import { startTensorflow, tensorflowAdvice } from './tensorflow/start.js';
import { startWasm } from './wasm/start.js';
import { startWebgpu } from './webgpu/start.js';

type Starter = {
  start(): Promise<StartedBackend>;
  /** Whether `auto` tries it on this machine; without this, it does. */
  isWorthTrying?(): boolean;
  /** Whether `auto` may take it, once it has started. */
  isForAuto(device: Started['device']): boolean;
  /** What is missing for more, once it has started: one line. */
  advice?(): string | undefined;
};

const starters: { [name in BackendName]: Starter } = {
  // on a CPU wasm is faster, and its results are the same on every machine
  tensorflow: {
    start: startTensorflow,
    isWorthTrying: mayHaveCuda,
    isForAuto: (device) => device === 'gpu',
    advice: tensorflowAdvice,
  },
  webgpu: { start: startWebgpu, isForAuto: (device) => device === 'gpu' },
  wasm: { start: () => startWasm({ relaxedSimd: 'off' }), isForAuto: () => true },
  // results differ in the last bit from machine to machine: only for who asks for it
  'wasm-relaxed': { start: () => startWasm({ relaxedSimd: 'on' }), isForAuto: () => false },
  cpu: {
    async start() {
      await tf.setBackend('cpu');
      return {
        detail: 'plain JavaScript: slow, for reference',
        device: 'cpu',
        identity: 'cpu',
        subBatch: 48,
        canThread: false,
        relaxedSimd: false,
      };
    },
    isForAuto: () => true,
  },
};

/**
 * Starts a backend and makes it tfjs's own; `auto` takes the first that works, in the order of `BACKENDS`.
 *
 * @throws AirError 'backendUnavailable' with the reason and the command that mends it
 */
export async function startBackend(choice: BackendName | 'auto'): Promise<Started> {
  tf.enableProdMode(); // no banner, no checks of every value
  if (choice !== 'auto') return probe(choice);
  for (const name of BACKENDS) {
    if (starters[name].isWorthTrying?.() === false) continue;
    try {
      const started = await probe(name);
      if (starters[name].isForAuto(started.device)) return started;
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
async function probe(name: BackendName): Promise<Started> {
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
  /** Of one that works. */
  device?: Started['device'];
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
      const { detail, device } = await probe(name);
      const chosen = starters[name].isForAuto(device) && !reports.some((report) => report.chosen);
      const hint = starters[name].advice?.();
      reports.push({ name, works: true, detail, device, ...(hint ? { hint } : {}), chosen });
    } catch (error) {
      if (!(error instanceof AirError)) throw error;
      const detail = error.message.replace(`${name}: `, '');
      reports.push({ name, works: false, detail, ...(error.hint ? { hint: error.hint } : {}), chosen: false });
    }
  }
  return reports;
}
