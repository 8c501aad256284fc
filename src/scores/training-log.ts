/** What the log of a training (`air train --metrics`) says of the model at one of its validations. */
import type { RunScores } from './columns.js';

/** A line: of a report, with `ms_per_step`, or of a validation, with `valid_count_accuracy` and so on. */
export type LogLine = { readonly [name: string]: unknown };

/** A validation, after how many seconds of training steps; tries before (`--retries`) took time too. */
type Validated = RunScores & { step: number; seconds: number };

/**
 * All validations of the last try, with the time of the training steps until then. Validating and saving are not in it, nor is
 * reading the images.
 */
export function validations(lines: readonly LogLine[]): Validated[] {
  const found: Validated[] = [];
  let [retry, step, seconds] = [0, 0, 0];
  let waiting: Validated[] = [];
  for (const line of lines) {
    if (Number(line.retry ?? 0) !== retry) {
      [retry, step] = [Number(line.retry), 0];
      found.length = 0;
      waiting = [];
    }
    const at = Number(line.step);
    if (typeof line.ms_per_step === 'number') {
      // of a validation since the report before: its share of the time until this one
      for (const one of waiting) one.seconds += (line.ms_per_step * (one.step - step)) / 1000;
      waiting = [];
      seconds += (line.ms_per_step * (at - step)) / 1000;
      step = at;
    }
    if (typeof line.valid_count_accuracy === 'number') {
      const one = scoresOf(line, seconds);
      found.push(one);
      if (at > step) waiting.push(one);
    }
  }
  return found;
}

function scoresOf(line: LogLine, seconds: number): Validated {
  return {
    step: Number(line.step),
    seconds,
    count_accuracy: line.valid_count_accuracy as number,
    sampled_count_accuracy: (line.valid_sampled_count_accuracy ?? null) as number | null,
    elbo: (line.valid_elbo ?? null) as number | null,
    confusion: (line.valid_confusion ?? []) as number[][],
  };
}

/** The last validation within so many seconds of training steps; before the first one nothing is known but the time. */
export function lastWithin(all: readonly Validated[], seconds: number): RunScores {
  // seconds are sums of rounded numbers: the end of the shortest training is within its own time
  return all.findLast((one) => one.seconds <= seconds * (1 + 1e-9)) ?? { seconds };
}
