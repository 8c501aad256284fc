/**
 * What can be said of a model in one cell of a table, by the name of the column; and the same of several models that are one
 * experiment with other seeds: mean, least and most, or how many.
 */
import { nameCollapse } from './collapse.js';
import { decimals, percent } from './numbers.js';
import type { Scores } from './scoreboard.js';

/** What is known of a run: scores as far as there are any, how training went, or why there is nothing. */
export type RunScores = Partial<Scores> & {
  /** Training steps, and seconds of them. */
  step?: number;
  seconds?: number;
  /** How it fails, where somebody else has said so. */
  collapse?: string;
};

/** A number, whether something is so and what of it, or nothing. */
export type Cell = number | { is: boolean; text: string } | null;

export type Column = {
  /** As it is asked for, and its key in JSON. */
  name: string;
  title: string;
  of(scores: RunScores): Cell;
  /** A number in print. */
  format(value: number): string;
};

type Fixed = Omit<Column, 'name'>;

const FIXED: { readonly [name: string]: Fixed } = {
  images: { title: 'images', of: ({ images }) => images ?? null, format: decimals(0) },
  count: { title: 'count accuracy', of: ({ count_accuracy: share }) => share ?? null, format: percent },
  evidence: { title: 'by evidence', of: ({ evidence_count_accuracy: share }) => share ?? null, format: percent },
  sampled: { title: 'sampled', of: ({ sampled_count_accuracy: share }) => share ?? null, format: percent },
  elbo: { title: 'ELBO', of: ({ elbo }) => elbo ?? null, format: decimals(1) },
  bound: { title: 'bound', of: ({ terms }) => terms?.bound ?? null, format: decimals(1) },
  iou: { title: 'IoU', of: ({ mean_iou: iou }) => iou ?? null, format: decimals(3) },
  ap: { title: 'AP', of: ({ average_precision: ap }) => ap ?? null, format: decimals(3) },
  brier: { title: 'Brier score', of: ({ calibration }) => calibration?.q?.brier ?? null, format: decimals(4) },
  step: { title: 'step', of: ({ step }) => step ?? null, format: decimals(0) },
  seconds: { title: 'seconds', of: ({ seconds }) => seconds ?? null, format: decimals(0) },
  collapse: { title: 'collapse', of: collapseCell, format: String },
};

/** Names of columns, but for those of the confusion matrix: `2as1` is how many images of two objects were counted as one. */
export const COLUMN_NAMES = Object.keys(FIXED);

const DEFAULT_NAMES = ['count', 'evidence', 'elbo', 'ap', '2as1', '2as3', '1as2', 'collapse'];

/** Of a failure to count: what stands before its cause and cure. */
function collapseCell({ collapse, confusion }: RunScores): Cell {
  const named = collapse ?? (confusion === undefined || confusion.length === 0 ? null : nameCollapse(confusion));
  return named === null ? null : { is: named !== undefined, text: named?.split(':')[0] ?? 'no' };
}

/** The column of a name, or undefined where there is none. */
export function columnOf(name: string): Column | undefined {
  if (Object.hasOwn(FIXED, name)) return { name, ...FIXED[name] };
  const counted = /^(\d{1,2})as(\d{1,2})$/.exec(name);
  if (counted === null) return undefined;
  const [truth, as] = [Number(counted[1]), Number(counted[2])];
  const of = ({ confusion }: RunScores): Cell => confusion?.[truth]?.[as] ?? null;
  return { name, title: `${truth} as ${as}`, of, format: (images) => String(Number(images.toFixed(1))) };
}

/** The columns that are shown unless others are asked for: those that any of the runs has something for. */
export function defaultColumns(runs: readonly RunScores[]): Column[] {
  const columns = DEFAULT_NAMES.map((name) => columnOf(name) as Column);
  return columns.filter(({ of }) => runs.some((run) => of(run) !== null));
}

/** Whether a run counts at least this share right, and has not collapsed; null where it is not known. */
export function successColumn(least: number): Column {
  const of = (scores: RunScores): Cell => {
    const collapse = collapseCell(scores);
    const is = typeof scores.count_accuracy === 'number' && scores.count_accuracy >= least;
    if (collapse === null) return null;
    const isSuccess = is && typeof collapse === 'object' && !collapse.is;
    return { is: isSuccess, text: isSuccess ? 'yes' : 'no' };
  };
  return { name: 'success', title: `success (${Number((100 * least).toFixed(2))} %)`, of, format: String };
}

/** Of the cells of a column: numbers in brief, or of how many it is so; null without any. */
export type Summary = { mean: number; least: number; most: number } | { are: number; of: number } | null;

/** Cells that say nothing are left out. */
export function summarise(cells: readonly Cell[]): Summary {
  const numbers = cells.filter((cell) => typeof cell === 'number');
  const answers = cells.filter((cell) => typeof cell === 'object' && cell !== null);
  if (answers.length > 0) return { are: answers.filter(({ is }) => is).length, of: answers.length };
  if (numbers.length === 0) return null;
  const mean = numbers.reduce((sum, value) => sum + value, 0) / numbers.length;
  return { mean, least: Math.min(...numbers), most: Math.max(...numbers) };
}

/** In print: the number, the words, or a dash. */
export function cellText({ format }: Column, cell: Cell): string {
  if (cell === null) return '-';
  return typeof cell === 'number' ? format(cell) : cell.text;
}
