/**
 * Streams: memory does not grow with them, a slow reader holds the writer back, and a reader that leaves ends it.
 *
 *   node .test/soak/streams.js [SCENES]         1000000 unless told: tens of minutes
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { airOk } from '../support/air.js';
import { ended } from '../support/child.js';
import { inFolder, pidOf, type Sample, saidBy, startPipe, useOf, watchUse } from './measure.js';
import { fixed, SoakReport } from './report.js';

const MOST = Number(process.argv[2] ?? 1e6);
const SIZES = [1e4, 1e5, 1e6, 1e7].filter((size) => size < MOST).concat(MOST);
const GEN = (count: number | 'inf') => `air gen-data --count ${count} --seed 3 --no-provenance -q`;
const INFER = 'air infer m.safetensors - --backend wasm --workers 1 --no-provenance -q';

const report = new SoakReport('streams', 'Streams', `node .test/soak/streams.js ${MOST}`);

/** Runs a pipe to its end and watches each of its processes. */
async function runPipe(folder: string, commands: readonly string[]): Promise<{ codes: string; all: Sample[][] }> {
  const child = startPipe(folder, commands);
  const ending = ended(child);
  const pids = await Promise.all(commands.map((_, k) => pidOf(folder, k)));
  const all = await Promise.all(pids.map((pid) => watchUse(pid, 0.2)));
  const { stdout } = await ending;
  return { codes: String(stdout.toString().trim().split('\n').at(-1)), all };
}

async function growth(folder: string): Promise<void> {
  const pipes = {
    'gen-data, infer, eval': (count: number) => [GEN(count), INFER, 'air eval --json -q'],
    'gen-data, infer --no-elbo, render --only-errors': (count: number) => [
      GEN(count),
      `${INFER} --no-elbo`,
      'air render --only-errors --limit 20 -q -o errors.png',
    ],
    'gen-data, view': (count: number) => [GEN(count), 'air view -', 'tail -n 1'],
  };
  for (const [name, commands] of Object.entries(pipes)) {
    const rows: (string | number)[][] = [];
    const peaks: number[][] = [];
    for (const size of name.includes('eval') ? SIZES : SIZES.filter((one) => one <= 1e5)) {
      const { codes, all } = await runPipe(folder, commands(size));
      peaks.push(all.map((samples) => samples.at(-1)?.peak ?? 0));
      const cpu = all.map((samples) => samples.at(-1)?.cpu ?? 0);
      rows.push([
        size.toLocaleString('en'),
        codes,
        ...(peaks.at(-1) as number[]).map((peak) => fixed(peak)),
        cpu.map((s) => fixed(s)).join(', '),
      ]);
      process.stdout.write(`${name}: ${rows.at(-1)?.join(' | ')}\n`); // the table comes when all are done
      report.check(`${name}, ${size} scenes: ends with ${codes}`, /^0( 0)*$/.test(codes));
    }
    report.table(
      [
        'scenes',
        'exit codes',
        ...commands(1).map((one) => `${one.split(' ').slice(0, 2).join(' ')}, peak MiB`),
        'CPU s',
      ],
      rows,
    );
    const [most, before] = [peaks.at(-1) as number[], peaks.at(-2) as number[]];
    if (peaks.length > 1) {
      const grown = most.map((peak, k) => peak / before[k]);
      report.check(
        `${name}: ten times as many scenes, ${grown.map((one) => one.toFixed(2)).join(', ')} times the memory`,
        grown.every((one) => one < 1.5),
      );
    }
  }
}

/** What a writer takes while its reader sleeps. */
async function slowReader(folder: string): Promise<void> {
  const rows: (string | number)[][] = [];
  for (const [name, commands] of [
    ['gen-data', [GEN('inf')]],
    ['gen-data, infer', [GEN('inf'), INFER]],
    ['gen-data, infer, view', [GEN('inf'), INFER, 'air view - --images']],
  ] as const) {
    const child = startPipe(folder, [...commands, 'sleep 60']);
    const ending = ended(child);
    const pids = await Promise.all(commands.map((_, k) => pidOf(folder, k)));
    await sleep(25_000); // busy machines take their time to start
    const first = pids.map((pid) => useOf(pid));
    await sleep(20_000);
    const last = pids.map((pid) => useOf(pid));
    const start = performance.now();
    const { stdout } = await ending;
    const codes = stdout.toString().trim();
    rows.push([
      name,
      first.map((use) => fixed(use?.rss)).join(', '),
      last.map((use) => fixed(use?.rss)).join(', '),
      last.map((use, k) => fixed((use?.cpu ?? 0) - (first[k]?.cpu ?? 0), 2)).join(', '),
      codes,
    ]);
    report.check(
      `${name}: what nobody reads is not made (${fixed((performance.now() - start) / 1000 - 15, 1)} s after the reader ended all had)`,
      last.every((use, k) => (use?.rss ?? 0) < 1.05 * (first[k]?.rss ?? 0) + 2) && /^0( 0)*$/.test(codes),
    );
  }
  report.table(
    [
      'a reader that sleeps, behind',
      'resident, MiB, after 25 s',
      'after 45 s',
      'CPU s in between',
      'exit codes when it leaves',
    ],
    rows,
  );
}

/** `| head -c 1000`: all end, with 0, and say nothing. */
async function leavingReader(folder: string): Promise<void> {
  for (const commands of [
    [GEN('inf')],
    [GEN('inf'), INFER],
    [GEN('inf'), INFER, 'air view - --images'],
    ['air sample m.safetensors --count 100000 --backend wasm -q'],
  ]) {
    const child = startPipe(folder, [...commands, 'head -c 1000 > /dev/null']);
    const start = performance.now();
    const { stdout } = await ended(child);
    const codes = stdout.toString().trim();
    const seconds = (performance.now() - start) / 1000;
    const isQuiet = /^0( 0)*$/.test(codes) && saidBy(folder) === '';
    report.check(`${commands.join(' | ')} | head -c 1000: ${codes}, ${fixed(seconds, 1)} s ${saidBy(folder)}`, isQuiet);
  }
}

await inFolder(async (folder) => {
  await airOk(folder, 'gen-data --count 2000 --seed 1 -q -o train.air');
  await airOk(folder, 'train train.air --preset small --steps 20 --backend wasm --workers 1 -q -o m.safetensors');
  await leavingReader(folder);
  await slowReader(folder);
  await growth(folder);
  report.end();
});
