/** A signal ends any command, wherever it waits: at once, with its exit code, and with nothing half written. */
import assert from 'node:assert/strict';
import { type ChildProcess, execFileSync } from 'node:child_process';
import { closeSync, constants, openSync, readdirSync, readlinkSync, realpathSync, writeFileSync } from 'node:fs';
import { watch } from 'node:fs/promises';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import { airOk } from '../support/air.js';
import { ended, startAir } from '../support/child.js';
import { freshFolder } from '../support/folder.js';

/** What is sent, and the exit code. Of different signals that come at once the system chooses the first. */
const SIGNALS = [
  [['SIGINT'], 130],
  [['SIGTERM'], 143],
  [['SIGHUP'], 129],
  [['SIGTERM', 'SIGTERM', 'SIGTERM'], 143],
] as const;

/** Each writes `out`, and reads stdin if it reads. */
const COMMANDS = [
  'gen-data --count inf',
  'gen-data --count inf --workers 2',
  'sample digits --count 1000000 --backend wasm',
  'infer digits - --backend wasm',
  'eval',
  'eval --model digits --backend wasm',
  'render',
  'export',
  'view',
];

/** Kills what would wait for ever, and so fails. */
function started(t: TestContext, args: readonly string[], cwd: string): ChildProcess {
  const child = startAir(args, cwd);
  const killed = setTimeout(() => child.kill('SIGKILL'), 60_000);
  t.after(() => clearTimeout(killed));
  return child;
}

for (const command of COMMANDS) {
  test(`air ${command}: a signal, or several`, async (t) => {
    const scenes = await airOk(freshFolder(t), 'gen-data --count 5 -q');
    for (const [signals, expected] of SIGNALS) {
      const folder = freshFolder(t);
      const appearing = watch(folder)[Symbol.asyncIterator]();
      const child = started(t, [...command.split(' '), '-o', 'out'], folder);
      const ending = ended(child);
      await appearing.next(); // the temporary
      child.stdin?.write(scenes.subarray(0, 5000)); // and then nothing
      for (const signal of signals) child.kill(signal);
      const { code, stderr } = await ending;
      await appearing.return?.();
      assert.equal(code, expected, signals.join());
      assert.equal(stderr, '');
      assert.deepEqual(readdirSync(folder), [], signals.join());
    }
  });
}

/** Waits until a process has a file open. */
async function hasOpened(child: ChildProcess, file: string): Promise<void> {
  const path = realpathSync(file);
  const leadsThere = (fd: string): boolean => {
    try {
      return readlinkSync(`/proc/${child.pid}/fd/${fd}`) === path;
    } catch {
      return false; // closed in the meantime
    }
  };
  while (
    child.exitCode === null &&
    child.signalCode === null &&
    !readdirSync(`/proc/${child.pid}/fd`).some(leadsThere)
  ) {
    await setImmediate();
  }
}

for (const line of ['view fifo', 'infer digits fifo', 'infer fifo scenes.air', 'check fifo', 'train fifo -o m']) {
  test(`air ${line}: a FIFO that nobody writes to, and one that says nothing`, async (t) => {
    for (const hasWriter of [false, true]) {
      const folder = freshFolder(t);
      const fifo = join(folder, 'fifo');
      execFileSync('mkfifo', [fifo]);
      const child = started(t, line.split(' '), folder);
      const ending = ended(child, '');
      await hasOpened(child, fifo);
      const writer = hasWriter ? openSync(fifo, constants.O_WRONLY | constants.O_NONBLOCK) : undefined;
      child.kill('SIGTERM');
      const { code, stderr } = await ending;
      assert.equal(code, 143);
      assert.equal(stderr, line.startsWith('train') ? 'air train: stopped while it waited for input\n' : '');
      assert.deepEqual(readdirSync(folder), ['fifo']);
      if (writer !== undefined) closeSync(writer);
    }
  });
}

test('a reader who leaves does not make a yes of a no', async (t) => {
  const folder = freshFolder(t);
  writeFileSync(join(folder, 'bad'), 'no');
  const seen = await airOk(folder, 'gen-data --count 20 --seed 3 --objects 2 -q');
  const latents = await (async () => {
    const child = startAir(['infer', 'digits', '--backend', 'wasm', '-q'], folder);
    return (await ended(child, seen)).stdout;
  })();
  for (const [line, input, message] of [
    ['check bad bad bad', '', /^air check: \d of (the first )?\d bad\n$/],
    ['eval --min-accuracy 1', latents, /^air eval: count accuracy \d\.\d+ is below 1\n$/],
  ] as const) {
    const child = startAir(line.split(' '), folder);
    child.stdout?.destroy();
    const { code, stderr } = await ended(child, input);
    assert.match(stderr, message);
    assert.equal(code, 1, line);
  }
});
