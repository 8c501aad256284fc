/**
 * Disks that fill up while commands write, for real: a file system of a few kilobytes, and a limit on the size of files.
 *
 *   node .test/soak/full-disk.js        as root, who may mount; else the limit alone
 *
 * Whatever the size, a command either fits, or says in one line what did not, ends with 74, and leaves what was there.
 */
import { spawn, spawnSync } from 'node:child_process';
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { airOk } from '../support/air.js';
import { type Ended, ended } from '../support/child.js';
import { outputOf, prepareWriters, WRITERS } from '../support/writers.js';
import { inFolder } from './measure.js';
import { SoakReport } from './report.js';

const report = new SoakReport('full-disk', 'Full disks', 'node .test/soak/full-disk.js');
const AIR = `${JSON.stringify(process.execPath)} ${JSON.stringify(resolve('bin/air.js'))}`;
const mayMount = spawnSync('unshare', ['--mount', 'true']).status === 0;
/** KiB; the last is enough for all. */
const SIZES = [4, 16, 64, 256, 65536];

/** Runs air in a folder that holds so much and no more, with what stands there before put in and what stands there after taken out. */
function runIn(folder: string, kibibytes: number, line: string): Promise<Ended> {
  const script =
    `set -e; mount -t tmpfs -o size=${kibibytes}k,nr_inodes=200 tmpfs small; echo old > small/${outputOf(line)}; cd small; ` +
    `code=0; ${AIR} ${line} || code=$?; cd ..; mkdir after; cp -a small/. after; exit $code`;
  return ended(spawn('unshare', ['--mount', 'bash', '--norc', '-c', script], { cwd: folder }), '');
}

/** One line, and the way out below it; before it perhaps that a log begins again. */
const says = (stderr: string): boolean =>
  /^air [\w-]+: [^\n]+\n( {2}[^\n]+\n)?$/.test(stderr.replace(/^air train: m\.jsonl: begins again, .*\n/, ''));

type Tally = { full: number; fits: number; wrong: string[] };

function judge(tally: Tally, { code, stderr }: Ended, folder: string, line: string, where: string): void {
  const out = outputOf(line);
  const left = readdirSync(folder).filter((name) => name !== out);
  const isOld = readFileSync(join(folder, out), 'utf8') === 'old\n';
  if (code === 0 && !isOld && left.length === 0) tally.fits++;
  else if (code === 74 && isOld && says(stderr) && left.length === 0) tally.full++;
  else
    tally.wrong.push(
      `${where}: ${code}, ${isOld ? 'old' : 'new'}, left ${left.join(' ') || 'nothing'}: ${stderr.trim()}`,
    );
}

await inFolder(async (base) => {
  await prepareWriters(base);
  const rows: (string | number)[][] = [];
  const run = async (name: string, line: string) => {
    const from = line.replace(/(scenes\.air|latents\.air|m\.safetensors|scores\.json)/g, join(base, '$1'));
    const mounted: Tally = { full: 0, fits: 0, wrong: [] };
    const limited: Tally = { full: 0, fits: 0, wrong: [] };
    for (const size of SIZES) {
      const folder = join(base, 'here');
      const fresh = () => {
        rmSync(folder, { recursive: true, force: true });
        mkdirSync(join(folder, 'small'), { recursive: true });
      };
      if (mayMount) {
        fresh();
        judge(mounted, await runIn(folder, size, from), join(folder, 'after'), from, `a disk of ${size} KiB`);
      }
      fresh();
      writeFileSync(join(folder, 'small', outputOf(line)), 'old\n');
      const script = `ulimit -f ${size}; exec ${AIR} ${from}`;
      const end = await ended(spawn('bash', ['--norc', '-c', script], { cwd: join(folder, 'small') }), '');
      judge(limited, end, join(folder, 'small'), from, `files of ${size} KiB`);
    }
    for (const wrong of [...mounted.wrong, ...limited.wrong]) report.check(`${name}, ${wrong}`, false);
    rows.push([
      name,
      mounted.full,
      mounted.fits,
      limited.full,
      limited.fits,
      mounted.wrong.length + limited.wrong.length,
    ]);
  };
  for (const [name, line] of Object.entries(WRITERS)) {
    // a training finds an older model of its name: it has to be told what it is
    if (name !== 'train') await run(name, line);
  }
  report.table(['command', 'disk full', 'fits', 'file too large', 'fits', 'wrong'], rows);
  if (!mayMount) report.say('Nothing may be mounted here: disks were not filled, only files limited.\n');

  if (mayMount) await training(base);
  report.end();
});

/** A training on disks of growing sizes, each time from what the one before left: nothing is lost, and in the end it is the same model. */
async function training(base: string): Promise<void> {
  const line =
    `train ${join(base, 'scenes.air')} -o m.safetensors --preset small --steps 40 -b 8 --save-every 5 --preview-every 10 ` +
    '--previews shown --metrics m.jsonl --report-every 1 --backend wasm --workers 1 --no-provenance -q';
  const [whole, disk] = [join(base, 'whole'), join(base, 'disk')];
  mkdirSync(whole);
  mkdirSync(disk);
  await airOk(whole, line);
  const rows: (string | number)[][] = [];
  for (let size = 100; ; size = Math.ceil(1.3 * size)) {
    const script =
      `set -e; mkdir -p small left; mount -t tmpfs -o size=${size}k tmpfs small; cp -a left/. small/ || exit 99; cd small; ` +
      `code=0; ${AIR} ${line} || code=$?; cd ..; rm -rf left; cp -a small left; exit $code`;
    const { code, stderr } = await ended(
      spawn('unshare', ['--mount', 'bash', '--norc', '-c', script], { cwd: disk }),
      '',
    );
    if (code === 99) continue; // the copy of what is there has no room itself
    const left = readdirSync(join(disk, 'left'));
    rows.push([size, String(code), stderr.split('\n').find((said) => said.includes('writing')) ?? '', left.join(' ')]);
    report.check(`training on ${size} KiB: ends with ${code}`, code === 0 || (code === 74 && says(stderr)));
    if (code === 0) break;
  }
  report.table(['KiB', 'exit code', 'says', 'leaves'], rows);
  const [one, other] = [whole, join(disk, 'left')].map((folder) => readFileSync(join(folder, 'm.safetensors')));
  report.check('the model is that of a run on a large disk, byte for byte', one.equals(other));
  const steps = readFileSync(join(disk, 'left/m.jsonl'), 'utf8')
    .trim()
    .split('\n')
    .map((text) => JSON.parse(text).step);
  report.check('its log has every step once', steps.join() === Array.from({ length: 40 }, (_, k) => k + 1).join());
}
