/** The time that a run may take, --max-time. The wait for images ends with it, too. */
import { AirError } from '../../errors.js';
import type { Io } from '../../io/io.js';

export type TimeLimit = { isOver(): boolean; clear(): void };

/** What timers can wait for at most, ms: 25 days. */
const LONGEST = 2 ** 31 - 1;

/** @param seconds from now on; undefined: for ever */
export function startTimeLimit(seconds: number | undefined, io: Io): TimeLimit {
  if (seconds === undefined) return { isOver: () => false, clear() {} };
  const end = io.now() + 1000 * seconds;
  let hasRung = false; // timers go by another clock
  const ring = (): void => {
    hasRung = true;
    io.stopWaiting(new AirError('stoppedEarly', '--max-time was over while it waited for input'));
  };
  const timer = 1000 * seconds > LONGEST ? undefined : setTimeout(ring, 1000 * seconds);
  return { isOver: () => hasRung || io.now() >= end, clear: () => clearTimeout(timer) };
}
