/** Everything said to the person: lines and progress on stderr. stdout is for data only. */
import { createRequire } from 'node:module';
import type { SingleBar } from 'cli-progress';
import { printable } from './printable.js';

export type Messages = {
  /** One line; silent with -q. */
  info(line: string): void;
  /** One line, only with -v. */
  detail(line: string): void;
  /** One line, also with -q. */
  warn(line: string): void;
  /** A progress line, drawn only on a terminal. `total` may be Infinity; `fields` name what `update` shows beside it. */
  progress(total: number, unit: string, fields?: readonly string[]): Progress;
};

export type Progress = {
  /** `values` by name of the field; a field not named keeps its last value. */
  update(done: number, values?: Readonly<Record<string, string>>): void;
  stop(): void;
};

/** What messages needs of stderr. */
export type Stderr = NodeJS.WritableStream & { isTTY?: boolean; columns?: number };

export type MessageSettings = {
  command: string;
  level: 'quiet' | 'normal' | 'verbose';
  stderr: Stderr;
  /** No colours if NO_COLOR is set to anything but the empty string (no-color.org). */
  env: Readonly<Record<string, string | undefined>>;
  now(): number;
};

/** `close` stops a progress line that a failed command left running. */
export function createMessages(
  settings: MessageSettings,
): Messages & { error(message: string, hint?: string): void; close(): void } {
  const { command, level, stderr, env, now } = settings;
  const isTerminal = stderr.isTTY === true;
  const hasColour = isTerminal && !env.NO_COLOR && env.TERM !== 'dumb';
  let active: ProgressLine | undefined;

  const say = (text: string): void => {
    active?.hide();
    stderr.write(`${text}\n`);
    active?.show();
  };
  const paint = (code: number, text: string): string => (hasColour ? `\u001b[${code}m${text}\u001b[0m` : text);
  const name = command === '' ? 'air:' : `air ${command}:`;
  return {
    info(line) {
      if (level !== 'quiet') say(`${name} ${printable(line)}`);
    },
    detail(line) {
      if (level === 'verbose') say(`${name} ${printable(line)}`);
    },
    warn(line) {
      say(`${paint(33, name)} ${printable(line)}`);
    },
    error(message, hint) {
      say(`${paint(31, name)} ${printable(message)}${hint === undefined ? '' : `\n  ${printable(hint)}`}`);
    },
    progress(total, unit, fields = []) {
      if (!isTerminal || level === 'quiet') return { update() {}, stop() {} };
      active?.hide();
      const line = drawProgress({ stderr, now }, { total, unit, fields });
      active = line;
      return {
        update: line.update,
        stop() {
          if (active === line) active = undefined;
          line.hide();
        },
      };
    },
    close() {
      active?.hide();
      active = undefined;
    },
  };
}

type ProgressLine = { update: Progress['update']; hide(): void; show(): void };

type Moment = { done: number; at: number };

function drawProgress(
  { stderr, now }: Pick<MessageSettings, 'stderr' | 'now'>,
  { total, unit, fields }: { total: number; unit: string; fields: readonly string[] },
): ProgressLine {
  const shown = new Map<string, string>();
  let first: Moment | undefined; // a resumed run starts above 0
  let last: Moment = { done: 0, at: now() };
  const format = (): string => {
    const columns = Math.max(20, stderr.columns || 80) - 1;
    const parts = progressParts(total, unit, first ?? last, last);
    for (const field of fields) if (shown.has(field)) parts.splice(-2, 0, `${field} ${shown.get(field)}`);
    return parts.join('  ').slice(0, columns);
  };
  // Loaded here: help and pipes need no progress line.
  const { SingleBar: Bar } = createRequire(import.meta.url)('cli-progress') as { SingleBar: typeof SingleBar };
  const bar = new Bar({
    stream: stderr,
    format,
    fps: 5,
    clearOnComplete: true,
    forceRedraw: true,
    gracefulExit: false, // signals are ours
    linewrap: true, // leave the terminal's setting alone; lines are cut to its width
  });
  // It remembers where on the screen it started and goes back there at its end, so it has to end before a line is printed.
  const show = (): void => bar.start(Number.isFinite(total) ? total : 0, last.done);
  show();
  return {
    show,
    hide: () => bar.stop(),
    update(done, values = {}) {
      last = { done, at: now() };
      first ??= last;
      for (const [field, value] of Object.entries(values)) shown.set(field, value);
      bar.update(done);
    },
  };
}

/** `[=====     ] 730/1500 steps`, `31.2 steps/s`, `ETA 25s`. */
export function progressParts(total: number, unit: string, first: Moment, last: Moment): string[] {
  const seconds = (last.at - first.at) / 1000;
  const rate = seconds > 0 ? (last.done - first.done) / seconds : 0;
  const speed = `${rate >= 100 ? rate.toFixed(0) : rate.toPrecision(3)} ${unit}/s`;
  if (!Number.isFinite(total)) return [`${last.done} ${unit}`, speed, ''];
  const filled = Math.round(20 * Math.min(1, total > 0 ? last.done / total : 1));
  const bar = `[${'='.repeat(filled)}${' '.repeat(20 - filled)}]`;
  const eta = rate > 0 ? `ETA ${formatSeconds((total - last.done) / rate)}` : 'ETA -';
  return [`${bar} ${last.done}/${total} ${unit}`, speed, eta];
}

/** `25s`, `2m10s`, `1h05m`. */
export function formatSeconds(seconds: number): string {
  const whole = Math.round(Math.max(0, seconds));
  const two = (value: number): string => String(value).padStart(2, '0');
  if (whole < 60) return `${whole}s`;
  if (whole < 3600) return `${Math.floor(whole / 60)}m${two(whole % 60)}s`;
  return `${Math.floor(whole / 3600)}h${two(Math.floor((whole % 3600) / 60))}m`;
}
