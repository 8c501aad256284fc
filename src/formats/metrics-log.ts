/**
 * The log of a training (`air train --metrics`): UTF-8, a JSON object a line, `{"model":...,"step":...}` first and then whatever is
 * known at that step: a report has `elbo`, `ms_per_step` and so on, a validation `valid_count_accuracy` and so on. Lines of a run
 * that was tried again (--retries) have `retry`, from 1. A line ends with a newline: what stands after the last one was left by a
 * run that was killed as it wrote.
 */
import { parseJson } from '../core/json.js';
import { AirError } from '../errors.js';

export type MetricsLine = { readonly step: number; readonly [name: string]: unknown };

type Reading = {
  /** Of the file, for messages; and what is expected there, where that is more than a log. */
  name: string;
  expected?: string;
  hint?: string;
};

/**
 * All lines, of all tries. What a killed run has left of the last one is left out.
 *
 * @throws AirError 'badData' if any other is not JSON, or names no step
 */
export function parseMetricsLog(text: string, { name, expected = LOG, hint = HINT }: Reading): MetricsLine[] {
  const texts = text.split('\n');
  const last = texts.length - 1;
  return texts.flatMap((one, k): MetricsLine[] => {
    if (one.trim() === '') return [];
    const line = parseLine(one);
    if (line === undefined && k === last) return [];
    const wrong = line === undefined ? 'is not JSON' : Number.isSafeInteger(line.step) ? undefined : 'names no step';
    if (wrong !== undefined)
      throw new AirError('badData', `${name}: line ${k + 1} ${wrong}, expected ${expected}`, hint);
    return [line as MetricsLine];
  });
}

const LOG = 'the log of a training run';
const HINT = 'air train --metrics FILE writes one';

/** As `parseMetricsLog`, one line at least. */
export function parseFilledLog(text: string, reading: Reading): MetricsLine[] {
  const lines = parseMetricsLog(text, reading);
  if (lines.length > 0) return lines;
  const { name, expected = LOG, hint = HINT } = reading;
  const what = text === '' ? 'is empty' : 'there is no whole line in it';
  throw new AirError('badData', `${name}: ${what}, expected ${expected}`, hint);
}

export function formatMetricsLine(line: MetricsLine): string {
  return `${JSON.stringify(line)}\n`;
}

/** The model that a log is about, as its first line says, also if that is not whole; undefined if it is no such log. */
export function modelOfLog(text: string): string | undefined {
  const first = parseLine(text.split('\n', 1)[0]);
  if (first !== undefined) return typeof first.model === 'string' ? first.model : undefined;
  const [, model] = /^\{\s*"model":\s*("(?:[^"\\]|\\.)*")/.exec(text) ?? [];
  return model === undefined ? undefined : (parsedOrNot(model) as string | undefined);
}

/** Which try of the run a line is of: 0 is the first. */
export function tryOf({ retry }: MetricsLine): number {
  return typeof retry === 'number' ? retry : 0;
}

/** Of a run that was tried again, the lines of its last try. */
export function lastTry(lines: readonly MetricsLine[]): MetricsLine[] {
  const last = lines.reduce((most, line) => Math.max(most, tryOf(line)), 0);
  return lines.filter((line) => tryOf(line) === last);
}

/** A number of a line, if it is there and finite. */
export function numberIn(line: MetricsLine, name: string): number | undefined {
  const value = line[name];
  return typeof value === 'number' && Number.isFinite(value) ? value : undefined;
}

function parseLine(text: string): { step?: unknown; model?: unknown } | undefined {
  const value = parsedOrNot(text);
  return typeof value === 'object' && value !== null ? value : value === undefined ? undefined : {};
}

function parsedOrNot(text: string): unknown {
  try {
    return parseJson(text);
  } catch {
    return undefined;
  }
}
