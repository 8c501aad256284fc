/** Inputs: files, stdin, gzip, and what is wrong with them. */
import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import { gzipSync } from 'node:zlib';
import { AirError } from '#air/errors.js';
import { readInput } from '#air/io/input.js';
import { built } from '../support/child.js';
import { freshFolder } from '../support/folder.js';

const data = Buffer.from(Array.from({ length: 700_000 }, (_, i) => (i * 31 + (i >> 8)) & 0xff));

function fileWith(t: TestContext, bytes: Uint8Array): string {
  const file = join(freshFolder(t), 'file');
  writeFileSync(file, bytes);
  return file;
}

async function readAll(file: string): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of readInput(file)) chunks.push(chunk);
  return Buffer.concat(chunks);
}

const fails = (code: number, message: RegExp) => (error: unknown) => {
  assert.ok(error instanceof AirError, String(error));
  assert.match(error.message, message);
  assert.equal(error.exitCode, code);
  return true;
};

for (const [what, bytes] of [
  ['a file', data],
  ['an empty file', Buffer.alloc(0)],
  ['a file of one byte, the first of gzip', Buffer.from([0x1f])],
] as const) {
  test(`${what} is read as it is`, async (t) => assert.deepEqual(await readAll(fileWith(t, bytes)), bytes));
}

test('gzip is undone', async (t) => assert.deepEqual(await readAll(fileWith(t, gzipSync(data))), data));

test('gzip files joined by cat are one', async (t) => {
  const joined = Buffer.concat([gzipSync(data), gzipSync(Buffer.from('more'))]);
  assert.deepEqual(await readAll(fileWith(t, joined)), Buffer.concat([data, Buffer.from('more')]));
});

test('every cut of a gzip file is found', async (t) => {
  const whole = gzipSync(Buffer.from('a few words, a few words'));
  for (let length = 2; length < whole.length; length++) {
    await assert.rejects(readAll(fileWith(t, whole.subarray(0, length))), fails(65, /damaged gzip data/), `${length}`);
  }
});

test('a changed byte of the checksum of a gzip file is found', async (t) => {
  const damaged = gzipSync(data);
  damaged[damaged.length - 6] ^= 1;
  await assert.rejects(readAll(fileWith(t, damaged)), fails(65, /file: damaged gzip data: incorrect data check/));
});

test('garbage after gzip data is found', async (t) => {
  const file = fileWith(t, Buffer.concat([gzipSync(data), Buffer.from('garbage')]));
  await assert.rejects(readAll(file), fails(65, /damaged gzip data/));
});

test('zeros after gzip data pad it, and nothing may come behind them', async (t) => {
  const member = gzipSync(data);
  for (const zeros of [1, 511, 2 * 256 * 1024]) {
    const padded = Buffer.concat([member, Buffer.alloc(zeros)]);
    assert.deepEqual(await readAll(fileWith(t, padded)), data);
    for (const behind of [gzipSync(Buffer.from('more')), Buffer.from([1])]) {
      const heard: Uint8Array[] = [];
      const reading = (async () => {
        for await (const chunk of readInput(fileWith(t, Buffer.concat([padded, behind])))) heard.push(chunk);
      })();
      await assert.rejects(reading, fails(65, /file: damaged gzip data: garbage after its last member$/), `${zeros}`);
      assert.deepEqual(Buffer.concat(heard), data, 'what is whole comes before');
    }
  }
});

test('a member may end where a chunk of the file does', async (t) => {
  const name = Buffer.from('x'.repeat(5000)); // stored in the header: it makes the member as long as we like
  const member = (length: number): Buffer => {
    const plain = gzipSync(Buffer.from('some'));
    const padding = length - plain.length - 1;
    return Buffer.concat([
      plain.subarray(0, 3),
      Buffer.from([8]),
      plain.subarray(4, 10),
      Buffer.alloc(padding, name),
      Buffer.from([0]),
      plain.subarray(10),
    ]);
  };
  const first = member(256 * 1024);
  assert.deepEqual(await readAll(fileWith(t, first)), Buffer.from('some'));
  assert.deepEqual(
    await readAll(fileWith(t, Buffer.concat([first, first, gzipSync(data)]))),
    Buffer.concat([Buffer.from('somesome'), data]),
  );
  assert.deepEqual(await readAll(fileWith(t, Buffer.concat([first, Buffer.alloc(9)]))), Buffer.from('some'));
  await assert.rejects(readAll(fileWith(t, Buffer.concat([first, Buffer.from([0, 1])]))), fails(65, /garbage after/));
});

test('a missing file and a folder are no input', async (t) => {
  const folder = freshFolder(t);
  mkdirSync(join(folder, 'sub'));
  await assert.rejects(readAll(join(folder, 'none')), fails(66, /none: no such file or directory/));
  await assert.rejects(readAll(join(folder, 'sub')), fails(66, /sub: is a folder, expected a file/));
  await assert.rejects(readAll(join(folder, 'none', 'x')), fails(66, /x: no such file/));
});

test('chunks stay as they were while more is read', async (t) => {
  const chunks: { chunk: Uint8Array; copy: Uint8Array }[] = [];
  for await (const chunk of readInput(fileWith(t, data))) chunks.push({ chunk, copy: chunk.slice() });
  assert.ok(chunks.length > 1);
  for (const { chunk, copy } of chunks) assert.deepEqual(Buffer.from(chunk), Buffer.from(copy));
});

test('a reader may stop early, of plain and of gzip data', async (t) => {
  for (const file of [fileWith(t, data), fileWith(t, gzipSync(data))]) {
    for await (const chunk of readInput(file)) {
      assert.ok(chunk.length > 0);
      break;
    }
  }
});

test('a FIFO gives what is written to it, to the end of its last writer', async (t) => {
  const fifo = join(freshFolder(t), 'fifo');
  execFileSync('mkfifo', [fifo]);
  const reading = readAll(fifo);
  await writeFile(fifo, gzipSync(data));
  assert.deepEqual(await reading, data);
});

test('a FIFO that nobody writes to is waited for, until it is enough', async (t) => {
  const fifo = join(freshFolder(t), 'fifo');
  execFileSync('mkfifo', [fifo]);
  const enough = new AbortController();
  const reason = new AirError('stoppedEarly', 'enough');
  const reading = readInput(fifo, enough.signal).next();
  const how = Promise.race([reading, setImmediate('waits')]);
  for (let i = 0; i < 1000; i++) await setImmediate();
  assert.equal(await how, 'waits');
  enough.abort(reason);
  await assert.rejects(reading, reason);
});

test('a terminal is no input, under any name', async (t) => {
  const folder = freshFolder(t);
  const script = `const { readInput } = await import('${built('io/input.js')}');
    await readInput('/dev/tty').next().catch((error) => process.stderr.write(error.exitCode + ' ' + error.message));`;
  writeFileSync(join(folder, 'script.mjs'), script);
  const { stdout } = spawnSync('script', ['-qec', `${process.execPath} ${join(folder, 'script.mjs')}`, '/dev/null'], {
    timeout: 30_000,
  });
  assert.equal(stdout.toString(), '64 /dev/tty is a terminal');
});
