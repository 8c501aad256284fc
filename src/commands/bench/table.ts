/** The figures of `air bench` in print: as a table for people, as JSON for scripts. */

import type { LibraryUse } from '../../bench/kernels.js';
import type { MemorySample } from '../../bench/memory.js';
import type { Spread } from '../../bench/timing.js';
import type { TrainingFigures } from '../../bench/training.js';
import { snakeCase } from '../../core/names.js';
import type { BenchFigures } from './run.js';

type Row = [name: string, value: string, spread?: string];

/** Three significant digits, whole from 100 on. */
function short(value: number): string {
  return Math.abs(value) >= 100 ? value.toFixed(0) : value.toPrecision(3);
}

function spread(name: string, { median, low, high }: Spread, unit: string): Row {
  return [name, `${short(median)} ${unit}`, `${short(low)} .. ${short(high)}`];
}

const megabytes = (bytes: number): string => `${(bytes / 1e6).toFixed(0)} MB`;

/** All of them, the keys in snake_case. */
export function benchJson(figures: BenchFigures): string {
  const renamed = (_key: string, value: unknown): unknown => {
    if (typeof value !== 'object' || value === null || Array.isArray(value)) return value;
    return Object.fromEntries(Object.entries(value).map(([key, inner]) => [snakeCase(key), inner]));
  };
  return `${JSON.stringify(figures, renamed, 2)}\n`;
}

/** @param what ops of the library below are called, in plural */
function kernelRow({ kernels, libraryOps, libraryCalls }: LibraryUse & { kernels: number }, what = ''): Row {
  if (libraryOps === undefined) return ['  kernel calls', String(kernels)];
  if (libraryCalls === libraryOps) return ['  kernel calls', `${kernels}, of ${libraryOps} ${what}`];
  return [`  ${what}`, String(libraryOps), `in ${libraryCalls} call${libraryCalls === 1 ? '' : 's'}`];
}

export function benchTable(figures: BenchFigures): string {
  const { machine, backend, preset, model, training, inference, scenesPerSecond, startup } = figures;
  // libraries have threads of their own, and say nothing of them
  const threads = (count: number): string => (backend.canThread ? `, ${count} thread${count === 1 ? '' : 's'}` : '');
  const rows: (Row | undefined)[] = [
    ['', 'median', 'middle half'],
    ...training.flatMap((one) => [...trainingRows(one, threads, backend.libraryOpsAre), undefined]),
    spread(
      `forward pass, batch ${inference.batchSize}${threads(inference.workers)}`,
      inference.passImagesPerSecond,
      'images/s',
    ),
    spread('  as air infer does it, with the ELBO', inference.inferImagesPerSecond, 'images/s'),
    kernelRow(inference, backend.libraryOpsAre),
    spread('  its matrix products alone', inference.productsMs, 'ms'),
    ['  pass / products', inference.passPerProducts.toFixed(2)],
    spread('gen-data', scenesPerSecond, 'scenes/s'),
    spread('air --help', startup.helpMs, 'ms'),
    spread('  beyond node -e 0', startup.beyondNodeMs, 'ms'),
    ['peak memory, training steps', megabytes(figures.peakRssOfTrainingBytes)],
    ['  with all of the above', megabytes(figures.peakRssBytes)],
  ];
  const lines = [
    `${backend.name}: ${backend.detail}; ${model === undefined ? `preset ${preset}` : `model ${model}`}`,
    `${machine.cpu}, ${machine.cores} cores, load ${machine.load.toFixed(2)} before; Node ${machine.node}; ${figures.repeats} repeats`,
    '',
    ...rows.map((row) => (row === undefined ? '' : line(row))),
    ...training.flatMap(profileLines),
    ...memoryLines(figures.memory),
  ];
  return `${lines.join('\n')}\n`;
}

function line([name, value, range = '']: Row): string {
  return `${name.padEnd(40)}${value.padStart(16)}   ${range}`.trimEnd();
}

function trainingRows(one: TrainingFigures, threads: (count: number) => string, below: string | undefined): Row[] {
  return [
    spread(`training step, batch ${one.batchSize}${threads(one.workers)}`, one.stepMs, 'ms'),
    ...(one.coldMs === undefined ? [] : [coldRow(one.coldMs, one.warmSteps)]),
    ...(one.late === undefined ? [] : lateRows(one.late)),
    spread('  images and noise to tensors', one.inputsMs, 'ms'),
    spread('  forward', one.forwardMs, 'ms'),
    spread('  backward', one.backwardMs, 'ms'),
    spread('  Adam', one.adamMs, 'ms'),
    kernelRow(one, below),
    spread('  its matrix products alone', one.productsMs, 'ms'),
    ['  GFLOPS of these', ((2e-6 * one.multiplyAdds) / one.productsMs.median).toFixed(1)],
    ['  step / products', one.stepPerProducts.toFixed(2)],
  ];
}

function coldRow(coldMs: number, warmSteps: number): Row {
  return ['  each of the first 100', `${short(coldMs)} ms`, `no faster after ${warmSteps}`];
}

function lateRows({ stepMs, perFresh }: NonNullable<TrainingFigures['late']>): Row[] {
  return [spread('  of a trained model', stepMs, 'ms'), ['  late / fresh', perFresh.toFixed(2)]];
}

/** Where one step's time goes; what takes less than a hundredth of it is left to --json. */
function profileLines({ batchSize, profile, outsideMs }: TrainingFigures): string[] {
  const total = outsideMs + profile.reduce((sum, { ms }) => sum + ms, 0);
  const entry = (name: string, calls: string, ms: number): string =>
    `${name.padEnd(40)}${calls.padStart(6)}${ms.toFixed(2).padStart(10)}${((100 * ms) / total).toFixed(0).padStart(6)} %`;
  const shown = profile.filter(({ ms }) => ms >= total / 100);
  return [
    '',
    `${`kernels of a step of ${batchSize}, this thread alone`.padEnd(40)} calls        ms`,
    ...shown.map(({ kernel, calls, ms }) => entry(`  ${kernel}`, String(calls), ms)),
    entry('  outside of kernels', '', outsideMs),
  ];
}

function memoryLines(samples: readonly MemorySample[]): string[] {
  if (samples.length === 0) return [];
  const columns = (step: string, ...rest: string[]): string =>
    `${step.padStart(10)}${rest.map((text) => text.padStart(14)).join('')}`;
  return [
    '',
    columns('after step', 'tensors', 'in tensors', 'wasm heap', 'resident'),
    ...samples.map(({ step, tensors, tensorBytes, wasmHeapBytes, rssBytes }) =>
      columns(
        String(step),
        String(tensors),
        megabytes(tensorBytes),
        wasmHeapBytes === undefined ? '-' : megabytes(wasmHeapBytes),
        megabytes(rssBytes),
      ),
    ),
  ];
}
