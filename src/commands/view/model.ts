/** What a model is, or the state of a run that is not over: settings, how it came to be, and its weights. */
import { snakeCase } from '../../core/names.js';
import type { HostTensors } from '../../core/ops/weights.js';
import { decimals, percent } from '../../scores/numbers.js';
import type { Checkpoint } from '../../train/checkpoint.js';
import { besidePreset } from '../shared/beside-preset.js';
import type { KnownModel } from '../shared/model-file.js';
import { recipeOf } from '../shared/recipe.js';

/** A weight: how long it is as a vector, and its largest number, signs aside. */
type Weight = { name: string; shape: readonly number[]; norm: number; largest: number };

function weightsOf(params: HostTensors): Weight[] {
  return [...params].map(([name, { shape, values }]) => {
    let [squares, largest] = [0, 0];
    for (const value of values as Float32Array) {
      squares += value * value;
      largest = Math.max(largest, Math.abs(value));
    }
    return { name, shape, norm: Math.sqrt(squares), largest };
  });
}

const sizeOf = (params: HostTensors): number =>
  [...params.values()].reduce((sum, { values }) => sum + values.length, 0);

/** As text, for eyes. */
export function modelText(name: string, { checkpoint, bytes, digest }: KnownModel): string {
  const { config, training, step, params, moments, singles, data, backend, provenance } = checkpoint;
  const { preset, rows } = besidePreset(checkpoint);
  const changed = rows.filter((row) => row.preset !== undefined).length;
  const about: [string, string][] = [
    ['what', moments ? 'the state of a run that is not over: the same command goes on' : 'a model'],
    [
      'step',
      `${step} of ${training.steps}${training.steps === 0 ? ': imported, how long it was trained is not said' : ''}`,
    ],
    ['images', `${config.canvas.join(' x ')} px, up to ${config.modelSteps} objects`],
    ['recipe', recipeOf(checkpoint)],
    [
      'nearest preset',
      `${preset}, ${changed === 0 ? 'in every setting' : `but for what is marked with * below: ${changed}`}`,
    ],
    ['trained on', data === '' ? 'not said' : `images with digest ${data}`],
    ['backend', backend === '' ? 'not said' : backend],
    ['last validation', validationOf(checkpoint) ?? 'none'],
    ['weights', `${sizeOf(params)} numbers in ${params.size} tensors`],
    ...(moments ? [['of the run', ofRun(moments, singles)] as [string, string]] : []),
    ['file', `${bytes} bytes, sha256 ${digest}`],
  ];
  const labels = Math.max(...about.map(([label]) => label.length)) + 2;
  const settings = rows.map(({ name: key, value, preset: other }) => {
    return `${other === undefined ? '  ' : '* '}${key} ${value}${other === undefined ? '' : ` (${preset}: ${other})`}`;
  });
  return `${[
    [name, ...about.map(([label, value]) => `  ${label.padEnd(labels)}${value}`)],
    ['settings', ...settings],
    ['weights', ...table(weightsOf(params))],
    ['made by', ...(provenance.length > 0 ? provenance : ['not said']).map((line) => `  ${line}`)],
  ]
    .map((lines) => lines.join('\n'))
    .join('\n\n')}\n`;
}

function validationOf({ metrics: { step, count_accuracy: right, elbo } }: Checkpoint): string | undefined {
  if (typeof step !== 'number' || typeof right !== 'number' || typeof elbo !== 'number') return undefined;
  return `at step ${step}: ${percent(right)} counted right, ELBO ${elbo.toFixed(1)} nats`;
}

function ofRun(moments: NonNullable<Checkpoint['moments']>, singles: Checkpoint['singles'] = []): string {
  return `moments ${Object.keys(moments).join(', ')} of the optimiser; images counted as one object: ${singles.length}`;
}

function table(weights: readonly Weight[]): string[] {
  const rows = [
    ['name', 'shape', 'norm', 'largest'],
    ...weights.map(({ name, shape, norm, largest }) => [
      name,
      shape.join(' x '),
      decimals(4)(norm),
      decimals(4)(largest),
    ]),
  ];
  const widths = rows[0].map((_, column) => Math.max(...rows.map((row) => row[column].length)));
  return rows.map(
    (row) => `  ${row.map((cell, c) => (c < 2 ? cell.padEnd(widths[c]) : cell.padStart(widths[c]))).join('  ')}`,
  );
}

/** All of it as JSON, settings as they are called in files. */
export function modelJson(name: string, { checkpoint, bytes, digest }: KnownModel): string {
  const { config, training, step, params, moments, singles, data, backend, metrics, provenance } = checkpoint;
  const { preset, differing } = besidePreset(checkpoint);
  const inSnakeCase = (fields: object): object =>
    Object.fromEntries(Object.entries(fields).map(([key, value]) => [snakeCase(key), value]));
  const value = {
    file: name,
    kind: moments ? 'state' : 'model',
    step,
    nearest_preset: preset,
    differs: inSnakeCase(differing),
    config: inSnakeCase(config),
    training: inSnakeCase(training),
    data,
    backend,
    metrics,
    provenance,
    ...(moments ? { moments: Object.keys(moments), singles: singles?.length ?? 0 } : {}),
    parameters: sizeOf(params),
    weights: weightsOf(params),
    bytes,
    sha256: digest,
  };
  return `${JSON.stringify(value, null, 2)}\n`;
}
