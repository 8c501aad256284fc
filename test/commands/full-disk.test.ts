/**
 * A disk that is full where a command writes: one line that says so, exit code 74, and what stood there before stays. For trainings,
 * at each of the files that they keep; once there is room the same command goes on to the same bytes. `make soak` has more.
 */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { airOk } from '../support/air.js';
import { ended } from '../support/child.js';
import { freshFolder } from '../support/folder.js';
import { start } from '../support/kills.js';
import { outputOf, prepareWriters, WRITERS } from '../support/writers.js';

const base = mkdtempSync(join(tmpdir(), 'air-test-'));
before(() => prepareWriters(base));
after(() => rmSync(base, { recursive: true }));

describe('no room for -o', { concurrency: 2 }, () => {
  for (const [name, line] of Object.entries(WRITERS)) {
    if (name === 'train') continue; // its lock would not fit either; see below
    it(`of air ${name}`, async (t) => {
      const folder = freshFolder(t);
      cpSync(base, folder, { recursive: true });
      const out = outputOf(line);
      writeFileSync(join(folder, out), 'old');
      const before = readdirSync(folder).sort();
      const script = `ulimit -f 0; exec "$0" ${resolve('bin/air.js')} ${line}`;
      const child = spawn('bash', ['--norc', '-c', script, process.execPath], { cwd: folder });
      const { code, stderr } = await ended(child, '');
      assert.equal(
        stderr,
        `air ${name}: ${out}: writing: file too large\n  the limit on file sizes (ulimit -f) or the file system stops it here\n`,
      );
      assert.equal(code, 74);
      assert.equal(readFileSync(join(folder, out), 'utf8'), 'old');
      assert.deepEqual(readdirSync(folder).sort(), before);
    });
  }
});

describe('no room while training', () => {
  const line =
    'train ../scenes.air -o m.safetensors --preset small --steps 4 -b 8 --save-every 2 --preview-every 4 --previews shown ' +
    '--metrics m.jsonl --report-every 1 --backend wasm --workers 1 --no-provenance -q';

  it('leaves what was saved, and the same command goes on', async () => {
    const whole = join(base, 'whole');
    assert.equal((await ended(start(whole, line), '')).code, 0);
    // the page, a picture, the state and the model, in the order in which they are written; the page once more when it fails
    const files = new Set<string>();
    const folder = join(base, 'full');
    for (let time = 1; ; time++) {
      rmSync(folder, { recursive: true, force: true });
      const { code, stderr } = await ended(start(folder, line, `write:${time}:ENOSPC`), '');
      if (code === 0) break;
      const [, file] = /^air train: (\S+): writing: no space left on device\n {2}make room.*\n$/.exec(stderr) ?? [];
      assert.ok(file !== undefined, stderr);
      files.add(file);
      assert.equal(code, 74);
      assert.ok(!readdirSync(folder).some((name) => /tmp|lock/.test(name)), 'no temporaries, no lock');
      assert.equal((await ended(start(folder, line), '')).code, 0, `after ${file}`);
      const model = readFileSync(join(folder, 'm.safetensors'));
      assert.ok(model.equals(readFileSync(join(whole, 'm.safetensors'))), `the same bytes after ${file}`);
    }
    const all = ['m.safetensors', 'm.safetensors.state', 'shown/index.html', 'shown/step-000004.png'];
    assert.deepEqual([...files].sort(), all);
  });

  it('does not hide what went wrong before', async () => {
    // the second write is of the page that says how it ended
    const diverging = `${line.replace('--preview-every 4', '--preview-every 100')} --learning-rate 1e30 --warmup 0`;
    const { code, stderr } = await ended(start(join(base, 'diverged'), diverging, 'write:2:ENOSPC'), '');
    assert.match(stderr, /^air train: diverged at step/);
    assert.equal(code, 1);
  });

  it('nor for the log', async () => {
    const folder = join(base, 'log');
    const { code, stderr } = await ended(start(folder, line.replace('--metrics m.jsonl', '--metrics /dev/full')), '');
    assert.equal(
      stderr,
      'air train: /dev/full: writing: no space left on device\n  make room, or write elsewhere with -o\n',
    );
    assert.equal(code, 74);
    await airOk(folder, line);
    assert.ok(readFileSync(join(folder, 'm.safetensors')).equals(readFileSync(join(base, 'whole/m.safetensors'))));
  });
});
