/**
 * The accuracy that a run is to reach (--until-accuracy). It decides which step is the last, and nothing before that: it is no
 * setting of the model, and a run may be begun without it and go on with it. That a model ended by it shows in its step alone, which
 * is below that of its settings.
 */
import { usage } from '../../cli/command.js';
import { AirError } from '../../errors.js';
import { percent } from '../../scores/numbers.js';
import type { Checkpoint } from '../../train/checkpoint.js';
import type { Settings } from '../../train/config.js';
import type { RunOptions } from './options.js';

type Asked = Pick<RunOptions, 'output' | 'untilAccuracy'>;

/** Whether so many were counted right. */
export function reaches(accuracy: number | undefined, wanted: number): boolean {
  return accuracy !== undefined && accuracy >= wanted;
}

/** Of held-out scenes, what a model counted right after its last step; undefined if it was not asked then. */
export function accuracyOf({ metrics, step }: Checkpoint): number | undefined {
  const { count_accuracy: accuracy } = metrics;
  return metrics.step === step && typeof accuracy === 'number' ? accuracy : undefined;
}

export function heldOut(accuracy: number): string {
  return `held-out count accuracy ${percent(accuracy)}`;
}

/** @param seconds  of this sitting */
export function reachedIn(step: number, seconds: number, { training }: Settings, { untilAccuracy }: Asked): string {
  return `--until-accuracy ${untilAccuracy} reached at step ${step} of ${training.steps}, in ${seconds.toFixed(1)} s`;
}

/**
 * Whether a finished model is an answer to what is asked now.
 *
 * @throws AirError 'usage' if it ended for less, so that there would be steps left to do, or if nothing says how well it counts
 */
export function checkGoalOfModel(finished: Checkpoint, { output, untilAccuracy }: Asked): void {
  const accuracy = accuracyOf(finished);
  const { step, training } = finished;
  if (step < training.steps && (untilAccuracy === undefined || !reaches(accuracy, untilAccuracy))) {
    const score = accuracy === undefined ? '' : ` with ${heldOut(accuracy)}`;
    throw usage(
      `${output} ended at step ${step} of ${training.steps}${score}, by --until-accuracy; now more is asked for`,
      `give --until-accuracy ${accuracy ?? 'A'} or less, another name with -o, or remove that file`,
    );
  }
  if (untilAccuracy !== undefined && accuracy === undefined) {
    throw usage(
      `${output} was trained without --valid: whether it reaches --until-accuracy ${untilAccuracy} is not known`,
      `air eval --model ${output} FILE --min-accuracy ${untilAccuracy} tells`,
    );
  }
}

/** @throws AirError 'answerIsNo' if a run that has ended has not got where it should */
export function checkReached(accuracy: number | undefined, step: number, { output, untilAccuracy }: Asked): void {
  if (untilAccuracy === undefined || reaches(accuracy, untilAccuracy)) return;
  const score = accuracy === undefined ? 'without a validation' : `with ${heldOut(accuracy)}`;
  throw new AirError(
    'answerIsNo',
    `${output}: ended at step ${step} ${score}, below --until-accuracy ${untilAccuracy}`,
  );
}
