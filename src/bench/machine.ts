/** The machine that was measured, and how long it takes to start `air --help` against a Node that does nothing. */
import { execFile } from 'node:child_process';
import { availableParallelism, cpus, loadavg } from 'node:os';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { type RepeatOptions, type Spread, spreadOf, timed } from './timing.js';

export type Machine = {
  cpu: string;
  /** That this process may use. */
  cores: number;
  node: string;
  /** Processes that wanted to run, on average over the last minute: above 0 before we begin, others are at work. */
  load: number;
};

export function describeMachine(): Machine {
  const cpu = cpus()[0]?.model.trim() ?? 'unknown processor';
  return { cpu, cores: availableParallelism(), node: process.versions.node, load: loadavg()[0] };
}

export type StartupFigures = { helpMs: Spread; nodeMs: Spread; beyondNodeMs: Spread };

const AIR = fileURLToPath(new URL('../../bin/air.js', import.meta.url));

/** Starts both in turn. */
export async function measureStartup({ warmup, repeats }: RepeatOptions): Promise<StartupFigures> {
  const start = promisify(execFile);
  const rounds: { help: number; node: number }[] = [];
  for (let round = 0; round < warmup + repeats; round++) {
    const node = await timed(() => start(process.execPath, ['-e', '0']));
    const help = await timed(() => start(process.execPath, [AIR, '--help']));
    if (round >= warmup) rounds.push({ help, node });
  }
  return {
    helpMs: spreadOf(rounds.map(({ help }) => help)),
    nodeMs: spreadOf(rounds.map(({ node }) => node)),
    beyondNodeMs: spreadOf(rounds.map(({ help, node }) => help - node)),
  };
}
