/** How a run ends: exit codes, one line and a hint, nothing left open. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import { watch } from 'node:fs/promises';
import { test } from 'node:test';
import { quoteForShell } from '#air/cli/run.js';
import { built, ended, said, startAir, startScript } from '../support/child.js';
import { freshFolder } from '../support/folder.js';

/** Runs `air try ...` with a command made of the given `run` body. */
function tryCommand(run: string, more = ''): string {
  return `
    const { runAir } = await import('${built('cli/run.js')}');
    const { AirError } = await import('${built('errors.js')}');
    const spec = { name: 'try', summary: 's', operands: [], options: {}, examples: [], ${more}
      async run(args, io) { ${run} } };
    const registry = [{ title: 'Trials', commands: { try: async () => spec } }];
    process.exitCode = await runAir(['try', ...process.argv.slice(1)], registry);`;
}

test('a bug is 70, and asks for a report; -v shows where', async () => {
  const script = tryCommand('null.x;');
  const quiet = await ended(startScript(script), '');
  assert.equal(quiet.code, 70);
  assert.match(
    quiet.stderr,
    /^air try: a bug in air: TypeError: .*\n {2}please report .*-v shows where it happened\n$/,
  );
  const loud = await ended(startScript(script, '-v'), '');
  assert.equal(loud.code, 70);
  assert.match(loud.stderr, /\n {4}at Object\.run /);
});

test('an exception outside of any promise is a bug too', async () => {
  const { code, stderr } = await ended(
    startScript(tryCommand('setImmediate(() => null.x); await new Promise(() => {});')),
  );
  assert.equal(code, 70);
  assert.match(stderr, /^air try: a bug in air: TypeError/);
});

test('waiting for what will never happen is a bug as well, not a success', async () => {
  const script = `
    const { REGISTRY } = await import('${built('commands/registry.js')}');
    REGISTRY[0].commands.try = async () => ({ name: 'try', options: {}, operands: [], run: () => new Promise(() => {}) });
    process.argv.splice(1, 0, 'air', 'try');
    await import('${built('main.js')}');`;
  const { code, stderr } = await ended(startScript(script), '');
  assert.equal(code, 70);
  assert.match(stderr, /air: a bug in air: it ended before it was done/);
});

test('each kind of error has its code, one line, and a hint', async () => {
  const script = tryCommand("throw new AirError('badData', 'f: bad', 'a way out');");
  const { code, stderr } = await ended(startScript(script), '');
  assert.equal(code, 65);
  assert.equal(stderr, 'air try: f: bad\n  a way out\n');
});

test('an error of the operating system that nobody expected is an I/O error', async () => {
  const script = tryCommand("await (await import('node:fs/promises')).readFile('/nonexistent/x');");
  const { code, stderr } = await ended(startScript(script), '');
  assert.equal(code, 74);
  assert.match(stderr, /^air try: \/nonexistent\/x: no such file or directory\n$/);
});

test('nothing is left open by a command that fails', async (t) => {
  const folder = freshFolder(t);
  const run = `await (await io.openOutput('${folder}/x', 'stream')).write('x');
    const reading = io.readBytes('${process.execPath}')[Symbol.asyncIterator]();
    await reading.next();
    throw new AirError('badData', 'no');`;
  // Node complains on stderr about handles that it has to close itself.
  const script = tryCommand(run).replace(
    /process\.exitCode = await (.*);$/,
    `process.exitCode = await $1;
    for (let i = 0; i < 5; i++) await new Promise((resolve) => setImmediate(() => resolve(gc())));`,
  );
  const child = startScript(`import { setFlagsFromString } from 'node:v8'; import { runInNewContext } from 'node:vm';
    setFlagsFromString('--expose-gc'); const gc = runInNewContext('gc'); ${script}`);
  assert.equal((await ended(child, '')).stderr, 'air try: no\n');
});

test('an output that was not finished leaves nothing behind', async (t) => {
  const folder = freshFolder(t);
  const run = `const out = await io.openOutput('${folder}/x', 'stream');
    await out.write(Buffer.alloc(100000));
    throw new AirError('badData', 'no');`;
  assert.equal((await ended(startScript(tryCommand(run)), '')).code, 65);
  assert.deepEqual(readdirSync(folder), []);
});

for (const [signal, expected] of [
  ['SIGINT', 130],
  ['SIGTERM', 143],
  ['SIGHUP', 129],
] as const) {
  test(`${signal} ends a command that does not wait, and removes its temporary files`, async (t) => {
    const folder = freshFolder(t);
    const appearing = watch(folder)[Symbol.asyncIterator]();
    const child = startAir(['eval', '-o', 'out'], folder);
    await appearing.next(); // the temporary is there, and the command waits for stdin
    child.kill(signal);
    const { code, stderr } = await ended(child);
    await appearing.return?.();
    assert.equal(code, expected);
    assert.equal(stderr, '');
    assert.deepEqual(readdirSync(folder), []);
  });

  test(`${signal} lets a command that waits save first; its exit code is still ${expected}`, async (t) => {
    const folder = freshFolder(t);
    const run = `process.stdout.write('ready');
      const alive = setInterval(() => {}, 1e9);
      await new Promise((resolve) => io.interrupted.addEventListener('abort', resolve));
      await io.writeFileAtomic('${folder}/saved', Buffer.from('state'));
      clearInterval(alive);
      throw io.interruption('stopped at step 5, saved');`;
    const child = startScript(tryCommand(run, 'handlesInterrupt: true,'));
    await said(child);
    child.kill(signal);
    const { code, stderr } = await ended(child);
    assert.equal(code, expected);
    assert.equal(stderr, 'air try: stopped at step 5, saved\n');
    assert.equal(readFileSync(`${folder}/saved`, 'utf8'), 'state');
  });

  test(`a second signal ends it at once, as ${signal}`, async (t) => {
    const folder = freshFolder(t);
    const run = `await (await io.openOutput('${folder}/x', 'stream')).write('x');
      io.interrupted.addEventListener('abort', () => process.stdout.write('saving for ever'));
      process.stdout.write('ready');
      await new Promise(() => setInterval(() => {}, 1e9));`;
    const child = startScript(tryCommand(run, 'handlesInterrupt: true,'));
    await said(child);
    child.kill(signal);
    await said(child);
    child.kill('SIGTERM');
    assert.equal((await ended(child)).code, expected);
    assert.deepEqual(readdirSync(folder), []);
  });
}

test('a signal that comes when the work is done changes nothing', async () => {
  const run = `process.stdout.write('ready');
    const alive = setInterval(() => {}, 1e9);
    await new Promise((resolve) => io.interrupted.addEventListener('abort', resolve));
    clearInterval(alive);`;
  const child = startScript(tryCommand(run, 'handlesInterrupt: true,'));
  await said(child);
  child.kill('SIGINT');
  assert.deepEqual(await ended(child), { code: 0, signal: null, stdout: Buffer.alloc(0), stderr: '' });
});

for (const [how, script] of [
  ['nohup', 'nohup "$0" "$@"'],
  ['a shell that ignores it', `trap '' HUP; "$0" "$@"; exit $?`],
] as const) {
  test(`a command started by ${how} outlives its terminal`, async () => {
    const run = `process.stdout.write(String(process.pid));
      process.stdin.resume();
      await new Promise((resolve) => process.stdin.on('end', resolve));
      process.stdout.write(io.interrupted.aborted ? 'interrupted' : 'done');`;
    const argv = [
      '--norc',
      '-c',
      script,
      process.execPath,
      '--input-type=module',
      '-e',
      tryCommand(run, 'handlesInterrupt: true,'),
    ];
    const child = spawn('bash', argv, { stdio: 'pipe' });
    process.kill(Number(await said(child)), 'SIGHUP');
    const { code, stdout } = await ended(child, '');
    assert.equal(stdout.toString(), 'done');
    assert.equal(code, 0);
  });
}

test('data that ends early because its writer got the same signal is no news', async () => {
  const run = `process.stdout.write('ready');
    await new Promise((resolve) => io.interrupted.addEventListener('abort', resolve));
    throw new AirError('badData', '-: input ended');`;
  const child = startScript(
    tryCommand(
      `const alive = setInterval(() => {}, 1e9); try { ${run} } finally { clearInterval(alive); }`,
      'handlesInterrupt: true,',
    ),
  );
  await said(child);
  child.kill('SIGINT');
  const { code, stderr } = await ended(child);
  assert.equal(code, 130);
  assert.equal(stderr, '');
});

test('a save that fails after a signal is news', async () => {
  const run = `process.stdout.write('ready');
    await new Promise((resolve) => io.interrupted.addEventListener('abort', resolve));
    throw new AirError('io', 'state: no space left on device');`;
  const child = startScript(
    tryCommand(
      `const alive = setInterval(() => {}, 1e9); try { ${run} } finally { clearInterval(alive); }`,
      'handlesInterrupt: true,',
    ),
  );
  await said(child);
  child.kill('SIGINT');
  const { code, stderr } = await ended(child);
  assert.equal(code, 74);
  assert.equal(stderr, 'air try: state: no space left on device\n');
});

test('nobody reads what is said: the work goes on', async () => {
  const child = startScript(tryCommand("for (let i = 0; i < 1000; i++) io.messages.info('x'.repeat(1000));"));
  child.stderr?.destroy();
  const [code] = await once(child, 'exit');
  assert.equal(code, 0);
});

test('the command line in a header can be pasted back into a shell', async () => {
  const words = ['plain', 'a b', "it's", '--x=-1', '$HOME', '', '*', 'ä', '0..2', '1/4'];
  const line = words.map(quoteForShell).join(' ');
  const shell = spawn('bash', ['--norc', '-c', `printf '%s\\0' ${line}`]);
  assert.deepEqual((await ended(shell, '')).stdout.toString().split('\0').slice(0, -1), words);
});
