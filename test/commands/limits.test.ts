/** What the system does not give, memory or open files, is said in one line: no bug, no stack. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { ended } from '../support/child.js';
import { prepareWriters, WRITERS } from '../support/writers.js';

const base = mkdtempSync(join(tmpdir(), 'air-test-'));
before(() => prepareWriters(base));
after(() => rmSync(base, { recursive: true }));

describe('a limit on memory', { skip: process.platform !== 'linux' }, () => {
  for (const name of ['gen-data', 'train', 'infer']) {
    it(`of air ${name}`, async () => {
      const script = `ulimit -v 2000000; exec "$0" ${resolve('bin/air.js')} ${WRITERS[name]}`; // 2 GB
      const { code, stderr } = await ended(
        spawn('bash', ['--norc', '-c', script, process.execPath], { cwd: base }),
        '',
      );
      assert.match(stderr, new RegExp(`^air ${name}: not enough memory: .*\\n {2}where ulimit -v .*\\n$`));
      assert.equal(code, 69);
    });
  }
});
