/** Everything that a report says of each run: read, inferred and drawn. */
import type { BackendName } from '../../backends/names.js';
import { startBackend } from '../../backends/start.js';
import type { MetricsLine } from '../../formats/metrics-log.js';
import type { Io } from '../../io/io.js';
import { percent, whole } from '../../render/html/numbers.js';
import type { Chart, RunPage } from '../../render/html/run.js';
import { nameCollapse } from '../../scores/collapse.js';
import type { Checkpoint } from '../../train/checkpoint.js';
import { besidePreset } from '../shared/beside-preset.js';
import { calibrationChart, comparisonCharts, curveCharts } from '../shared/charts.js';
import { recipeOf } from '../shared/recipe.js';
import { readLog } from './log.js';
import type { NamedModel } from './models.js';
import { makeScoredOn, readScoredOn, type ScoredOn } from './scenes.js';
import { scoreModel } from './score.js';

export type GatherOptions = {
  metrics: string | undefined;
  scenes: string | undefined;
  samples: number;
  shifts: number;
  batchSize: number;
  workers: number | undefined;
  backend: BackendName | 'auto';
  seed: number;
  noProvenance: boolean;
};

export type GatheredRun = { page: RunPage; lines: readonly MetricsLine[] };

export async function gather(models: readonly NamedModel[], options: GatherOptions, io: Io): Promise<GatheredRun[]> {
  const given = options.scenes === undefined ? undefined : await readScoredOn(options.scenes, io);
  const made = new Map<string, Promise<ScoredOn>>();
  const scenesFor = ({ checkpoint: { config }, name }: NamedModel): Promise<ScoredOn> => {
    const size = config.canvas.join();
    const scenes = made.get(size) ?? makeScoredOn(config.canvas, name, io);
    made.set(size, scenes);
    return scenes;
  };
  const started = await startBackend(options.backend);
  io.messages.detail(`backend ${started.name}: ${started.detail}`);
  const progress = io.messages.progress(models.length, 'models');
  const runs: GatheredRun[] = [];
  for (const model of models) {
    const scenes = given ?? (await scenesFor(model));
    const answers = await scoreModel(model.checkpoint, scenes, started, options);
    runs.push(await pageOf(model, scenes, { answers, backend: started.identity }, { options, io }));
    progress.update(runs.length);
  }
  progress.stop();
  return runs;
}

type Scored = { answers: Awaited<ReturnType<typeof scoreModel>>; backend: string };

async function pageOf(
  { name, file, checkpoint, bytes, digest }: NamedModel,
  { what, how, warning, provenance }: ScoredOn,
  { answers, backend }: Scored,
  { options, io }: { options: GatherOptions; io: Io },
): Promise<GatheredRun> {
  const { config, training, step, params, moments } = checkpoint;
  const { scores, reconstructions, mistakes, wrong } = answers;
  const log = await readLog(file, options.metrics, io);
  const lines = 'absent' in log ? [] : log.lines;
  const { q } = scores.calibration;
  const page: RunPage = {
    name,
    canvas: config.canvas,
    step,
    steps: training.steps,
    recipe: recipeOf(checkpoint),
    weights: [...params.values()].reduce((sum, { values }) => sum + values.length, 0),
    isFinished: moments === undefined,
    settings: besidePreset(checkpoint),
    curves: 'absent' in log ? log : { charts: await curveCharts(lines), log: log.file },
    scores,
    collapse: nameCollapse(scores.confusion),
    calibration: q === null ? undefined : await calibrationChart(q),
    scenes: { what, how, warning, images: scores.images, provenance: options.noProvenance ? [] : provenance },
    samples: options.samples,
    shifts: options.shifts,
    seed: options.seed,
    backend,
    reconstructions,
    mistakes,
    wrong,
    provenance: {
      lines: options.noProvenance ? [] : checkpoint.provenance,
      data: checkpoint.data,
      backend: checkpoint.backend,
      digest,
      bytes,
      validation: lastValidation(checkpoint),
    },
  };
  return { page, lines };
}

/** Of the training, as the file remembers it. */
function lastValidation({ metrics: { step, count_accuracy: right, elbo } }: Checkpoint): string | undefined {
  if (typeof step !== 'number' || typeof right !== 'number' || typeof elbo !== 'number') return undefined;
  return `at step ${whole(step)}: ${percent(right)} counted right, ELBO ${elbo.toFixed(1)} nats`;
}

/** Curves of all runs in one chart each, of those that have a log. */
export async function compare(runs: readonly GatheredRun[]): Promise<Chart[]> {
  const logged = runs.filter(({ lines }) => lines.length > 0);
  return logged.length < 2
    ? []
    : comparisonCharts(logged.map(({ page, lines }) => ({ name: page.name.replace('.safetensors', ''), lines })));
}
