/** The figures of `air bench` for people. */
import type { MemorySample } from '../backends/bench/memory.js';
import type { Spread } from '../backends/bench/timing.js';
import type { TrainingFigures } from '../backends/bench/training.js';
import type { BenchFigures } from './bench-run.js';

type Row = [name: string, value: string, spread?: string];

/** Three significant digits, whole from 100 on. */
function short(value: number): string {
  return Math.abs(value) >= 100 ? value.toFixed(0) : value.toPrecision(3);
}

function spread(name: string, { median, low, high }: Spread, unit: string): Row {
  return [name, `${short(median)} ${unit}`, `${short(low)} .. ${short(high)}`];
}

const megabytes = (bytes: number): string => `${(bytes / 1e6).toFixed(0)} MB`;

export function benchTable(figures: BenchFigures): string {
  const { machine, backend, preset, training, inference, scenes, startup } = figures;
  const rows: (Row | undefined)[] = [
    ['', 'median', 'middle half'],
    ...training.flatMap((one) => [...trainingRows(one), undefined]),
    spread(`forward pass, batch ${inference.batchSize}`, inference.pass, 'images/s'),
    spread('  as air infer does it, with the ELBO', inference.infer, 'images/s'),
    ['  kernel calls', String(inference.kernels)],
    spread('  its matrix products alone', inference.products, 'ms'),
    ['  pass / products', inference.passPerProducts.toFixed(2)],
    spread('gen-data', scenes.perSecond, 'scenes/s'),
    spread('air --help', startup.help, 'ms'),
    spread('  beyond node -e 0', startup.beyondNode, 'ms'),
    ['peak memory, training steps', megabytes(figures.peakRssOfTraining)],
    ['  with all of the above', megabytes(figures.peakRss)],
  ];
  const lines = [
    `${backend.name}: ${backend.detail}; preset ${preset}`,
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

function trainingRows(one: TrainingFigures): Row[] {
  const threads = one.workers === 1 ? '1 thread' : `${one.workers} threads`;
  return [
    spread(`training step, batch ${one.batchSize}, ${threads}`, one.step, 'ms'),
    spread('  images and noise to tensors', one.inputs, 'ms'),
    spread('  forward', one.forward, 'ms'),
    spread('  backward', one.backward, 'ms'),
    spread('  Adam', one.adam, 'ms'),
    ['  kernel calls', String(one.kernels)],
    spread('  its matrix products alone', one.products, 'ms'),
    ['  GFLOPS of these', ((2e-6 * one.multiplyAdds) / one.products.median).toFixed(1)],
    ['  step / products', one.stepPerProducts.toFixed(2)],
  ];
}

/** Where one step's time goes; what takes less than a hundredth of it is left to --json. */
function profileLines({ batchSize, profile, outside }: TrainingFigures): string[] {
  const total = outside + profile.reduce((sum, { ms }) => sum + ms, 0);
  const entry = (name: string, calls: string, ms: number): string =>
    `${name.padEnd(40)}${calls.padStart(6)}${ms.toFixed(2).padStart(10)}${((100 * ms) / total).toFixed(0).padStart(6)} %`;
  const shown = profile.filter(({ ms }) => ms >= total / 100);
  return [
    '',
    `${`kernels of a step of ${batchSize}, one thread`.padEnd(40)} calls        ms`,
    ...shown.map(({ kernel, calls, ms }) => entry(`  ${kernel}`, String(calls), ms)),
    entry('  outside of kernels', '', outside),
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
