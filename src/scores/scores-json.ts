/**
 * Scores as `air eval --json` prints them, read back. A file may come from an older version, or say of a run only that it has none,
 * as {"collapse": "diverged"}: what is not there is not asked for, what is there is of its kind.
 */
import type { RunScores } from './columns.js';

type Fields = { readonly [name: string]: unknown };

export function isFields(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Rows of as many numbers each. */
export function isMatrix(value: unknown): value is number[][] {
  return (
    Array.isArray(value) &&
    value.every((row) => Array.isArray(row) && row.length === value[0].length && row.every(isNumber))
  );
}

type Check = (value: unknown) => boolean;

const isNumber: Check = (value) => typeof value === 'number';
const isNumberOrNull: Check = (value) => value === null || isNumber(value);
const isBin: Check = (value) =>
  isFields(value) &&
  [value.from, value.to, value.images].every(isNumber) &&
  [value.mean_probability, value.accuracy].every(isNumberOrNull);
const isCalibration: Check = (value) =>
  value === null ||
  (isFields(value) && isNumber(value.brier) && Array.isArray(value.reliability) && value.reliability.every(isBin));

/** What columns and charts read, and what it has to be. */
const KINDS: { readonly [field in keyof RunScores]?: readonly [is: Check, kind: string] } = {
  images: [isNumber, 'number'],
  count_accuracy: [isNumberOrNull, 'number'],
  evidence_count_accuracy: [isNumberOrNull, 'number'],
  sampled_count_accuracy: [isNumberOrNull, 'number'],
  elbo: [isNumberOrNull, 'number'],
  mean_iou: [isNumberOrNull, 'number'],
  average_precision: [isNumberOrNull, 'number'],
  confusion: [isMatrix, 'matrix'],
  terms: [(value) => isFields(value) && Object.values(value).every(isNumberOrNull), 'list of numbers by name'],
  calibration: [
    (value) => isFields(value) && [value.q ?? null, value.evidence ?? null].every(isCalibration),
    'table by q and evidence',
  ],
  collapse: [(value) => typeof value === 'string', 'text'],
};

/** What is wrong with it, in words that follow "got", or the scores: of some images, or of a collapse. */
export function checkScores(value: unknown): { wrong: string } | { scores: RunScores } {
  if (!isFields(value) || (value.images === undefined && value.collapse === undefined)) return { wrong: 'no images' };
  for (const [field, [is, kind]] of Object.entries(KINDS)) {
    if (value[field] !== undefined && !is(value[field])) return { wrong: `${field} that is no ${kind}` };
  }
  return { scores: value as RunScores };
}
