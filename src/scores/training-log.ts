/** What the log of a training (`air train --metrics`) says of the model at one of its validations. */
import { lastTry, type MetricsLine, numberIn, tryOf } from '../formats/metrics-log.js';
import type { RunScores } from './columns.js';
import { isMatrix } from './scores-json.js';

/** A line of the last try, with the time of the training steps up to its step, s; undefined if the log tells no times. */
export type TimedLine = { line: MetricsLine; seconds: number | undefined };

/**
 * The lines of the last try, with their times: every report says how long the steps since the one before took. Validating and
 * saving are not in it, nor is reading the images; tries before (`--retries`) took time too.
 */
export function timedLines(lines: readonly MetricsLine[]): TimedLine[] {
  const last = lastTry(lines);
  const others = new Set(lines.map(tryOf));
  if (last.length > 0) others.delete(tryOf(last[0]));
  const timeOf = (retry: number) => reportTimes(lines.filter((line) => tryOf(line) === retry)).at(-1)?.seconds ?? 0;
  const before = [...others].reduce((sum, retry) => sum + timeOf(retry), 0);
  const times = reportTimes(last);
  return last.map((line) => {
    const seconds = secondsAt(line.step, times);
    return { line, seconds: seconds === undefined ? undefined : before + seconds };
  });
}

type Time = { step: number; seconds: number };

function reportTimes(lines: readonly MetricsLine[]): Time[] {
  const times: Time[] = [];
  let [step, seconds] = [0, 0];
  for (const line of lines) {
    const [at, ms] = [line.step, numberIn(line, 'ms_per_step')];
    if (ms === undefined || at <= step) continue;
    seconds += ((at - step) * ms) / 1000;
    step = at;
    times.push({ step, seconds });
  }
  return times;
}

/** At a step between reports, or after the last one, by the pace around it; undefined if there are none. */
function secondsAt(step: number, times: readonly Time[]): number | undefined {
  if (times.length === 0) return undefined;
  const next = times.findIndex((time) => time.step >= step);
  const at = next === -1 ? times.length - 1 : next;
  const [from, to] = [times[at - 1] ?? { step: 0, seconds: 0 }, times[at]];
  return from.seconds + ((to.seconds - from.seconds) * (step - from.step)) / (to.step - from.step);
}

/** A validation, after how many seconds of training steps. */
export type Validated = RunScores & { step: number; seconds: number };

/** All validations of the last try. */
export function validations(lines: readonly MetricsLine[]): Validated[] {
  return timedLines(lines)
    .filter(({ line }) => numberIn(line, 'valid_count_accuracy') !== undefined)
    .map(({ line, seconds = 0 }) => scoresOf(line, seconds));
}

function scoresOf(line: MetricsLine, seconds: number): Validated {
  return {
    step: line.step,
    seconds,
    count_accuracy: numberIn(line, 'valid_count_accuracy') ?? null,
    sampled_count_accuracy: numberIn(line, 'valid_sampled_count_accuracy') ?? null,
    elbo: numberIn(line, 'valid_elbo') ?? null,
    confusion: isMatrix(line.valid_confusion) ? line.valid_confusion : [],
  };
}

/** The last validation within so many seconds of training steps; before the first one nothing is known but the time. */
export function lastWithin(all: readonly Validated[], seconds: number): RunScores {
  // seconds are sums of rounded numbers: the end of the shortest training is within its own time
  return all.findLast((one) => one.seconds <= seconds * (1 + 1e-9)) ?? { seconds };
}
