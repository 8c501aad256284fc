/** Choosing a backend: what `auto` takes, and what is said of those that do not start. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import * as tf from '@tensorflow/tfjs';
import { BACKENDS } from '#air/backends/names.js';
import { listBackends, startBackend } from '#air/backends/start.js';
import { AirError } from '#air/errors.js';

describe('listBackends', () => {
  it('tells of each backend whether it works, and of one that auto takes it', async () => {
    const reports = await listBackends();
    assert.deepEqual(
      reports.map(({ name }) => name),
      [...BACKENDS],
    );
    for (const { name, works, detail, hint } of reports) {
      assert.ok(works || (name !== 'wasm' && name !== 'cpu'), `${name}: ${detail}`);
      assert.notEqual(detail, '');
      assert.ok(works || hint, `${name} says no way out`);
      assert.doesNotMatch(`${detail}${hint}`, /\n/);
    }
    const [chosen, ...others] = reports.filter((report) => report.chosen);
    assert.deepEqual(others, []);
    assert.ok(chosen.works);
    const started = await startBackend('auto');
    assert.equal(started.name, chosen.name);
    assert.equal(tf.getBackend(), chosen.name);
  });
});

describe('startBackend', () => {
  it('starts what it is asked for, again and again', async () => {
    for (const name of ['wasm', 'cpu', 'wasm'] as const) {
      const started = await startBackend(name);
      assert.equal(started.name, name);
      assert.equal(tf.getBackend(), name);
    }
  });

  it('gives a reason in one line, and a way out, where a backend is not available', async () => {
    for (const { name, works, detail } of await listBackends()) {
      if (works) continue;
      await assert.rejects(startBackend(name), (error) => {
        assert.ok(error instanceof AirError);
        assert.equal(error.kind, 'backendUnavailable');
        assert.equal(error.message, `${name}: ${detail}`);
        return true;
      });
    }
  });
});

const isAsked = (process.env.AIR_TEST_BACKENDS ?? '').split(',').includes('webgpu');

describe('webgpu', { skip: isAsked ? false : 'make test-webgpu' }, () => {
  it('names its adapter, and calls software what is', async () => {
    const { detail } = await startBackend('webgpu');
    assert.match(detail, / through Dawn$/);
    if (/swiftshader/i.test(detail)) {
      assert.match(detail, /software/);
      assert.notEqual((await startBackend('auto')).name, 'webgpu');
    }
  });

  it('keeps the digits of softplus where it is small', async () => {
    const x = Array.from({ length: 61 }, (_, i) => i - 30);
    await startBackend('webgpu');
    const softplus = await tf.softplus(tf.tensor1d(x)).data();
    x.forEach((value, i) => {
      const expected = value > 0 ? value + Math.log1p(Math.exp(-value)) : Math.log1p(Math.exp(value));
      assert.ok(Math.abs(softplus[i] - expected) <= 3e-6 * expected, `softplus(${value}): ${softplus[i]}`);
    });
  });
});
