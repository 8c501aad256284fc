/**
 * kill -9 in start-up, between saves and at every step of one: the same command ends with the same bytes and the same log, whatever
 * the number of threads in each sitting, and no file that does not load was ever there. `make soak` has more of it.
 */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { ended } from '../../support/child.js';
import {
  checkGoesOn,
  killed,
  type Moment,
  nameOf,
  prepare,
  resultOf,
  start,
  trainLine,
  watchModels,
} from '../../support/kills.js';

const [backend] = (process.env.AIR_TEST_BACKENDS ?? 'wasm').split(',');
const base = mkdtempSync(join(tmpdir(), 'air-test-'));

/** Each one run, killed and begun again. A sitting that goes on first rewrites its log: its second save is of the state. */
const RUNS: { [estimator: string]: Moment[] } = {
  enumerate: [
    { at: 'start', ms: 200 },
    { at: 'save', step: 'create', time: 1 },
    { at: 'save', step: 'write', time: 2 },
    { at: 'save', step: 'sync', time: 2 },
  ],
  nvil: [
    { at: 'step', step: 3, ms: 5 },
    { at: 'save', step: 'close', time: 2 },
    { at: 'save', step: 'rename', time: 2 },
    { at: 'save', step: 'syncFolder', time: 2 },
  ],
};

const lineOf = (estimator: string, workers: number): string =>
  trainLine({ recipe: 'small', backend, estimator, workers });

before(() => prepare(base));
after(() => rmSync(base, { recursive: true }));

describe('kill -9', () => {
  for (const [estimator, moments] of Object.entries(RUNS)) {
    it(`of --estimator ${estimator}, ${moments.map(nameOf).join(', ')}`, async () => {
      const folder = join(base, estimator);
      const { code, stderr } = await ended(start(folder, lineOf(estimator, 1)), '');
      assert.equal(code, 0, stderr);
      const whole = resultOf(folder);

      const again = join(base, `${estimator}-killed`);
      const { loads } = await watchModels(again, async () => {
        for (const [k, moment] of moments.entries()) {
          const { signal, stderr: said } = await killed(again, lineOf(estimator, 1 + (k % 3)), moment, 'SIGKILL');
          assert.equal(signal, 'SIGKILL', said);
        }
        await checkGoesOn(again, lineOf(estimator, 2), whole);
      });
      assert.ok(loads > 5, `${loads} states and models were looked at`);
    });
  }
});
