/** The charts of pages: what a log of metrics and scores hold, as panels that fit a narrow screen, drawn. */

import type { MetricsLine } from '../../formats/metrics-log.js';
import type { ChartSpec } from '../../render/chart.js';
import type { Quantity } from '../../render/charts/quantities.js';
import type { TrainingRun } from '../../render/charts/training-curves.js';
import { trusted } from '../../render/html/markup.js';
import type { Chart } from '../../render/html/run.js';
import type { Calibration } from '../../scores/calibration.js';
import { trainingPoints } from './metrics-file.js';

/** With axes some 340 px wide, the width of a phone; and as high as the names of its axes are long, so that all are alike. */
const PANEL = { width: 262, height: 210 };

type Panel = { quantity: Quantity; title: string; caption: string };

const HELD_OUT = 'on the scenes of --valid';

/** In their order; those that a log has nothing of are left out. */
const PANELS: readonly Panel[] = [
  { quantity: 'accuracy', title: 'Counted right', caption: `The most probable n of q(n), ${HELD_OUT}.` },
  { quantity: 'valid-elbo', title: 'ELBO, held out', caption: `One draw of z an image, ${HELD_OUT}.` },
  {
    quantity: 'elbo',
    title: 'ELBO',
    caption: 'Mean of the batch of each reported step, under the prior of that step.',
  },
  { quantity: 'log-lik', title: 'Expected log-likelihood', caption: 'Of the batch.' },
  { quantity: 'kl-n', title: 'KL of n', caption: 'Of the batch; the prior over the count is annealed.' },
  { quantity: 'gradient-norm', title: 'Norm of the gradient', caption: 'Of the batch, before it is clipped.' },
];

/** What a live page shows: few, so that it costs little. */
const LIVE: readonly Quantity[] = ['accuracy', 'elbo', 'valid-elbo'];

/** What runs are compared by. */
const COMPARED: readonly Quantity[] = ['accuracy', 'valid-elbo', 'elbo'];

type NamedLines = { name: string; lines: readonly MetricsLine[] };

async function draw(spec: ChartSpec): Promise<Chart['svg']> {
  const { chartSvg } = await import('../../render/chart.js');
  return trusted(await chartSvg(spec));
}

async function panels(runs: readonly NamedLines[], quantities: readonly Quantity[]): Promise<Chart[]> {
  const { trainingCurves } = await import('../../render/charts/training-curves.js');
  const all = runs.map(({ name, lines }): TrainingRun => ({ group: name, name, points: trainingPoints(lines) }));
  const charts: Chart[] = [];
  for (const { quantity, title, caption } of PANELS) {
    if (
      !quantities.includes(quantity) ||
      !all.some(({ points }) => points.filter(({ values }) => quantity in values).length > 1)
    )
      continue;
    const svg = await draw(trainingCurves(all, { y: [quantity], panel: PANEL }));
    charts.push({ title, svg, caption });
  }
  return charts;
}

export function curveCharts(lines: readonly MetricsLine[]): Promise<Chart[]> {
  return panels(
    [{ name: 'run', lines }],
    PANELS.map(({ quantity }) => quantity),
  );
}

export function liveCharts(lines: readonly MetricsLine[]): Promise<Chart[]> {
  return panels([{ name: 'run', lines }], LIVE);
}

export function comparisonCharts(runs: readonly NamedLines[]): Promise<Chart[]> {
  return panels(runs, COMPARED);
}

export async function calibrationChart({ reliability }: Calibration): Promise<Chart> {
  const { calibrationChart: specOf } = await import('../../render/charts/calibration.js');
  return {
    title: 'Reliability of q(n)',
    svg: await draw(specOf([{ name: 'q(n)', bins: reliability }])),
    caption:
      'On the diagonal probabilities can be taken at their word; below it the model is too sure of itself. Bars: 95 %.',
  };
}
