/** The world as commands see it: files, stdin, logs, digests. */
import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { AirError } from '#air/errors.js';
import { createIo, type Io } from '#air/io/io.js';
import type { Messages } from '#air/io/messages.js';
import { freshFolder } from '../support/folder.js';

function makeIo(): Io {
  const messages = {} as Messages;
  const signals = {
    interrupted: new AbortController().signal,
    exitCode: () => undefined,
    interruption: () => new AirError('interrupted', ''),
  };
  return createIo({ messages, signals, commandLine: 'air try' });
}

const withCode = (code: number) => (error: unknown) => error instanceof AirError && error.exitCode === code;

test('a text is read whole, uncompressed', async (t) => {
  const file = join(freshFolder(t), 'a');
  const text = 'é, 數字\n'.repeat(60_000);
  writeFileSync(file, gzipSync(text));
  assert.equal(await makeIo().readText(file), text);
});

test('of a text, no more is read than any has: a bomb does not fill the memory', async (t) => {
  const file = join(freshFolder(t), 'bomb.gz');
  const member = gzipSync(new Uint8Array(1 << 25));
  writeFileSync(file, Buffer.concat(Array.from({ length: 40 }, () => member)));
  const before = process.resourceUsage().maxRSS;
  await assert.rejects(
    makeIo().readText(file),
    /bomb\.gz: more than 268435456 bytes, expected a log, scores or settings/,
  );
  assert.ok(process.resourceUsage().maxRSS - before < 600_000, 'kB');
});

test('stdin is read once, whatever its name', () => {
  const io = makeIo();
  io.readBytes('-');
  assert.throws(() => io.readBytes('/dev/stdin'), withCode(64));
});

test('the files of a folder are listed in one order, whatever is no folder is not', async (t) => {
  const folder = freshFolder(t);
  const io = makeIo();
  for (const name of ['b', 'a10', 'a9', 'B', '.hidden']) writeFileSync(join(folder, name), '');
  await io.makeFolder(join(folder, 'inner'));
  symlinkSync('a9', join(folder, 'link'));
  assert.deepEqual(await io.listFolder(folder), ['.hidden', 'B', 'a10', 'a9', 'b', 'link']);
  assert.deepEqual(await io.listFolder(join(folder, 'inner')), []);
  assert.deepEqual([await io.listFolders(folder), await io.listFolders(join(folder, 'inner'))], [['inner'], []]);
  for (const none of [join(folder, 'a9'), join(folder, 'none'), join(folder, 'a9', 'x'), '-']) {
    assert.equal(await io.listFolder(none), undefined, none);
    assert.deepEqual(await io.listFolders(none), [], none);
  }
});

test('lines are added to a log', async (t) => {
  const folder = freshFolder(t);
  const io = makeIo();
  await io.appendFile(join(folder, 'log'), 'one\n');
  await io.appendFile(join(folder, 'log'), 'two\n');
  assert.equal(readFileSync(join(folder, 'log'), 'utf8'), 'one\ntwo\n');
  await assert.rejects(io.appendFile(join(folder, 'none', 'log'), 'x'), withCode(73));
  await assert.rejects(io.appendFile(folder, 'x'), withCode(73));
  await assert.rejects(io.appendFile('/dev/full', 'x'), withCode(74));
});

test('files come and go', async (t) => {
  const folder = freshFolder(t);
  const io = makeIo();
  const deep = join(folder, 'a', 'b');
  await io.makeFolder(deep);
  await io.makeFolder(deep);
  await io.writeFileAtomic(join(deep, 'x'), Buffer.from('x'));
  assert.equal(await io.exists(join(deep, 'x')), true);
  await io.remove(join(deep, 'x'));
  await io.remove(join(deep, 'x'));
  assert.equal(await io.exists(join(deep, 'x')), false);
  writeFileSync(join(folder, 'file'), '');
  await assert.rejects(io.makeFolder(join(folder, 'file')), withCode(73));
  await assert.rejects(io.makeFolder(join(folder, 'file', 'sub')), withCode(73));
});

test('what could not be written is refused before, and nothing is left of the question', async (t) => {
  const folder = freshFolder(t);
  const io = makeIo();
  writeFileSync(join(folder, 'file'), 'old');
  const asked = async () => {
    assert.equal(await io.checkOutput(join(folder, 'new')), 'file');
    assert.equal(await io.checkOutput(join(folder, 'file')), 'file');
    assert.equal(await io.checkOutput('/dev/null'), 'stream');
    await io.checkFolder(folder);
    await io.checkFolder(join(folder, 'a', 'b'));
    await assert.rejects(io.checkOutput(folder), withCode(73));
    await assert.rejects(io.checkOutput(join(folder, 'none', 'x')), withCode(73));
    await assert.rejects(io.checkOutput(join(folder, 'x'.repeat(256))), withCode(73));
    await assert.rejects(io.checkFolder(join(folder, 'file')), withCode(73));
    await assert.rejects(io.checkFolder(join(folder, 'file', 'x')), withCode(73));
    await assert.rejects(io.checkFolder(join(folder, 'x'.repeat(256))), withCode(73));
  };
  await asked();
  assert.deepEqual(readdirSync(folder), ['file']);
  assert.equal(readFileSync(join(folder, 'file'), 'utf8'), 'old');
});

test('a folder that can never be is refused', { skip: !existsSync('/proc/self') }, async () => {
  await assert.rejects(makeIo().makeFolder('/proc/x/y'), withCode(73));
});

test('sha256, whole and in pieces', () => {
  const io = makeIo();
  const bytes = Buffer.from('abc');
  const known = 'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad'; // FIPS 180-2, appendix B.1
  assert.equal(io.sha256(bytes), known);
  const hash = io.newHash();
  hash.update(bytes.subarray(0, 1));
  hash.update(bytes.subarray(1));
  assert.equal(hash.digest(), known);
});
