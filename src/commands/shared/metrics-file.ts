/** Reads the log of a training run, as `air train --metrics` writes it, for what draws it. */
import { AirError } from '../../errors.js';
import type { Io } from '../../io/io.js';
import { QUANTITIES, QUANTITY_TABLE } from '../../render/charts/quantities.js';
import type { TrainingPoint } from '../../render/charts/training-curves.js';

type Line = { step: number; [field: string]: unknown };

/**
 * What is known at each step, in their order. Of a run that was tried again (--retries), the last try, with the time of those
 * before it.
 *
 * @throws AirError 'badData' if the file is no such log
 */
export async function readTrainingPoints(file: string, io: Io): Promise<TrainingPoint[]> {
  const lines = parseLines(new TextDecoder().decode(await io.readFile(file)), file);
  const tries = [...new Set(lines.map(tryOf))];
  const ofTries = tries.map((retry) => lines.filter((line) => tryOf(line) === retry));
  const last = ofTries.at(-1) ?? [];
  const before = ofTries.slice(0, -1).reduce((sum, one) => sum + (reportTimes(one).at(-1)?.seconds ?? 0), 0);
  const times = reportTimes(last);
  const points = new Map<number, TrainingPoint>();
  for (const line of last) {
    const { step } = line;
    const seconds = secondsAt(step, times);
    const values = { ...points.get(step)?.values, ...valuesOf(line) };
    points.set(step, { step, values, ...(seconds === undefined ? {} : { seconds: before + seconds }) });
  }
  return [...points.values()].sort((a, b) => a.step - b.step);
}

const tryOf = (line: Line): number => Number(line.retry ?? 0);

function parseLines(text: string, file: string): Line[] {
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
    if (typeof line !== 'object' || line === null || !Number.isSafeInteger((line as Line).step)) {
      throw wrong(`line ${k + 1} names no step`);
    }
    return line as Line;
  });
}

function valuesOf(line: Line): TrainingPoint['values'] {
  const found = QUANTITIES.map((quantity) => [quantity, line[QUANTITY_TABLE[quantity].field]] as const);
  return Object.fromEntries(found.filter(([, value]) => Number.isFinite(value)));
}

/** Time of the training steps up to each report, s: a report says how long the steps since the one before took. */
function reportTimes(lines: readonly Line[]): { step: number; seconds: number }[] {
  const times: { step: number; seconds: number }[] = [];
  let [step, seconds] = [0, 0];
  for (const line of lines) {
    const { ms_per_step: ms } = line;
    if (typeof ms !== 'number' || !Number.isFinite(ms) || line.step <= step) continue;
    seconds += ((line.step - step) * ms) / 1000;
    step = line.step;
    times.push({ step, seconds });
  }
  return times;
}

/** At a step between reports, or after the last one, by the pace around it; undefined if there are none. */
function secondsAt(step: number, times: readonly { step: number; seconds: number }[]): number | undefined {
  if (times.length === 0) return undefined;
  const next = times.findIndex((time) => time.step >= step);
  const to = times.at(next) as { step: number; seconds: number }; // -1: the last
  const from = times[(next === -1 ? times.length : next + 1) - 2] ?? { step: 0, seconds: 0 };
  return from.seconds + ((to.seconds - from.seconds) * (step - from.step)) / (to.step - from.step);
}
