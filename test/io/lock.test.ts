/** Locks: held once, and by nobody after their process has gone. */
import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  chmodSync,
  existsSync,
  linkSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { hostname } from 'node:os';
import { join, relative, resolve } from 'node:path';
import type { Writable } from 'node:stream';
import { test } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import { pathToFileURL } from 'node:url';
import { AirError } from '#air/errors.js';
import { writeFileAtomic } from '#air/io/atomic.js';
import { lockFile } from '#air/io/lock.js';
import { temporaryFor } from '#air/io/temporaries.js';
import { asNobody, built, ended, startScript } from '../support/child.js';
import { freshFolder } from '../support/folder.js';

const inUse = (error: unknown): boolean => error instanceof AirError && error.exitCode === 73;

const holder = `
  const { lockFile } = await import(${JSON.stringify(pathToFileURL(resolve('dist/io/lock.js')).href)});
  try {
    await lockFile(process.argv[1]);
    process.stdout.write('held\\n');
    process.stdin.resume();
  } catch (error) {
    process.stdout.write(error.message + '\\n');
  }`;

test('a lock is held once, and free again after its release', async (t) => {
  const file = join(freshFolder(t), 'model');
  const release = await lockFile(file);
  assert.match(readFileSync(`${file}.lock`, 'utf8'), new RegExp(`^${process.pid} `));
  await assert.rejects(lockFile(file), inUse);
  await release();
  assert.ok(!existsSync(`${file}.lock`));
  await (await lockFile(file))();
});

test('the lock of a live process is respected, that of a killed one taken over', async (t) => {
  const folder = freshFolder(t);
  const file = join(folder, 'model');
  const child = spawn(process.execPath, ['--input-type=module', '-e', holder, file], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  const ended = once(child, 'exit');
  const [line] = await once(child.stdout, 'data');
  assert.equal(String(line), 'held\n');
  await assert.rejects(lockFile(file), (error: unknown) => {
    assert.ok(error instanceof AirError);
    assert.equal(error.message, `${file}: another run (process ${child.pid}) is writing it`);
    assert.match(error.hint ?? '', /remove .*model\.lock/);
    return true;
  });
  child.kill('SIGKILL');
  await ended;
  const release = await lockFile(file);
  await release();
  assert.deepEqual(readdirSync(folder), []);
});

test('a pid that another process has got since does not hold the lock', async (t) => {
  const file = join(freshFolder(t), 'model');
  writeFileSync(`${file}.lock`, `${process.pid} 1 ${hostname()}\n`); // our pid, but started at another time
  await (await lockFile(file))();
});

test('a killed process that nobody has buried holds nothing, as in containers without an init', async (t) => {
  const file = join(freshFolder(t), 'model');
  // A shell starts `cat` and turns into `sleep`, which does not know that it has a child to bury.
  const parent = spawn('bash', ['--norc', '-c', 'cat <&3 & echo $!; exec sleep 600 3<&-'], {
    stdio: ['ignore', 'pipe', 'inherit', 'pipe'],
  });
  t.after(() => parent.kill('SIGKILL'));
  const pid = String((await once(parent.stdout as NodeJS.ReadableStream, 'data'))[0]).trim();
  const statOf = (process: string | number | undefined): string => readFileSync(`/proc/${process}/stat`, 'utf8');
  while (!statOf(parent.pid).includes('(sleep)')) await setImmediate();
  (parent.stdio[3] as Writable).end();
  while (!statOf(pid).includes(') Z ')) await setImmediate();
  const fields = statOf(pid).split(') ')[1].split(' ');
  writeFileSync(`${file}.lock`, `${pid} ${fields[19]} ${hostname()}\n`);
  await (await lockFile(file))();
});

test('a lock from another machine, or one without an owner yet, is left alone', async (t) => {
  const file = join(freshFolder(t), 'model');
  writeFileSync(`${file}.lock`, `1 1 not-${hostname()}\n`);
  await assert.rejects(lockFile(file), /process 1 on not-/);
  writeFileSync(`${file}.lock`, '');
  await assert.rejects(lockFile(file), inUse);
});

test('an owner that was killed before it could say its name holds nothing for long', async (t) => {
  const folder = freshFolder(t);
  const file = join(folder, 'model');
  for (const text of ['', '\0\0\0\0']) {
    writeFileSync(`${file}.lock`, text);
    const longAgo = Date.now() / 1000 - 60;
    utimesSync(`${file}.lock`, longAgo, longAgo);
    await (await lockFile(file))();
    assert.deepEqual(readdirSync(folder), []);
  }
});

test('a lock is there with its owner, or not at all', async (t) => {
  const folder = freshFolder(t);
  const file = join(folder, 'model');
  const release = await lockFile(file, (from, to) => {
    assert.equal(existsSync(to), false);
    assert.match(readFileSync(from, 'utf8'), new RegExp(`^${process.pid} \\S+ \\S+\n$`));
    linkSync(from, to);
  });
  assert.deepEqual(readdirSync(folder), ['model.lock']);
  await release();
});

test('kill -9 at any moment leaves no lock that is held for ever', async (t) => {
  const folder = freshFolder(t);
  const file = join(folder, 'model');
  const script = `
    const { lockFile } = await import(${JSON.stringify(pathToFileURL(resolve('dist/io/lock.js')).href)});
    for (;;) {
      await (await lockFile(process.argv[1]))();
      process.stdout.write('.');
    }`;
  for (let round = 0; round < 8; round++) {
    const child = spawn(process.execPath, ['--input-type=module', '-e', script, file], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const ended = once(child, 'exit');
    for (let i = 0; i <= round; i++) await once(child.stdout, 'data');
    child.kill('SIGKILL');
    await ended;
    await (await lockFile(file))();
    assert.deepEqual(readdirSync(folder), []);
  }
});

test('where a file can have one name only, a lock is held all the same', async (t) => {
  const folder = freshFolder(t);
  const file = join(folder, 'model');
  const noLinks = (): never => {
    throw Object.assign(new Error('EPERM'), { code: 'EPERM', errno: -1 });
  };
  const release = await lockFile(file, noLinks);
  assert.deepEqual(readdirSync(folder), ['model.lock']);
  await assert.rejects(lockFile(file, noLinks), inUse);
  await assert.rejects(lockFile(file), inUse);
  await release();
  assert.deepEqual(readdirSync(folder), []);
});

test('all links to a file, and all its names, have one lock', async (t) => {
  const folder = freshFolder(t);
  const file = join(folder, 'model');
  symlinkSync('model', join(folder, 'one'));
  symlinkSync(join(folder, 'one'), join(folder, 'two'));
  symlinkSync('.', join(folder, 'here'));
  const release = await lockFile(join(folder, 'two'));
  assert.ok(existsSync(`${file}.lock`));
  for (const name of ['model', 'one', './model', 'here/model', 'here/two']) {
    await assert.rejects(lockFile(`${folder}/${name}`), inUse, name);
  }
  await assert.rejects(lockFile(relative('.', file)), inUse);
  await release();
});

test('a lock that does not say whose it is: said, at once', async (t) => {
  const folder = freshFolder(t);
  const file = join(folder, 'model');
  const refused = async (message: RegExp): Promise<void> => {
    await assert.rejects(lockFile(file), (error: unknown) => {
      assert.ok(inUse(error));
      assert.match((error as AirError).message, message);
      assert.match((error as AirError).hint ?? '', /^if that run is gone, remove .*model\.lock$/);
      return true;
    });
    rmSync(`${file}.lock`, { recursive: true });
  };
  mkdirSync(`${file}.lock`);
  await refused(/model: its lock .*model\.lock is not a file$/);
  symlinkSync('nowhere', `${file}.lock`);
  await refused(/is not a file$/);
  execFileSync('mkfifo', [`${file}.lock`]);
  await refused(/is not a file$/);
  writeFileSync(`${file}.lock`, '1 1 x\n', { mode: 0 });
  chmodSync(folder, 0o777);
  const child = startScript(asNobody(`import(${JSON.stringify(built('io/lock.js'))})`, 'lockFile'), file);
  const { stdout } = await ended(child, '');
  assert.match(stdout.toString(), /^73 .*model: another run may be writing it: .*model\.lock: permission denied$/);
});

test('nothing can be locked in a folder that may not be written', async (t) => {
  const folder = freshFolder(t);
  chmodSync(folder, 0o555);
  const child = startScript(
    asNobody(`import(${JSON.stringify(built('io/lock.js'))})`, 'lockFile'),
    join(folder, 'model'),
  );
  assert.match((await ended(child, '')).stdout.toString(), /^73 .*model: permission denied$/);
});

test('a stale lock is taken away by the one who holds its own lock', async (t) => {
  const folder = freshFolder(t);
  const file = join(folder, 'model');
  const dead = `${2 ** 22 + 1} 1 ${hostname()}\n`;
  writeFileSync(`${file}.lock`, dead);
  const release = await lockFile(`${file}.lock`);
  await assert.rejects(lockFile(file), inUse);
  assert.equal(readFileSync(`${file}.lock`, 'utf8'), dead);
  await release();
  writeFileSync(`${file}.lock.lock`, dead); // of one that was killed while it did so
  await (await lockFile(file))();
  assert.deepEqual(readdirSync(folder), []);
});

test('of many runs that find the same stale lock, one gets it', async (t) => {
  const folder = freshFolder(t);
  const file = join(folder, 'model');
  writeFileSync(`${file}.lock`, `${2 ** 22 + 1} 1 ${hostname()}\n`); // above the kernel's largest pid
  const children = Array.from({ length: 4 }, () =>
    spawn(process.execPath, ['--input-type=module', '-e', holder, file], { stdio: ['pipe', 'pipe', 'inherit'] }),
  );
  const lines = await Promise.all(children.map(async (child) => String((await once(child.stdout, 'data'))[0])));
  assert.equal(lines.filter((line) => line === 'held\n').length, 1, lines.join(''));
  for (const child of children) child.stdin.end();
  await Promise.all(children.map((child) => child.exitCode ?? once(child, 'exit')));
});

test('a lock that could not be written is removed again', async (t) => {
  const folder = freshFolder(t);
  // No file may grow: it is created, and writing it fails.
  const script = `trap '' XFSZ; ulimit -f 0; exec "$0" --input-type=module -e "$1" -- "$2"`;
  const child = spawn('bash', ['--norc', '-c', script, process.execPath, holder, join(folder, 'model')], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  const [line] = await once(child.stdout, 'data');
  assert.match(String(line), /model: file too large/);
  assert.deepEqual(readdirSync(folder), []);
});

test('what killed runs left half written goes when the lock is taken or the file is written next', async (t) => {
  const folder = freshFolder(t);
  const dead = (file: string): string =>
    temporaryFor(join(folder, file)).replace(`-${process.pid}-`, `-${2 ** 22 + 1}-`);
  const foreign = (file: string): string => dead(file).replace(`.${hostname()}-`, `.not-${hostname()}-`);
  const stays = [
    temporaryFor(join(folder, 'model')), // ours, being written
    foreign('model'),
    dead('other'),
    dead('model2'),
    join(folder, '.model.swp'),
  ];
  const names = (files: readonly string[]): string[] => files.map((file) => file.slice(folder.length + 1)).sort();
  for (const file of [...stays, dead('model'), dead('model.state')]) writeFileSync(file, 'half');

  await writeFileAtomic(join(folder, 'model'), Buffer.from('whole'));
  assert.equal(readdirSync(folder).length, stays.length + 2, "without the lock, only the file's own");
  symlinkSync('model', join(folder, 'link'));
  await (await lockFile(join(folder, 'link')))();
  assert.deepEqual(readdirSync(folder).sort(), [...names(stays), 'model', 'link'].sort());
});
