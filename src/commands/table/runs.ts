/** What `air table` reads: scores of `air eval --json`, logs of `air train --metrics`, and what their rows are called. */
import { parseJson } from '../../core/json.js';
import { AirError } from '../../errors.js';
import { parseFilledLog } from '../../formats/metrics-log.js';
import type { Io } from '../../io/io.js';
import type { RunScores } from '../../scores/columns.js';
import { checkScores, isFields } from '../../scores/scores-json.js';
import { lastWithin, type Validated, validations } from '../../scores/training-log.js';
import { parseNamedFile } from '../shared/named-file.js';

export type Run = {
  /** Runs of one name are one experiment. */
  name: string;
  file: string;
  scores: RunScores;
};

type Read = { name: string; file: string } & ({ scores: RunScores; log?: undefined } | { log: Validated[] });

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
  const text = await io.readText(file);
  const whole = parse(text);
  // a log of one line is one too
  if (isFields(whole) && typeof whole.step !== 'number') {
    const checked = checkScores(whole);
    if ('scores' in checked) return { name, file, scores: checked.scores };
    throw new AirError('badData', `${file}: expected ${EXPECTED}, got ${checked.wrong}`, HINT);
  }
  const log = validations(parseFilledLog(text, { name: file, expected: EXPECTED, hint: HINT }));
  if (log.length > 0) return { name, file, log };
  throw new AirError('badData', `${file}: a log without validations`, 'air train writes them with --valid');
}

const EXPECTED = 'scores or a log of a training';
const HINT = 'air eval --json writes scores, air train --metrics a log';

function parse(text: string): unknown {
  try {
    return parseJson(text);
  } catch {
    return undefined;
  }
}
