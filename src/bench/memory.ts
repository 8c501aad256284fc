/** Memory: what the process has taken at most, and whether it grows while training goes on. */
import * as tf from '@tensorflow/tfjs';
import type { Started } from '../backends/backend.js';
import { makeStepper } from '../threads/steps.js';
import { yieldToEventLoop } from '../train/event-loop.js';
import type { Learner } from '../train/learner.js';
import type { StepSource } from './training.js';

/** The state of the process after so many steps; bytes. */
export type MemorySample = {
  step: number;
  tensors: number;
  tensorBytes: number;
  /** The memory of the wasm backend of this thread; it never shrinks. Absent on other backends. */
  wasmHeapBytes?: number;
  /** Resident: all threads, and what JavaScript has not yet collected. */
  rssBytes: number;
};

/** The most memory that this process has had resident since it began, bytes. */
export function peakRssBytes(): number {
  return 1024 * process.resourceUsage().maxRSS;
}

function sample(step: number): MemorySample {
  const { numTensors, numBytes } = tf.memory();
  const { wasm } = tf.backend() as { wasm?: { asm: { memory: WebAssembly.Memory } } };
  return {
    step,
    tensors: numTensors,
    tensorBytes: numBytes,
    ...(wasm ? { wasmHeapBytes: wasm.asm.memory.buffer.byteLength } : {}),
    rssBytes: process.memoryUsage.rss(),
  };
}

export type WatchOptions = {
  steps: number;
  workers: number | undefined;
  samples?: number;
  /** Called after each step. */
  onStep(step: number): void;
};

/** Trains for `steps` steps and looks at memory after the first ones and then at even intervals. */
export async function watchMemory(
  backend: Started,
  learner: Learner,
  source: StepSource,
  { steps, workers, samples = 10, onStep }: WatchOptions,
): Promise<MemorySample[]> {
  const stepper = await makeStepper(backend, learner, workers);
  const first = Math.min(steps, 20); // by then everything has been used once
  const due = new Set(Array.from({ length: samples }, (_, i) => Math.round(((i + 1) * steps) / samples)).concat(first));
  const taken: MemorySample[] = [];
  for (let step = 1; step <= steps; step++) {
    await stepper.step(source.batchAt(step), source.planAt(step));
    if (due.has(step)) taken.push(sample(step));
    onStep(step);
    await yieldToEventLoop(); // as the training loop does
  }
  await stepper.close();
  return taken;
}
