/** SIGINT and SIGTERM: the first asks a command to save and stop, the second ends the process. */
import { AirError } from '../errors.js';
import { removeLeftovers } from './atomic.js';

const EXITS = { SIGINT: 130, SIGTERM: 143 } as const;

export type Signals = {
  readonly interrupted: AbortSignal;
  /** The exit code of the first signal, if one came. */
  exitCode(): number | undefined;
  interruption(message: string, hint?: string): AirError;
};

/**
 * @param waits whether the command watches `interrupted`; if not, the first signal already ends the process (temporary
 *   files removed)
 */
export function watchSignals(waits: boolean): Signals {
  const controller = new AbortController();
  let first: keyof typeof EXITS | undefined;
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.on(signal, () => {
      if (first !== undefined || !waits) {
        removeLeftovers();
        process.exit(EXITS[first ?? signal]);
      }
      first = signal;
      controller.abort();
    });
  }
  // Without a handler, writing past `ulimit -f` kills the process; with one, the write fails with EFBIG.
  process.on('SIGXFSZ', () => {});
  return {
    interrupted: controller.signal,
    exitCode: () => (first === undefined ? undefined : EXITS[first]),
    interruption: (message, hint) => new AirError(first === 'SIGTERM' ? 'terminated' : 'interrupted', message, hint),
  };
}
