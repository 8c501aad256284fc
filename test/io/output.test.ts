/** Outputs: files that appear when they are complete, and pipes. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import {
  closeSync,
  constants,
  existsSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import { AirError } from '#air/errors.js';
import { openOutput } from '#air/io/output.js';
import { built, ended, said, startScript } from '../support/child.js';
import { freshFolder } from '../support/folder.js';

const importing = `const { openOutput } = await import(${JSON.stringify(built('io/output.js'))});`;

test('a file appears complete at finish, and not at all after discard', async (t) => {
  const folder = freshFolder(t);
  const parts = Array.from({ length: 500 }, (_, i) => Buffer.alloc(1 + ((i * 7919) % 3000), i));
  const out = await openOutput(join(folder, 'a'), { binary: true });
  for (const part of parts) await out.write(part);
  assert.ok(!readdirSync(folder).includes('a'));
  await out.finish();
  assert.deepEqual(readFileSync(join(folder, 'a')), Buffer.concat(parts));

  const other = await openOutput(join(folder, 'b'), { binary: true });
  await other.write(Buffer.alloc(200_000));
  await other.discard();
  assert.deepEqual(readdirSync(folder), ['a']);
});

test('what went into a pipe before a failure is not taken back', async () => {
  const script = `${importing}
    const out = await openOutput(undefined, { binary: true });
    await out.write('before');
    await out.discard();`;
  assert.equal((await ended(startScript(script))).stdout.toString(), 'before');
});

test('discard after finish changes nothing', async (t) => {
  const file = join(freshFolder(t), 'a');
  const out = await openOutput(file, { binary: false });
  await out.write('done');
  await out.finish();
  await out.discard();
  assert.equal(readFileSync(file, 'utf8'), 'done');
});

test('what was given to write may change right after', async (t) => {
  const file = join(freshFolder(t), 'a');
  const out = await openOutput(file, { binary: true });
  const bytes = Buffer.alloc(10);
  for (let i = 0; i < 20_000; i++) {
    bytes.fill(i);
    await out.write(bytes);
  }
  await out.finish();
  assert.ok(readFileSync(file).every((byte, at) => byte === (Math.floor(at / 10) & 0xff)));
});

test('text is UTF-8', async (t) => {
  const file = join(freshFolder(t), 'a');
  const out = await openOutput(file, { binary: false });
  await out.write('ä€\n');
  await out.finish();
  assert.equal(readFileSync(file, 'utf8'), 'ä€\n');
});

test('a folder, or a file in no folder, is refused before anything is computed', async (t) => {
  const folder = freshFolder(t);
  mkdirSync(join(folder, 'sub'));
  const refused = (error: unknown): boolean => error instanceof AirError && error.exitCode === 73;
  await assert.rejects(openOutput(join(folder, 'sub'), { binary: true }), refused);
  await assert.rejects(openOutput(join(folder, 'none', 'x'), { binary: true }), refused);
  writeFileSync(join(folder, 'file'), '');
  await assert.rejects(openOutput(join(folder, 'file', 'x'), { binary: true }), refused);
});

test('a fifo is written to, not replaced', async (t) => {
  const folder = freshFolder(t);
  const fifo = join(folder, 'fifo');
  execFileSync('mkfifo', [fifo]);
  const reading = readFile(fifo);
  const out = await openOutput(fifo, { binary: true });
  await out.write(Buffer.from('through'));
  await out.finish();
  assert.equal((await reading).toString(), 'through');
  assert.deepEqual(readdirSync(folder), ['fifo']);
});

test('what is in memory, as all in /dev/shm, is a file: whole or not there', {
  skip: !existsSync('/dev/shm'),
}, async (t) => {
  const file = `/dev/shm/air-${process.pid}`;
  t.after(() => rmSync(file, { force: true }));
  writeFileSync(file, 'old');
  const failed = await openOutput(file, { binary: true });
  await failed.write('new');
  assert.equal(readFileSync(file, 'utf8'), 'old');
  await failed.discard();
  assert.equal(readFileSync(file, 'utf8'), 'old');
  const out = await openOutput(file, { binary: true });
  await out.write('new');
  await out.finish();
  assert.equal(readFileSync(file, 'utf8'), 'new');
});

test('a descriptor goes on where it stands, whatever its name leads to', async (t) => {
  const file = join(freshFolder(t), 'log');
  const script = `${importing}
    const out = await openOutput(process.argv[1], { binary: true });
    await out.write('second ');
    await out.finish();`;
  for (const name of ['/dev/fd/3', '/proc/self/fd/3', '/dev/stderr']) {
    const shell = '{ printf "first " >&3; "$0" --input-type=module -e "$1" -- "$2"; printf third >&3; } 3> "$3" 2>&3';
    execFileSync('bash', ['--norc', '-c', shell, process.execPath, script, name, file]);
    assert.equal(readFileSync(file, 'utf8'), 'first second third', name);
  }
});

test('an end that is asked for is not kept waiting by a FIFO without a reader, or with one that does not read', async (t) => {
  const fifo = join(freshFolder(t), 'fifo');
  execFileSync('mkfifo', [fifo]);
  const script = `${importing}
    import { setImmediate } from 'node:timers/promises';
    void openOutput(process.argv[1], { binary: true }).then((out) => out.write(Buffer.alloc(1e7)));
    for (let i = 0; i < 1000; i++) await setImmediate();
    process.on('SIGTERM', () => process.exit(143));
    process.stdout.write('ready');
    setInterval(() => {}, 1e9);`;
  for (const hasReader of [false, true]) {
    const reader = hasReader ? openSync(fifo, constants.O_RDONLY | constants.O_NONBLOCK) : undefined;
    const child = startScript(script, fifo);
    const killed = setTimeout(() => child.kill('SIGKILL'), 30_000); // it would wait for ever
    await said(child);
    child.kill('SIGTERM');
    assert.equal((await ended(child)).code, 143);
    clearTimeout(killed);
    if (reader !== undefined) closeSync(reader);
  }
});

test('who waits for the reader of a FIFO can be stopped', async (t) => {
  const fifo = join(freshFolder(t), 'fifo');
  execFileSync('mkfifo', [fifo]);
  const stop = new AbortController();
  const opening = openOutput(fifo, { binary: true }, stop.signal);
  stop.abort(new AirError('terminated', 'stopped'));
  await assert.rejects(opening, { message: `${fifo}: stopped while nobody read it`, kind: 'terminated' });
});

test('a writer waits for the reader of a FIFO', async (t) => {
  const fifo = join(freshFolder(t), 'fifo');
  execFileSync('mkfifo', [fifo]);
  let isOpen = false;
  const opening = openOutput(fifo, { binary: true }).then((out) => {
    isOpen = true;
    return out;
  });
  for (let i = 0; i < 1000; i++) await setImmediate();
  assert.equal(isOpen, false);
  const reading = readFile(fifo);
  const out = await opening;
  await out.write(Buffer.alloc(300_000, 7));
  await out.finish();
  assert.deepEqual(await reading, Buffer.alloc(300_000, 7));
});

test('/dev/null takes everything and stays what it is', async () => {
  const out = await openOutput('/dev/null', { binary: true });
  await out.write(Buffer.alloc(200_000));
  await out.finish();
});

test('a full device is an I/O error, 74', async () => {
  const out = await openOutput('/dev/full', { binary: true });
  const writing = async (): Promise<void> => {
    await out.write(Buffer.alloc(10));
    await out.finish();
  };
  await assert.rejects(writing, (error: unknown) => {
    assert.ok(error instanceof AirError);
    assert.equal(error.message, '/dev/full: writing: no space left on device');
    assert.equal(error.exitCode, 74);
    return true;
  });
  await out.discard();
});

test('stdout gets all of it, in order, whatever the sizes', async () => {
  const script = `${importing}
    const out = await openOutput(process.argv[1], { binary: true });
    for (let i = 0; i < 3000; i++) await out.write(Buffer.alloc(i % 997, i));
    await out.finish();`;
  const expected = Buffer.concat(Array.from({ length: 3000 }, (_, i) => Buffer.alloc(i % 997, i)));
  for (const name of ['-', '/dev/stdout']) {
    const { stdout, code } = await ended(startScript(script, name));
    assert.equal(code, 0);
    assert.ok(stdout.equals(expected));
  }
});

test('small writes come through while the command goes on', async () => {
  const script = `${importing}
    const out = await openOutput(undefined, { binary: true });
    await out.write('first');
    process.stdin.once('data', async () => { await out.write(' second'); await out.finish(); process.stdin.destroy(); });`;
  const child = startScript(script);
  const first = await said(child);
  const { stdout } = await ended(child, 'go on');
  assert.equal(first + stdout, 'first second');
});

test('a reader that does not read holds the writer back', async () => {
  const script = `${importing}
    import { setImmediate } from 'node:timers/promises';
    const out = await openOutput(undefined, { binary: true });
    let accepted = 0;
    void (async () => { for (;;) { await out.write(Buffer.alloc(50000)); accepted += 50000; } })();
    for (let i = 0; i < 2000; i++) await setImmediate();
    process.stderr.write(String(accepted));
    process.stdin.once('data', () => process.exit());`;
  const child = startScript(script);
  const accepted = Number(String((await once(child.stderr as NodeJS.ReadableStream, 'data'))[0]));
  await ended(child, 'enough');
  assert.ok(accepted > 0 && accepted < 2_000_000, `${accepted} bytes accepted, none read`);
});

test('once the reader went away, writing throws and `closed` says so', async () => {
  const script = `${importing}
    const out = await openOutput(undefined, { binary: true });
    try {
      for (;;) await out.write(Buffer.alloc(50000));
    } catch (error) {
      process.stderr.write(error.name + ' ' + out.closed);
    }`;
  const child = startScript(script);
  child.stdout?.once('data', () => child.stdout?.destroy());
  const stderr: Buffer[] = [];
  child.stderr?.on('data', (chunk: Buffer) => stderr.push(chunk));
  const [code] = await once(child, 'exit');
  assert.equal(Buffer.concat(stderr).toString(), 'OutputClosed true');
  assert.equal(code, 0);
});
