/**
 * `make fuzz`: many files of every kind, each made to be a little wrong, read by the readers of this program in two processes.
 *
 *   FUZZ_CASES    how many, a million unless told
 *   FUZZ_SEED     1 unless told. Each seed is a thousand files for each reader, fewer for slow ones: a run that was stopped after seed 40 goes on with
 *                 FUZZ_SEED=41, and a run of other seeds reads other files
 *   FUZZ_READER   one reader alone
 *   FUZZ_PATH     one case of one reader and seed, as a failure names it
 *
 * Ends with 1 if a reader failed.
 */
import { type ChildProcess, fork } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { type Failure, type Figures, runBatch } from './batch.js';
import { READERS } from './readers.js';

const BATCH = 1000;
const PROCESSES = 2;
/** Enough for any reader: what needs more gathers what it should not. */
const HEAP_MB = 256;
/** A process that says nothing for so long hangs. */
const SILENT_MS = 600_000;
const FOLDER = 'build/fuzz';

type Task = { reader: string; seed: number };
type Reply = Task & { figures: Figures; failure?: Failure };

const { FUZZ_CASES = '1000000', FUZZ_SEED = '1', FUZZ_READER, FUZZ_PATH } = process.env;
const readers = READERS.filter(({ name }) => FUZZ_READER === undefined || name === FUZZ_READER);
const names = readers.map(({ name }) => name);
/** Cases of one seed. */
const casesOf = ({ slowness = 1 }: (typeof READERS)[number]): number => BATCH / slowness;
if (names.length === 0) throw new Error(`FUZZ_READER: one of ${READERS.map(({ name }) => name).join(', ')}`);

async function run({ reader, seed }: Task, path?: string): Promise<Reply> {
  const found = READERS.find(({ name }) => name === reader);
  if (found === undefined) throw new Error(`no reader ${reader}`);
  return { reader, seed, ...(await runBatch(found, { seed, cases: casesOf(found), path })) };
}

function serve(): void {
  process.on('disconnect', () => process.exit()); // nobody waits for the answer any more
  process.on('message', async (task: Task) => process.send?.(await run(task)));
}

const totals = new Map(names.map((name) => [name, { accepted: 0, refused: 0, slowestMs: 0, peakMb: 0 }]));
const failures = new Map<string, number>();

function note({ reader, figures, failure }: Reply): void {
  const total = totals.get(reader) as Figures;
  total.accepted += figures.accepted;
  total.refused += figures.refused;
  total.slowestMs = Math.max(total.slowestMs, figures.slowestMs);
  total.peakMb = Math.max(total.peakMb, figures.peakMb);
  if (failure === undefined) return;
  // the same failure of another file is not told again
  const kind = `${reader}: ${failure.message.replace(/\d+/g, '0').slice(0, 100)}`;
  const times = failures.get(kind) ?? 0;
  failures.set(kind, times + 1);
  if (times === 0) report(failure);
}

function report({ reader, seed, path, stack, bytes }: Failure): void {
  mkdirSync(FOLDER, { recursive: true });
  const file = `${FOLDER}/${reader}-${seed}`;
  writeFileSync(file, bytes);
  const again = `FUZZ_READER=${reader} FUZZ_SEED=${seed}${path === '' ? '' : ` FUZZ_PATH=${path}`} make fuzz`;
  console.error(
    `${reader} fails: ${stack.slice(0, 3000)}\n  the plainest such file: ${file}, ${bytes.length} bytes\n  again: ${again}`,
  );
}

const NONE: Figures = { accepted: 0, refused: 0, slowestMs: 0, peakMb: 0 };

/** What a process that is gone, or says nothing, was at. */
function lost({ reader, seed }: Task, message: string): Reply {
  return {
    reader,
    seed,
    figures: NONE,
    failure: { reader, seed, path: '', message, stack: message, bytes: new Uint8Array(0) },
  };
}

/** Hands tasks to a process of its own, one after the other. */
function work(tasks: Task[]): Promise<void> {
  return new Promise((resolve) => {
    let child: ChildProcess;
    let task: Task | undefined;
    let timer: NodeJS.Timeout | undefined;
    const next = (): void => {
      clearTimeout(timer);
      task = tasks.shift();
      if (task === undefined) {
        child.disconnect();
        resolve();
        return;
      }
      timer = setTimeout(() => child.kill('SIGKILL'), SILENT_MS);
      child.send(task);
    };
    const start = (): void => {
      child = fork(fileURLToPath(import.meta.url), ['serve'], {
        execArgv: [`--max-old-space-size=${HEAP_MB}`],
        serialization: 'advanced',
      });
      child.on('message', (reply: Reply) => {
        note(reply);
        if (reply.reader === names.at(-1)) console.error(`seed ${reply.seed}: ${count()} cases, failures: ${failed()}`);
        next();
      });
      child.on('exit', (code, signal) => {
        if (task === undefined) return;
        note(lost(task, signal === 'SIGKILL' ? 'it hangs' : `it ends the process: ${signal ?? code}`));
        start();
      });
      next();
    };
    start();
  });
}

const count = (): number => [...totals.values()].reduce((sum, { accepted, refused }) => sum + accepted + refused, 0);
const failed = (): number => [...failures.values()].reduce((sum, times) => sum + times, 0);

async function main(): Promise<void> {
  const first = Number(FUZZ_SEED);
  if (FUZZ_PATH !== undefined) note(await run({ reader: names[0], seed: first }, FUZZ_PATH));
  else {
    const seeds = Math.ceil(Number(FUZZ_CASES) / readers.reduce((sum, reader) => sum + casesOf(reader), 0));
    const tasks = Array.from({ length: seeds }, (_, k) => names.map((reader) => ({ reader, seed: first + k }))).flat();
    await Promise.all(Array.from({ length: PROCESSES }, () => work(tasks)));
  }
  const line = (cells: (string | number)[]): string =>
    cells.map((cell, k) => (k === 0 ? String(cell).padEnd(14) : String(cell).padStart(12))).join('');
  console.log(line(['reader', 'cases', 'accepted', 'refused', 'slowest ms', 'peak MB']));
  for (const [name, { accepted, refused, slowestMs, peakMb }] of totals) {
    console.log(line([name, accepted + refused, accepted, refused, Math.round(slowestMs), Math.round(peakMb)]));
  }
  console.log(`${count()} cases, failures: ${failed()}`);
  process.exitCode = failed() > 0 ? 1 : 0;
}

if (process.argv[2] === 'serve') serve();
else await main();
