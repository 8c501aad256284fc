/** A run that is stopped, by a person or by a crash, goes on with the same command and ends with the same bytes. */
import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { watch } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { type TestContext, test } from 'node:test';
import { type Ended, ended } from '../../support/child.js';
import { freshFolder } from '../../support/folder.js';

const AIR = `${JSON.stringify(process.execPath)} ${JSON.stringify(resolve('bin/air.js'))}`;
const TRAIN = `${AIR} gen-data --count inf --seed 5 -q 2> gen-data.err |
  ${AIR} train --preset small --steps 120 --batch-size 32 --save-every 2 --backend wasm --no-provenance -q -o m.safetensors`;

/** Starts the pipe in a process group of its own, as a shell does, and says how its commands ended. */
function start(folder: string): ChildProcess {
  const script = `trap : INT TERM HUP; ${TRAIN}; echo "\${PIPESTATUS[@]}"`;
  return spawn('bash', ['--norc', '-c', script], { cwd: folder, detached: true, stdio: ['ignore', 'pipe', 'pipe'] });
}

/** Sends a signal to all of the pipe as soon as there is a state to go on from. */
async function stopOnceSaved(folder: string, signal: NodeJS.Signals): Promise<Ended> {
  const changes = watch(folder);
  const child = start(folder);
  const ending = ended(child);
  for await (const { filename } of changes) if (filename === 'm.safetensors.state') break;
  process.kill(-(child.pid as number), signal);
  return ending;
}

async function runWhole(t: TestContext): Promise<Buffer> {
  const folder = freshFolder(t);
  const { stdout, stderr } = await ended(start(folder));
  assert.equal(stdout.toString(), '0 0\n', stderr);
  return readFileSync(join(folder, 'm.safetensors'));
}

test('stopped by Ctrl-C, SIGTERM, SIGHUP and kill -9, and started again each time', async (t) => {
  const folder = freshFolder(t);
  for (const [signal, codes] of [
    ['SIGINT', '130 130\n'],
    ['SIGTERM', '143 143\n'],
    ['SIGHUP', '129 129\n'],
    ['SIGKILL', ''],
  ] as const) {
    const { stdout, stderr } = await stopOnceSaved(folder, signal);
    assert.equal(stdout.toString(), codes, stderr);
    assert.ok(!existsSync(join(folder, 'm.safetensors')), 'a model that is not done has no name');
    assert.ok(existsSync(join(folder, 'm.safetensors.state')));
    if (signal !== 'SIGKILL') {
      assert.deepEqual(readdirSync(folder).sort(), ['gen-data.err', 'm.safetensors.state'], 'no temporaries, no lock');
      assert.match(stderr, /air train: .*stopped.*saved/);
    }
    assert.equal(readFileSync(join(folder, 'gen-data.err'), 'utf8'), '');
  }
  const { stdout, stderr } = await ended(start(folder));
  assert.equal(stdout.toString(), '0 0\n', stderr);
  const whole = await runWhole(t);
  assert.ok(readFileSync(join(folder, 'm.safetensors')).equals(whole), 'the same bytes as without interruption');
  assert.ok(!existsSync(join(folder, 'm.safetensors.state')));
});
