/** SIGINT, SIGTERM and SIGHUP: the first asks a command to save and stop, the second ends the process. */
import { readFileSync } from 'node:fs';
import { basename } from 'node:path';
import { AirError } from '../errors.js';
import { removeLeftovers } from './atomic.js';

const EXITS = { SIGINT: 130, SIGTERM: 143, SIGHUP: 129 } as const;
const KINDS = { SIGINT: 'interrupted', SIGTERM: 'terminated', SIGHUP: 'hungUp' } as const;

export type Signals = {
  /** Its reason is the error to end with where there was nothing but waiting. */
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
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    if (signal === 'SIGHUP' && isHangupIgnored()) {
      process.on(signal, () => {});
      continue;
    }
    process.on(signal, () => {
      if (first !== undefined || !waits) {
        removeLeftovers();
        process.exit(EXITS[first ?? signal]);
      }
      first = signal;
      controller.abort(new AirError(KINDS[first], 'stopped while it waited for input'));
    });
  }
  // Without a handler, writing past `ulimit -f` kills the process; with one, the write fails with EFBIG.
  process.on('SIGXFSZ', () => {});
  return {
    interrupted: controller.signal,
    exitCode: () => (first === undefined ? undefined : EXITS[first]),
    interruption: (message, hint) => new AirError(KINDS[first ?? 'SIGINT'], message, hint),
  };
}

/**
 * Was this started to outlive its terminal? Node undoes the "ignore SIGHUP" that a process gets from nohup, so there is
 * no trace of it here; but a shell that ignores it shows as our parent (Linux), and shells name nohup in `$_`.
 */
function isHangupIgnored(): boolean {
  if (basename(process.env._ ?? '') === 'nohup') return true;
  try {
    const mask = /^SigIgn:\s*([\da-f]+)$/m.exec(readFileSync(`/proc/${process.ppid}/status`, 'utf8'))?.[1];
    return mask !== undefined && (BigInt(`0x${mask}`) & 1n) === 1n; // bit 0 is signal 1, SIGHUP
  } catch {
    return false;
  }
}
