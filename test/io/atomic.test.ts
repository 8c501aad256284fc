/** Files that are whole or not there, whatever happens while they are written. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  chmodSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join, resolve } from 'node:path';
import { afterEach, test } from 'node:test';
import { pathToFileURL } from 'node:url';
import { AirError } from '#air/errors.js';
import {
  createAtomicFile,
  nodeSavePort,
  removeLeftovers,
  type SaveHandle,
  type SavePort,
  writeFileAtomic,
} from '#air/io/atomic.js';
import { asNobody, built, ended, startScript } from '../support/child.js';
import { freshFolder } from '../support/folder.js';

const STEPS = ['create', 'write', 'sync', 'close', 'rename', 'syncFolder'] as const;
type Step = (typeof STEPS)[number];

const old = Buffer.from('old');
const fresh = Buffer.from('new');

class Stopped extends Error {}

/** Handles that a fault may have left open; the end of a process would close them. */
const opened: SaveHandle[] = [];
afterEach(async () => {
  for (const handle of opened.splice(0)) await handle.close().catch(() => {});
});

/**
 * The real port, except that `failAt` throws instead of doing its work. With `dead` nothing after that works any more,
 * cleaning up included, as if the process had been killed there.
 */
function faultyPort(failAt: Step | undefined, error: Error, log: Step[], dead = false): SavePort {
  let isDead = false;
  const step = async <T>(name: Step, work: () => Promise<T>): Promise<T> => {
    if (isDead) throw new Stopped();
    log.push(name);
    if (name === failAt) {
      isDead = dead;
      throw error;
    }
    return work();
  };
  return {
    checkWritable: nodeSavePort.checkWritable,
    create: (file, mode) =>
      step('create', async () => {
        const handle = await nodeSavePort.create(file, mode);
        opened.push(handle);
        return {
          write: (bytes) => step('write', () => handle.write(bytes)),
          sync: () => step('sync', () => handle.sync()),
          close: () => step('close', () => handle.close()),
        };
      }),
    rename: (from, to) => step('rename', () => nodeSavePort.rename(from, to)),
    syncFolder: (folder) => step('syncFolder', () => nodeSavePort.syncFolder(folder)),
    async remove(file) {
      if (isDead) throw new Stopped();
      await nodeSavePort.remove(file);
    },
  };
}

test('a file is synced before it gets its name, and the folder after', async (t) => {
  const file = join(freshFolder(t), 'model');
  const log: Step[] = [];
  await writeFileAtomic(file, fresh, faultyPort(undefined, new Error(), log));
  assert.deepEqual(log, [...STEPS]);
  assert.deepEqual(readFileSync(file), fresh);
});

for (const hadOld of [true, false]) {
  for (const failAt of STEPS) {
    const before = hadOld ? 'over an old file' : 'where there was none';
    test(`a full disk at ${failAt}, ${before}: the old one or the new one, and nothing else`, async (t) => {
      const folder = freshFolder(t);
      const file = join(folder, 'model');
      if (hadOld) writeFileSync(file, old);
      const full = Object.assign(new Error('ENOSPC: no space left on device'), { code: 'ENOSPC', errno: -28 });
      await assert.rejects(writeFileAtomic(file, fresh, faultyPort(failAt, full, [])), (error: unknown) => {
        assert.ok(error instanceof AirError);
        assert.equal(error.exitCode, 74);
        assert.match(error.message, /model: .*no space left on device/);
        return true;
      });
      if (failAt === 'syncFolder') assert.deepEqual(readFileSync(file), fresh);
      else if (hadOld) assert.deepEqual(readFileSync(file), old);
      assert.deepEqual(readdirSync(folder), hadOld || failAt === 'syncFolder' ? ['model'] : []);
    });

    test(`stopped at ${failAt}, ${before}: the old one or the new one`, async (t) => {
      const folder = freshFolder(t);
      const file = join(folder, 'model');
      if (hadOld) writeFileSync(file, old);
      await assert.rejects(writeFileAtomic(file, fresh, faultyPort(failAt, new Stopped(), [], true)));
      const found = readdirSync(folder).includes('model') ? readFileSync(file, 'utf8') : undefined;
      assert.equal(found, failAt === 'syncFolder' ? 'new' : hadOld ? 'old' : undefined);
      removeLeftovers();
    });
  }
}

test('kill -9 at any moment leaves one whole file or the other', async (t) => {
  const folder = freshFolder(t);
  const file = join(folder, 'state');
  const module = pathToFileURL(resolve('dist/io/atomic.js')).href;
  const script = `
    const { writeFileAtomic } = await import(${JSON.stringify(module)});
    for (let i = 0; ; i++) {
      await writeFileAtomic(${JSON.stringify(file)}, Buffer.alloc(300000, 97 + (i % 2)));
      process.stdout.write('.');
    }`;
  for (let round = 0; round < 8; round++) {
    const child = spawn(process.execPath, ['--input-type=module', '-e', script], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const ended = once(child, 'exit');
    for (let i = 0; i <= round; i++) await once(child.stdout, 'data');
    child.kill('SIGKILL');
    await ended;
    const bytes = readFileSync(file);
    assert.equal(bytes.length, 300000);
    assert.ok(bytes.every((byte) => byte === bytes[0]));
  }
});

test('nothing is under the name until commit, and nothing at all after abort', async (t) => {
  const folder = freshFolder(t);
  const saving = await createAtomicFile(join(folder, 'x'));
  await saving.write(fresh);
  assert.ok(!readdirSync(folder).includes('x'));
  assert.equal(readdirSync(folder).length, 1);
  await saving.abort();
  assert.deepEqual(readdirSync(folder), []);
});

test('temporaries of a process that ends are removed', async (t) => {
  const folder = freshFolder(t);
  const saving = await createAtomicFile(join(folder, 'x'));
  await saving.write(fresh);
  removeLeftovers();
  assert.deepEqual(readdirSync(folder), []);
  await saving.abort();
});

test('the target of a symbolic link is replaced, not the link; permissions stay', async (t) => {
  const folder = freshFolder(t);
  writeFileSync(join(folder, 'target'), old);
  chmodSync(join(folder, 'target'), 0o640);
  symlinkSync('target', join(folder, 'link'));
  await writeFileAtomic(join(folder, 'link'), fresh);
  assert.deepEqual(readFileSync(join(folder, 'target')), fresh);
  assert.equal(statSync(join(folder, 'target')).mode & 0o777, 0o640);
  assert.deepEqual(readdirSync(folder).sort(), ['link', 'target']);
});

test('a link to a file that is not there yet stays a link', async (t) => {
  const folder = freshFolder(t);
  symlinkSync('target', join(folder, 'link'));
  await writeFileAtomic(join(folder, 'link'), fresh);
  assert.deepEqual(readFileSync(join(folder, 'target')), fresh);
  assert.ok(lstatSync(join(folder, 'link')).isSymbolicLink());
});

test('a file that may not be written is not replaced', async (t) => {
  const folder = freshFolder(t);
  const file = join(folder, 'model');
  writeFileSync(file, old, { mode: 0o444 });
  chmodSync(folder, 0o777);
  const child = startScript(
    asNobody(`import(${JSON.stringify(built('io/atomic.js'))})`, 'writeFileAtomic', ", Buffer.from('new')"),
    file,
  );
  assert.match((await ended(child, '')).stdout.toString(), /^73 .*model: permission denied$/);
  assert.deepEqual(readFileSync(file), old);
  assert.deepEqual(readdirSync(folder), ['model']);
});

test('any name that a file can have will do', async (t) => {
  const folder = freshFolder(t);
  for (const name of ['€'.repeat(85), '𝒜'.repeat(63), 'x'.repeat(255), ' ', '\\', "'\n'", '-o']) {
    await writeFileAtomic(join(folder, name), fresh);
    assert.deepEqual(readdirSync(folder), [name]);
    rmSync(join(folder, name));
  }
});

test('what cannot be created is refused with 73', async (t) => {
  const folder = freshFolder(t);
  mkdirSync(join(folder, 'sub'));
  const refused = (error: unknown): boolean => error instanceof AirError && error.exitCode === 73;
  await assert.rejects(createAtomicFile(join(folder, 'none', 'x')), refused);
  await assert.rejects(createAtomicFile(join(folder, 'sub')), refused);
});
