/** What names of outputs stand for. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { AirError } from '#air/errors.js';
import { targetOf } from '#air/io/target.js';
import { freshFolder } from '../support/folder.js';

const kindOf = async (file: string) => (await targetOf(file)).kind;

test('names of our own descriptors stand for them, wherever they lead', async (t) => {
  const link = join(freshFolder(t), 'link');
  symlinkSync('/dev/stdout', link);
  for (const [name, fd] of [
    ['-', 1],
    ['/dev/stdin', 0],
    ['/dev/stdout', 1],
    ['/dev/stderr', 2],
    ['/dev/fd/7', 7],
    ['/proc/self/fd/12', 12],
    [link, 1],
  ] as const) {
    assert.deepEqual(await targetOf(name), { kind: 'descriptor', fd }, name);
  }
});

test('devices and FIFOs are streams; a file is a file in any folder, /dev/shm too', async (t) => {
  const folder = freshFolder(t);
  execFileSync('mkfifo', [join(folder, 'fifo')]);
  symlinkSync('fifo', join(folder, 'link'));
  assert.deepEqual(await targetOf('/dev/full'), { kind: 'stream', isFifo: false });
  for (const name of ['fifo', 'link']) {
    assert.deepEqual(await targetOf(join(folder, name)), { kind: 'stream', isFifo: true });
  }
  for (const name of [`/dev/shm/air-${process.pid}`, join(folder, 'new')]) {
    assert.deepEqual(await targetOf(name), { kind: 'file', path: name, old: undefined });
  }
});

test('links are followed to what they name, there or not', async (t) => {
  const folder = freshFolder(t);
  mkdirSync(join(folder, 'a/b'), { recursive: true });
  symlinkSync('a/b', join(folder, 'far'));
  symlinkSync('../model', join(folder, 'a/b/link')); // from a/b, and not from far
  symlinkSync(join(folder, 'far/link'), join(folder, 'first'));
  const isThere = async (name: string): Promise<boolean> => {
    const target = await targetOf(join(folder, name));
    assert.equal(target.kind, 'file');
    writeFileSync(target.path, '');
    return (await targetOf(join(folder, 'a/model'))).kind === 'file' && target.path.endsWith('far/../model');
  };
  assert.ok(await isThere('first'));
  const again = await targetOf(join(folder, 'first'));
  assert.ok(again.kind === 'file' && again.old !== undefined, 'the file that was just made is the one found');
});

test('what no file can be called is refused', async (t) => {
  const folder = freshFolder(t);
  writeFileSync(join(folder, 'file'), '');
  symlinkSync('loop', join(folder, 'loop'));
  symlinkSync('nowhere/', join(folder, 'slash'));
  for (const [name, message] of [
    ['', /is a folder/],
    ['new/', /there is no such folder, and a file has no \/ at its end/],
    ['slash', /there is no such folder, and a file has no \/ at its end/],
    ['file/', /not a directory/],
    ['file/x', /not a directory/],
    ['loop', /too many symbolic links/],
    ['x'.repeat(256), /name too long/],
  ] as const) {
    await assert.rejects(kindOf(`${folder}/${name}`), (error: unknown) => {
      assert.ok(error instanceof AirError && error.exitCode === 73, name);
      assert.match(error.message, message);
      return true;
    });
  }
  await assert.rejects(kindOf(''), { exitCode: 73 });
});
