/** How a model scans: for each of its steps, a heat map of where on the canvas the objects lie that it finds there. */
import type { ChartSpec } from '../chart.js';
import { SEQUENTIAL } from './theme.js';

/** Centres of the objects of each step, (x, y) in px from the top left corner of the canvas. */
export type Scan = {
  canvas: readonly [height: number, width: number];
  centres: readonly (readonly [number, number])[][];
};

/** Larger side of a panel, px: bins of a square canvas are whole pixels. */
const PANEL = 200;
/** Bins along the larger side of the canvas: few objects in fine bins are a scatter of dots. */
const FINE = 25;
const COARSE = 10;
/** From so many objects in the fullest step on, bins are fine. */
const MANY = 2500;

/** @returns a spec for `chartSvg`: a panel for each step, one scale for all: a step that finds little is pale */
export function scanChart(
  { canvas: [height, width], centres }: Scan,
  { title }: { title?: string | undefined } = {},
): ChartSpec {
  const most = Math.max(0, ...centres.map((step) => step.length));
  const side = Math.max(height, width) / (most < MANY ? COARSE : FINE);
  const steps = centres.map((step) => binned(step, side, [height, width]));
  const scale = PANEL / Math.max(height, width);
  const highest = Math.max(1, ...steps.flat().map(({ objects }) => objects));
  const place = (axis: 'x' | 'y', extent: number) => ({
    [axis]: {
      field: axis,
      type: 'quantitative',
      title: `${axis} of the centre (px)`,
      scale: { domain: [0, extent], nice: false, zero: false, ...(axis === 'y' ? { reverse: true } : {}) },
      axis: { grid: false, tickCount: 5 },
    },
    [`${axis}2`]: { field: `${axis}2` },
  });
  return {
    ...(title === undefined ? {} : { title }),
    columns: 4,
    concat: steps.map((values, t) => ({
      title: {
        text: `step ${t + 1}`,
        subtitle: objectsOf(centres[t].length),
        subtitlePadding: 3,
      },
      width: Math.round(width * scale),
      height: Math.round(height * scale),
      view: { stroke: '#555555', fill: SEQUENTIAL[0] },
      data: { values },
      mark: { type: 'rect', clip: true },
      encoding: {
        ...place('x', width),
        ...place('y', height),
        color: {
          field: 'objects',
          type: 'quantitative',
          title: `objects in ${side} x ${side} px`,
          scale: { range: [...SEQUENTIAL], domain: [0, highest] },
          legend: { orient: 'bottom', gradientLength: PANEL, tickCount: 4, tickMinStep: 1 },
        },
      },
    })),
  } as ChartSpec;
}

function objectsOf(count: number): string {
  return count === 1 ? '1 object' : `${count.toLocaleString('en-US')} objects`;
}

/** The bins that hold something, with their ends in px; centres beyond the canvas belong to none. */
function binned(
  step: readonly (readonly [number, number])[],
  side: number,
  [height, width]: readonly [number, number],
) {
  const counts = new Map<string, { column: number; row: number; objects: number }>();
  for (const [x, y] of step) {
    if (x < 0 || y < 0 || x >= width || y >= height) continue;
    const [column, row] = [Math.floor(x / side), Math.floor(y / side)];
    const bin = counts.get(`${column} ${row}`) ?? { column, row, objects: 0 };
    bin.objects++;
    counts.set(`${column} ${row}`, bin);
  }
  return [...counts.values()].map(({ column, row, objects }) => ({
    ...{ x: column * side, x2: (column + 1) * side, y: row * side, y2: (row + 1) * side },
    objects,
  }));
}
