/** Locks: held once, and by nobody after their process has gone. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { join, resolve } from 'node:path';
import type { Writable } from 'node:stream';
import { test } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import { pathToFileURL } from 'node:url';
import { AirError } from '#air/errors.js';
import { writeFileAtomic } from '#air/io/atomic.js';
import { lockFile } from '#air/io/lock.js';
import { temporaryFor } from '#air/io/temporaries.js';
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
