/** What `air table` reads: scores of `air eval --json`, logs of `air train --metrics`, and what their rows are called. */
import { AirError } from '../../errors.js';
import type { Io } from '../../io/io.js';
import type { RunScores } from '../../scores/columns.js';
import { type LogLine, lastWithin, validations } from '../../scores/training-log.js';
import { parseNamedFile } from '../shared/named-file.js';

export type Run = {
  /** Runs of one name are one experiment. */
  name: string;
  file: string;
  scores: RunScores;
};

type Read = { name: string; file: string } & (
  | { scores: RunScores; log?: undefined }
  | { log: ReturnType<typeof validations> }
);

/** @param within  of logs: seconds, or those of the shortest */
export async function readRuns(
  operands: readonly string[],
  within: number | 'shortest' | undefined,
  io: Io,
): Promise<Run[]> {
  const read: Read[] = [];
  for (const operand of operands) read.push(await readRun(operand, io));
  const ends = read.flatMap(({ log }) => log?.at(-1)?.seconds ?? []);
  if (within !== undefined && ends.length === 0) {
    throw new AirError(
      'usage',
      '--within: none of the files is the log of a training',
      'air train --metrics writes one',
    );
  }
  const seconds = within === 'shortest' ? Math.min(...ends) : (within ?? Number.POSITIVE_INFINITY);
  return read.map((one) => {
    const { name, file } = one;
    return { name, file, scores: one.log === undefined ? one.scores : lastWithin(one.log, seconds) };
  });
}

/** `NAME=FILE`, or a file that is called as it is. */
async function readRun(operand: string, io: Io): Promise<Read> {
  const { name, file } = await parseNamedFile(operand, io);
  const text = new TextDecoder().decode(await io.readFile(file));
  const whole = parse(text);
  // a log of one line is one too
  if (isFields(whole) && typeof whole.step !== 'number') return { name, file, scores: checkScores(whole, file) };
  const lines = text.trimEnd().split('\n').map(parse);
  const log = lines.every(isFields) ? validations(lines as LogLine[]) : [];
  if (log.length > 0) return { name, file, log };
  throw lines.every(isFields)
    ? new AirError('badData', `${file}: a log without validations`, 'air train writes them with --valid')
    : notScores(file, 'no JSON of that kind');
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function isFields(value: unknown): value is { [name: string]: unknown } {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** What columns read, if it is there, is of its kind. */
function checkScores(scores: { [name: string]: unknown }, file: string): RunScores {
  const { confusion, terms, calibration, collapse } = scores;
  if (scores.images === undefined && collapse === undefined) throw notScores(file, 'no images');
  const numbers = ['images', 'count_accuracy', 'evidence_count_accuracy', 'sampled_count_accuracy', 'elbo'];
  for (const key of [...numbers, 'mean_iou', 'average_precision']) {
    const value = scores[key] ?? 0;
    if (typeof value !== 'number') throw notScores(file, `${key} is no number`);
  }
  const rows = confusion ?? [];
  const isMatrix = Array.isArray(rows) && rows.every((row) => Array.isArray(row) && row.every(Number.isFinite));
  if (!isMatrix) throw notScores(file, 'confusion is no matrix');
  for (const [key, value] of Object.entries({ terms, calibration })) {
    if (!isFields(value ?? {})) throw notScores(file, `${key} is no object`);
  }
  if (collapse !== undefined && typeof collapse !== 'string') throw notScores(file, 'collapse is no text');
  return scores as RunScores;
}

function notScores(file: string, got: string): AirError {
  return new AirError(
    'badData',
    `${file}: expected scores or a log of a training, got ${got}`,
    'air eval --json writes scores, air train --metrics a log',
  );
}
