/** The log of a training from a file, and what curves are drawn of it. */
import { type MetricsLine, numberIn, parseFilledLog } from '../../formats/metrics-log.js';
import type { Io } from '../../io/io.js';
import { QUANTITIES, QUANTITY_TABLE } from '../../render/charts/quantities.js';
import type { TrainingPoint } from '../../render/charts/training-curves.js';
import { timedLines } from '../../scores/training-log.js';

/** All lines of all tries, one at least. @throws AirError 'badData' if the file is no such log; 'noInput' */
export async function readMetricsFile(file: string, io: Io): Promise<MetricsLine[]> {
  return parseFilledLog(await io.readText(file), { name: file });
}

/** What is known at each step of the last try, in their order, with the time of the training so far. */
export function trainingPoints(lines: readonly MetricsLine[]): TrainingPoint[] {
  const points = new Map<number, TrainingPoint>();
  for (const { line, seconds } of timedLines(lines)) {
    const { step } = line;
    const values = { ...points.get(step)?.values, ...valuesOf(line) };
    points.set(step, { step, values, ...(seconds === undefined ? {} : { seconds }) });
  }
  return [...points.values()].sort((a, b) => a.step - b.step);
}

function valuesOf(line: MetricsLine): TrainingPoint['values'] {
  const found = QUANTITIES.map((quantity) => [quantity, numberIn(line, QUANTITY_TABLE[quantity].field)] as const);
  return Object.fromEntries(found.filter(([, value]) => value !== undefined));
}
