/** What processes take while they run, as Linux tells it in /proc: memory, and time on a processor. */
import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

/** Resident memory now and at most so far, MiB; time on processors so far, s; all threads. */
export type Use = { rss: number; peak: number; cpu: number };

/** Clock ticks per second of /proc/PID/stat: 100 on every Linux that there is. */
const TICKS = 100;

/** Undefined once the process is gone. */
export function useOf(pid: number): Use | undefined {
  try {
    const status = readFileSync(`/proc/${pid}/status`, 'utf8');
    const mebibytes = (name: string): number =>
      Number(new RegExp(`^${name}:\\s*(\\d+) kB`, 'm').exec(status)?.[1]) / 1024;
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' '); // from field 3 on
    const use = {
      rss: mebibytes('VmRSS'),
      peak: mebibytes('VmHWM'),
      cpu: (Number(fields[11]) + Number(fields[12])) / TICKS,
    };
    return Number.isNaN(use.rss) ? undefined : use;
  } catch {
    return undefined;
  }
}

export type Sample = Use & { seconds: number };

/** Samples a process until it ends, every `every` seconds. `also` is added to each sample. */
export async function watchUse<More extends object>(
  pid: number,
  every: number,
  also: () => More = () => ({}) as More,
): Promise<(Sample & More)[]> {
  const start = performance.now();
  const samples: (Sample & More)[] = [];
  for (;;) {
    const use = useOf(pid);
    if (use === undefined) return samples;
    samples.push({ seconds: (performance.now() - start) / 1000, ...use, ...also() });
    await sleep(1000 * every);
  }
}

/** A folder for one part of the soak, removed at the end of `work`. In SOAK_TMP, if the place for temporaries is small. */
export async function inFolder<T>(work: (folder: string) => Promise<T>): Promise<T> {
  const folder = mkdtempSync(join(process.env.SOAK_TMP ?? tmpdir(), 'air-soak-'));
  try {
    return await work(folder);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

const AIR = `exec ${JSON.stringify(process.execPath)} ${JSON.stringify(resolve('bin/air.js'))}`;

/**
 * Commands joined by pipes of a shell: `air` stands for ours, anything else is itself; each writes its process number where
 * it can be found. `before` is said first, in the shell.
 */
export function startPipe(folder: string, commands: readonly string[], before = ':'): ChildProcess {
  for (const name of readdirSync(folder)) if (/^\d+\.(pid|err)$/.test(name)) rmSync(join(folder, name));
  const parts = commands.map((command, k) => {
    return `{ echo $BASHPID > ${folder}/${k}.pid; ${command.replace(/^air /, `${AIR} `)}; } 2> ${folder}/${k}.err`;
  });
  const script = `${before}; ${parts.join(' | ')}; echo "\${PIPESTATUS[@]}"`;
  return spawn('bash', ['--norc', '-c', script], { cwd: folder, stdio: ['ignore', 'pipe', 'inherit'] });
}

/** What the commands of a pipe said on stderr. */
export function saidBy(folder: string): string {
  const names = readdirSync(folder).filter((name) => /^\d+\.err$/.test(name));
  return names.map((name) => readFileSync(join(folder, name), 'utf8')).join('');
}

/** The number of a process that `startPipe` started. */
export async function pidOf(folder: string, k: number): Promise<number> {
  for (;;) {
    const file = join(folder, `${k}.pid`);
    const text = existsSync(file) ? readFileSync(file, 'utf8') : '';
    if (text.endsWith('\n')) return Number(text);
    await sleep(5);
  }
}

/** The folder for what comes of a soak. */
export function outcomes(): string {
  mkdirSync('build/soak', { recursive: true });
  return resolve('build/soak');
}
