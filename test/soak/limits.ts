/**
 * What a system may refuse: files in a folder that is read-only, a place for temporaries, more open files, more memory.
 *
 *   node .test/soak/limits.js        as root, who may mount; else without read-only folders
 *
 * Each command works under it, or says in one line what it lacks.
 */
import { spawn, spawnSync } from 'node:child_process';
import { mkdirSync, readdirSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { type Ended, ended } from '../support/child.js';
import { outputOf, prepareWriters, WRITERS } from '../support/writers.js';
import { inFolder } from './measure.js';
import { SoakReport } from './report.js';

const report = new SoakReport('limits', 'Limits of the system', 'node .test/soak/limits.js');
const NODE = JSON.stringify(process.execPath);
const AIR = `${NODE} ${JSON.stringify(resolve('bin/air.js'))}`;

/** What is done in the shell before; the exit codes that are right when it does not work. */
const LIMITS: { readonly [name: string]: { before: string; codes: readonly number[] } } = {
  'TMPDIR that is not there': { before: 'export TMPDIR=/nowhere', codes: [] },
  '20 open files': { before: 'ulimit -n 20', codes: [74] },
  '40 open files': { before: 'ulimit -n 40', codes: [74] },
  '256 open files': { before: 'ulimit -n 256', codes: [] },
  '1 GB of addresses': { before: 'ulimit -v 1000000', codes: [69] },
  '4 GB of addresses': { before: 'ulimit -v 4000000', codes: [69] },
  '14 GB of addresses': { before: 'ulimit -v 14000000', codes: [69] },
  'a folder that is read-only': { before: 'mount --bind -o ro out out && cd out', codes: [73] },
};

const run = (folder: string, script: string, isMounting: boolean): Promise<Ended> => {
  const [program, ...first] = isMounting ? ['unshare', '--mount', 'bash'] : ['bash'];
  return ended(spawn(program, [...first, '--norc', '-c', script], { cwd: folder }), '');
};

await inFolder(async (base) => {
  await prepareWriters(base);
  mkdirSync(join(base, 'out'));
  const mayMount = spawnSync('unshare', ['--mount', 'true']).status === 0;
  const rows: string[][] = [];
  for (const [limit, { before, codes }] of Object.entries(LIMITS)) {
    const isMounting = before.startsWith('mount');
    if (isMounting && !mayMount) {
      report.say(`- not looked at: ${limit}, nothing may be mounted here`);
      continue;
    }
    const bare = await run(base, `${before}; ${NODE} -e 0`, isMounting);
    const row: string[] = [];
    for (const [name, line] of Object.entries(WRITERS)) {
      const out = outputOf(line);
      const from = line.replace(/(scenes\.air|latents\.air|m\.safetensors|scores\.json)/g, join(base, '$1'));
      const { code, signal, stderr } = await run(
        base,
        `${before}; exec ${AIR} ${from.replace(out, isMounting ? out : `out/${out}`)}`,
        isMounting,
      );
      const isClear = codes.includes(code ?? -1) && /^air[^\n]*: [^\n]+\n( {2}[^\n]+\n)?$/.test(stderr);
      const isNode = bare.code !== 0 || /Native stack trace|JS stacktrace|Fatal|bad_alloc/.test(stderr);
      row.push(code === 0 ? '0' : isClear ? `${code}` : isNode ? 'Node fails' : `**${code ?? signal}**`);
      if (code !== 0 && !isClear && !isNode)
        report.check(`${limit}, air ${name}: ${stderr.trim().slice(0, 300)}`, false);
      const left = readdirSync(join(base, 'out')).filter((one) => /tmp|lock/.test(one));
      if (!isNode && left.length > 0) report.check(`${limit}, air ${name} leaves ${left.join(' ')}`, false);
      await run(base, 'rm -rf out/* out/.[!.]*', false);
    }
    rows.push([limit, ...row]);
    process.stdout.write(`${rows.at(-1)?.join(' ')}\n`);
  }
  report.say(
    '\nExit codes; 0: it works all the same. "Node fails": it ends by itself before or below anything of ours.\n',
  );
  report.table(['', ...Object.keys(WRITERS)], rows);
  report.end();
});
