/**
 * Golden cases: what a person types and what comes back, to the letter.
 *
 *   test/cases/<command>/<name>/cmd      a bash script, run with pipefail in a fresh folder, `air` on the PATH; its first
 *                                        line is a comment that says what it shows
 *                              expout    its stdout; absent: nothing
 *                              experr    its stderr; absent: nothing
 *                              rc        its exit code; absent: 0
 *
 * $NODE is the Node that runs the tests, $FIXTURES the fixtures folder; $SHARED holds what many cases need and is made once by test/cases/prepare. In the expected
 * texts the fresh folder reads $TMP, the repository $REPO.
 *
 * `UPDATE=1 node --test .test/cases.test.js` writes what came back; read it with git diff before believing it. CASE=text runs only
 * the cases whose names contain it, CASE=text,text those with one of them.
 */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { after, before, describe, test } from 'node:test';

const CASES = resolve('test/cases');
const base = mkdtempSync(join(tmpdir(), 'air-cases-'));
const shared = join(base, 'shared');

type Outcome = { expout: string; experr: string; rc: string };

/** Runs a bash script the way a person's shell would, and gives what is compared. */
async function runScript(script: string, folder: string): Promise<Outcome> {
  const child = spawn('bash', ['--norc', '-o', 'pipefail', script], {
    cwd: folder,
    env: {
      PATH: `${join(base, 'bin')}:${process.env.PATH}`,
      HOME: folder,
      TMPDIR: folder,
      LC_ALL: 'C.UTF-8',
      TERM: 'dumb',
      FIXTURES: resolve('fixtures'),
      SHARED: shared,
      REPO: resolve('.'),
      NODE: process.execPath,
    },
    stdio: ['ignore', 'pipe', 'pipe'],
    timeout: 240_000,
  });
  const [out, err]: [Buffer[], Buffer[]] = [[], []];
  child.stdout.on('data', (chunk: Buffer) => out.push(chunk));
  child.stderr.on('data', (chunk: Buffer) => err.push(chunk));
  const [code, signal] = (await once(child, 'close')) as [number | null, string | null];
  const clean = (chunks: Buffer[]): string =>
    Buffer.concat(chunks)
      .toString()
      .replaceAll(folder, '$TMP')
      .replaceAll(shared, '$SHARED')
      .replaceAll(resolve('.'), '$REPO');
  return { expout: clean(out), experr: clean(err), rc: `${code ?? signal}\n` };
}

const ABSENT: Outcome = { expout: '', experr: '', rc: '0\n' };
const PARTS = ['rc', 'experr', 'expout'] as const;

function readExpected(folder: string): Outcome {
  const expected = { ...ABSENT };
  for (const part of PARTS) {
    if (existsSync(join(folder, part))) expected[part] = readFileSync(join(folder, part), 'utf8');
  }
  return expected;
}

function writeExpected(folder: string, outcome: Outcome): void {
  for (const part of PARTS) {
    if (outcome[part] === ABSENT[part]) rmSync(join(folder, part), { force: true });
    else writeFileSync(join(folder, part), outcome[part]);
  }
}

const names = readdirSync(CASES, { withFileTypes: true })
  .filter((entry) => entry.isDirectory())
  .flatMap(({ name }) => readdirSync(join(CASES, name)).map((one) => `${name}/${one}`))
  .filter((name) => (process.env.CASE ?? '').split(',').some((part) => name.includes(part)))
  .sort();

describe('cases', { concurrency: 2 }, () => {
  before(async () => {
    mkdirSync(join(base, 'bin'));
    mkdirSync(shared);
    const air = `#!/bin/sh\nexec ${JSON.stringify(process.execPath)} ${JSON.stringify(resolve('bin/air.js'))} "$@"\n`;
    writeFileSync(join(base, 'bin', 'air'), air, { mode: 0o755 });
    const { rc, experr } = await runScript(join(CASES, 'prepare'), shared);
    assert.equal(rc, '0\n', experr);
  });
  after(() => rmSync(base, { recursive: true, force: true }));

  for (const name of names) {
    test(name, async () => {
      const folder = mkdtempSync(join(base, 'case-'));
      const script = join(CASES, name, 'cmd');
      assert.match(readFileSync(script, 'utf8'), /^# \S/, 'the first line of cmd says what it shows');
      const outcome = await runScript(script, folder);
      assert.ok(
        !/[\0\ufffd]/.test(outcome.expout + outcome.experr),
        'a case prints text: send binary output elsewhere',
      );
      if (process.env.UPDATE) writeExpected(join(CASES, name), outcome);
      else assert.deepEqual(outcome, readExpected(join(CASES, name)));
    });
  }
});
