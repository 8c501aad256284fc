/** Training curves: a panel for each quantity, against steps, time, or both; a thin line for each run, a colour for each group of them. */
import type { ChartSpec } from '../chart.js';
import { groupEncoding } from './groups.js';
import { QUANTITY_TABLE, type Quantity, type XAxis } from './quantities.js';
import { PERCENT_LABEL } from './theme.js';

/** What is known at a step: quantities that were not measured there are left out. */
export type TrainingPoint = {
  step: number;
  /** Time of the training steps so far, s, if it is known. */
  seconds?: number;
  values: { readonly [quantity in Quantity]?: number };
};

/** Runs with the same `group`, say seeds of one recipe, have one colour and one entry in the legend. */
export type TrainingRun = { group: string; name: string; points: readonly TrainingPoint[] };

export type TrainingCurvesOptions = {
  /** Columns of panels. */
  x?: readonly XAxis[];
  /** Rows of panels. */
  y?: readonly Quantity[];
  title?: string | undefined;
  /** Size of a panel, px. */
  panel?: { width: number; height: number };
};

/** A run with no more points than this shows them: a line through two or three would tell more than is known. */
const FEW_POINTS = 12;

/** Largest time, s, up to which an axis is in this unit. */
const TIME_UNITS = [
  { unit: 's', seconds: 1, upTo: 300 },
  { unit: 'min', seconds: 60, upTo: 3 * 3600 },
  { unit: 'h', seconds: 3600, upTo: Number.POSITIVE_INFINITY },
] as const;

/** @returns a spec for `chartSvg`; panels of quantities that no run has are empty */
export function trainingCurves(
  runs: readonly TrainingRun[],
  { x = ['steps'], y = ['elbo', 'accuracy'], title, panel = { width: 360, height: 220 } }: TrainingCurvesOptions = {},
): ChartSpec {
  const groups = [...new Set(runs.map(({ group }) => group))];
  const encoding = groupEncoding(groups, x.length * panel.width, 'stroke');
  const isDense = runs.length > groups.length;
  return {
    ...(title === undefined ? {} : { title }),
    columns: x.length,
    concat: y.flatMap((quantity) =>
      x.map((axis) => {
        const { title: yTitle, ...kind } = QUANTITY_TABLE[quantity];
        const { title: xTitle, of, end } = xAxis(runs, axis);
        const lines = runs.map(({ group, name, points }, k) =>
          points.flatMap((point) => {
            const [at, value] = [of(point), point.values[quantity]];
            if (at === undefined || value === undefined || ('isLog' in kind && value <= 0)) return [];
            return [{ group, run: `${k} ${name}`, x: at, y: value }];
          }),
        );
        const domain = domainOf(lines);
        const labels = 'isShare' in kind ? { labelExpr: PERCENT_LABEL } : {};
        return {
          ...panel,
          data: { values: lines.flat() },
          mark: {
            type: 'line',
            ...('domain' in domain ? { clip: aboveFloor(panel) } : {}),
            strokeWidth: isDense ? 1.2 : 1.8,
            strokeJoin: 'round',
            ...(lines.every((line) => line.length <= (isDense ? 2 : FEW_POINTS)) ? { point: { size: 18 } } : {}),
          },
          encoding: {
            x: {
              field: 'x',
              type: 'quantitative',
              title: xTitle,
              scale: { domain: [0, end], nice: false },
              axis: { tickCount: 6, grid: false },
            },
            y: {
              field: 'y',
              type: 'quantitative',
              title: yTitle,
              axis: { tickCount: 6, ...labels },
              scale: { zero: false, ...('isLog' in kind ? { type: 'log' } : domain) },
            },
            detail: { field: 'run', type: 'nominal' },
            ...encoding,
          },
        };
      }),
    ),
  } as ChartSpec;
}

/** Cuts off what lies below a panel; points on its other edges stay whole. */
function aboveFloor({ width, height }: { width: number; height: number }): { expr: string } {
  const room = 3;
  return { expr: `pathShape('M${-room},${-room}H${width + room}V${height}H${-room}Z')` };
}

type Axis = {
  title: string;
  /** Where a point lies on it. */
  of(point: TrainingPoint): number | undefined;
  /** Of the longest run: all panels of a column end there. */
  end: number;
};

function xAxis(runs: readonly TrainingRun[], axis: XAxis): Axis {
  const points = runs.flatMap((run) => run.points);
  const endOf = (of: Axis['of']) => points.reduce((most, point) => Math.max(most, of(point) ?? 0), 0) || 1;
  const ofStep: Axis['of'] = ({ step }) => step;
  if (axis === 'steps') return { title: 'training steps', of: ofStep, end: endOf(ofStep) };
  const longest = endOf(({ seconds }) => seconds);
  const { unit, seconds: per } = TIME_UNITS.find(({ upTo }) => longest <= upTo) ?? TIME_UNITS[2];
  const of: Axis['of'] = ({ seconds }) => (seconds === undefined ? undefined : seconds / per);
  return { title: `training time (${unit})`, of, end: longest / per };
}

/**
 * The first reports of a run can lie so far below the others that these become a flat line: then the axis begins where one in
 * twenty points lies below it, and the curves come in from below. Where all say the same, there is room around it.
 */
function domainOf(lines: readonly (readonly { y: number }[])[]): { domain?: [number, number]; nice?: true } {
  const values = lines
    .flat()
    .map(({ y }) => y)
    .sort((a, b) => a - b);
  if (values.length === 0) return {};
  const [lowest, low, highest] = [values[0], values[Math.floor(values.length / 20)], values[values.length - 1]];
  if (lowest === highest)
    return { domain: [lowest - 0.1 * Math.abs(lowest || 1), lowest + 0.1 * Math.abs(lowest || 1)], nice: true };
  return low - lowest > 3 * (highest - low) ? { domain: [low, highest], nice: true } : {};
}
