/** Reads the log of a training run, as `air train --metrics` writes it, for what draws it. */
import { AirError } from '../../errors.js';
import type { Io } from '../../io/io.js';
import { QUANTITIES, QUANTITY_TABLE } from '../../render/charts/quantities.js';
import type { TrainingPoint } from '../../render/charts/training-curves.js';
import { type LogLine, timedLines } from '../../scores/training-log.js';

/**
 * What is known at each step, in their order. Of a run that was tried again (--retries), the last try, with the time of those
 * before it.
 *
 * @throws AirError 'badData' if the file is no such log
 */
export async function readTrainingPoints(file: string, io: Io): Promise<TrainingPoint[]> {
  const lines = parseLines(new TextDecoder().decode(await io.readFile(file)), file);
  const points = new Map<number, TrainingPoint>();
  for (const { line, step, seconds } of timedLines(lines)) {
    const values = { ...points.get(step)?.values, ...valuesOf(line) };
    points.set(step, { step, values, ...(seconds === undefined ? {} : { seconds }) });
  }
  return [...points.values()].sort((a, b) => a.step - b.step);
}

function parseLines(text: string, file: string): LogLine[] {
  const hint = 'air train --metrics FILE writes one';
  const wrong = (what: string) => new AirError('badData', `${file}: ${what}, expected the log of a training run`, hint);
  const texts = text.split('\n');
  // What a killed run left of a line, or nothing.
  const rest = texts.pop() ?? '';
  if (texts.length === 0) throw wrong(rest === '' ? 'is empty' : 'line 1 is not JSON with a newline');
  return texts.map((one, k) => {
    let line: unknown;
    try {
      line = JSON.parse(one);
    } catch {
      throw wrong(`line ${k + 1} is not JSON`);
    }
    if (typeof line !== 'object' || line === null || !Number.isSafeInteger((line as LogLine).step)) {
      throw wrong(`line ${k + 1} names no step`);
    }
    return line as LogLine;
  });
}

function valuesOf(line: LogLine): TrainingPoint['values'] {
  const found = QUANTITIES.map((quantity) => [quantity, line[QUANTITY_TABLE[quantity].field]] as const);
  return Object.fromEntries(found.filter(([, value]) => Number.isFinite(value)));
}
