/**
 * Trainings killed with -9 at moments that a seed names, ended by signals and by --max-time: each goes on to the same bytes.
 *
 *   node .test/soak/kills.js [MOMENTS] [BACKEND,...]     20 unless told; wasm and, if it is there, tensorflow
 */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import type { BackendName } from '#air/backends/names.js';
import { airOk } from '../support/air.js';
import { ended } from '../support/child.js';
import {
  checkGoesOn,
  killed,
  type Moment,
  momentsOf,
  nameOf,
  prepare,
  RECIPES,
  resultOf,
  start,
  type Training,
  trainLine,
  watchModels,
} from '../support/kills.js';
import { inFolder } from './measure.js';
import { SoakReport } from './report.js';

const MOMENTS = Number(process.argv[2] ?? 20);
const SEED = 12;

/** wasm, and tensorflow where it works. */
async function backendsHere(folder: string): Promise<string[]> {
  if (process.argv[3] !== undefined) return process.argv[3].split(',');
  const all = JSON.parse(String(await airOk(folder, 'backends --json'))) as { name: BackendName; works: boolean }[];
  return all.filter(({ name, works }) => works && (name === 'wasm' || name === 'tensorflow')).map(({ name }) => name);
}

const report = new SoakReport(
  'kills',
  'Killed trainings',
  `node .test/soak/kills.js ${process.argv.slice(2).join(' ')}`,
);
const rows: (string | number)[][] = [];

/** One run per moment, killed there and begun again. */
async function soak(base: string, training: Training, moments: readonly Moment[]): Promise<void> {
  const name = Object.values(training).join('-');
  const line = trainLine(training);
  const wholeFolder = join(base, name);
  const { code, stderr } = await ended(start(wholeFolder, line), '');
  assert.equal(code, 0, stderr);
  const whole = resultOf(wholeFolder);
  const tally = { kills: 0, late: 0, loads: 0, broken: [] as string[] };
  for (const [k, moment] of moments.entries()) {
    const folder = join(base, `${name}-${k}`);
    try {
      const { result, loads } = await watchModels(folder, async () => {
        const end = await killed(folder, line, moment, 'SIGKILL');
        await checkGoesOn(folder, line, whole);
        return end;
      });
      tally.loads += loads;
      if (result.signal === 'SIGKILL') tally.kills++;
      else tally.late++;
    } catch (error) {
      tally.broken.push(`${nameOf(moment)}: ${(error as Error).message}`);
    }
  }
  for (const one of tally.broken) report.check(`${name}, ${one}`, false);
  rows.push([...Object.values(training), tally.kills, tally.late, tally.loads, tally.broken.length]);
  process.stdout.write(`${rows.at(-1)?.join(' ')}\n`);
}

/** Ended by each signal at some moment, and by --max-time again and again. */
async function soakSignals(base: string, training: Training): Promise<void> {
  const line = trainLine(training);
  const whole = resultOf(join(base, Object.values(training).join('-')));
  const codes = { SIGINT: 130, SIGTERM: 143, SIGHUP: 129 } as const;
  for (const [signal, code] of Object.entries(codes)) {
    for (const moment of momentsOf(SEED + code, 9).filter(({ at }) => at !== 'save')) {
      const folder = join(base, `${signal}-${nameOf(moment).replaceAll(' ', '-')}`);
      const end = await killed(folder, line, moment, signal as NodeJS.Signals);
      // before it listens a signal ends it as it ends any program; in its last moments the work is done
      const isRight = end.code === code || end.signal === signal || end.code === 0;
      const same = await checkGoesOn(folder, line, whole).then(
        () => true,
        (error: Error) => error.message,
      );
      report.check(
        `${signal}, ${nameOf(moment)}: ${end.code ?? end.signal}, goes on: ${same}`,
        isRight && same === true,
      );
    }
  }
  const folder = join(base, 'max-time');
  let sittings = 0;
  for (;;) {
    const { code } = await ended(start(folder, `${line} --max-time 2s`), '');
    sittings++;
    if (code !== 75) break;
  }
  report.check(`--max-time 2s, ${sittings} times`, await checkGoesOn(folder, line, whole).then(() => true));
}

await inFolder(async (base) => {
  await prepare(base);
  for (const backend of await backendsHere(base)) {
    const moments = momentsOf(SEED, MOMENTS);
    for (const estimator of ['enumerate', 'nvil']) {
      // only wasm has threads
      for (const workers of backend === 'wasm' ? [1, 2, 3] : [1]) {
        await soak(base, { recipe: 'small', backend, estimator, workers }, moments);
      }
      const some = moments.slice(0, Math.ceil(MOMENTS / 4));
      await soak(base, { recipe: 'digits', backend, estimator, workers: 2 }, some);
    }
    await soakSignals(base, { recipe: 'small', backend, estimator: 'enumerate', workers: 1 });
  }
  const of = Object.entries(RECIPES).map(([name, options]) => `${name}: \`${options}\``);
  report.say(`\nRecipes: ${of.join('; ')}.\n`);
  report.table(
    ['recipe', 'backend', 'estimator', 'threads', 'killed', 'done before', 'files loaded meanwhile', 'broken'],
    rows,
  );
  report.end();
});
