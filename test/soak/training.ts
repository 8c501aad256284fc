/**
 * A long training: does memory stay as it is, do steps keep their pace, is the log whole, also after kill -9?
 *
 *   node .test/soak/training.js [SECONDS]       3600 unless told
 *
 * Pace is time on the processor, not on the clock: how busy the machine is else does not show. Validations, pictures and pages
 * are part of it.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, fstatSync, openSync, readFileSync, readSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { airOk, jsonLines } from '../support/air.js';
import { ended } from '../support/child.js';
import { inFolder, outcomes, watchUse } from './measure.js';
import { fixed, SoakReport } from './report.js';

const SECONDS = Number(process.argv[2] ?? 3600);
const [REPORT, VALID, PREVIEW] = [50, 200, 500];
const LINE =
  'train train.air -o m.safetensors --preset small --batch-size 16 --sum-pairs 8 --steps 100000000 --backend wasm --workers 1 --no-provenance ' +
  `--metrics m.jsonl --report-every ${REPORT} --valid valid.air --valid-every ${VALID} ` +
  `--previews shown --preview-every ${PREVIEW} --save-every 100 -q`;

function start(folder: string, seconds: number): ChildProcess {
  const args = [resolve('bin/air.js'), ...LINE.split(' '), '--max-time', `${seconds}s`];
  return spawn(process.execPath, args, { cwd: folder, stdio: ['ignore', 'pipe', 'pipe'] });
}

/** The step that the last whole line of a log is about. */
function lastStep(file: string): number {
  try {
    const fd = openSync(file, 'r');
    const { size } = fstatSync(fd);
    const tail = Buffer.alloc(Math.min(size, 4096));
    readSync(fd, tail, 0, tail.length, size - tail.length);
    closeSync(fd);
    const line = tail.toString().split('\n').at(-2) ?? '';
    return Number(/"step":(\d+)/.exec(line)?.[1] ?? 0);
  } catch {
    return 0;
  }
}

/** Reports and validations of a log in the order in which they must stand: each step once, none left out. */
function isWholeLog(file: string): boolean {
  const lines = jsonLines(file) as { step: number; elbo?: number; valid_elbo?: number }[];
  const stepsOf = (name: 'elbo' | 'valid_elbo') =>
    lines.filter((line) => line[name] !== undefined).map(({ step }) => step);
  const isEvery = (steps: number[], every: number) => steps.every((step, k) => step === (k + 1) * every);
  return isEvery(stepsOf('elbo'), REPORT) && isEvery(stepsOf('valid_elbo'), VALID);
}

await inFolder(async (folder) => {
  const report = new SoakReport('training', `${SECONDS} s of training`, `node .test/soak/training.js ${SECONDS}`);
  report.say(`\`air ${LINE} --max-time ${SECONDS}s\`\n`);
  const log = join(folder, 'm.jsonl');
  await airOk(folder, 'gen-data --count 20000 --seed 1 -q -o train.air');
  await airOk(folder, 'gen-data --split valid --count 200 --seed 2 -q -o valid.air');

  const child = start(folder, SECONDS);
  const [samples, { code }] = await Promise.all([
    watchUse(child.pid as number, Math.max(0.2, Math.min(5, SECONDS / 500)), () => ({ step: lastStep(log) })),
    ended(child),
  ]);
  writeFileSync(join(outcomes(), 'training-samples.json'), JSON.stringify(samples));
  const at = (part: number) => samples[Math.min(samples.length - 1, Math.floor(part * samples.length))];
  const pace = (from: number, to: number) => (1000 * (at(to).cpu - at(from).cpu)) / (at(to).step - at(from).step);
  const parts = [0.1, 0.25, 0.5, 0.75, 1];
  report.table(
    ['', ...parts.map((part) => `${100 * part} %`), 'peak'],
    [
      ['steps', ...parts.map((part) => at(part).step), ''],
      ['resident, MiB', ...parts.map((part) => fixed(at(part).rss)), fixed(samples.at(-1)?.peak)],
      ['CPU ms a step, of the tenth before', ...parts.map((part) => fixed(pace(part - 0.1, part), 2)), ''],
    ],
  );
  report.check(`ends with 75 and its state saved (${code})`, code === 75);
  report.check(
    'memory does not grow: at the end no more than a tenth above that at 10 %',
    at(1).rss < 1.1 * at(0.1).rss,
  );
  // the first tenth but for its begin, in which programs are still compiled
  const [first, last] = [pace(0.02, 0.1), pace(0.9, 1)];
  report.check(
    `steps keep their pace: ${fixed(first, 2)} ms at first, ${fixed(last, 2)} in the end`,
    last < 1.15 * first,
  );

  report.check('the log has every report and validation once, in order', isWholeLog(log));
  for (let round = 1; round <= 3; round++) {
    const before = lastStep(log);
    const killed = start(folder, 1e6);
    const ending = ended(killed);
    while (lastStep(log) < before + 3 * REPORT) await sleep(50);
    killed.kill('SIGKILL');
    await ending;
  }
  const { code: again } = await ended(start(folder, 5));
  report.check(`after three kill -9 it goes on (${again}) and the log is whole`, again === 75 && isWholeLog(log));
  const page = readFileSync(join(folder, 'shown/index.html'), 'utf8');
  report.check(`the live page is whole, ${fixed(page.length / 1024)} KiB`, page.trimEnd().endsWith('</html>'));
  report.end();
});
