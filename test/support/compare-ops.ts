/** Ops on a backend against the same ops in plain tfjs ops on the cpu backend. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import * as tf from '@tensorflow/tfjs';
import type { BackendName } from '#air/backends/names.js';
import { startBackend } from '#air/backends/start.js';
import { assertCloseOverall } from './assert-close.js';
import type { Case } from './op-cases.js';
import type { Values } from './random.js';

/** What an op makes of its inputs on the backend in use. They keep their numbers. */
async function evaluate({ given, op }: Case): Promise<Values[]> {
  const tensors = Object.fromEntries(
    Object.entries(given).map(([name, { data, shape }]) => [name, tf.tensor(data, shape)]),
  );
  const results = tf.tidy(() => op(tensors));
  const values = await Promise.all(
    results.map(async (t) => ({ shape: t.shape, data: (await t.data()).slice() as Float32Array })),
  );
  for (const [name, tensor] of Object.entries(tensors)) {
    assert.deepEqual(await tensor.data(), given[name].data, `${name} stays as it was`);
  }
  tf.dispose([tensors, results]);
  return values;
}

function assertAgree(actual: Values[], expected: Values[], tolerance: number): void {
  assert.deepEqual(
    actual.map(({ shape }) => shape),
    expected.map(({ shape }) => shape),
  );
  expected.forEach(({ data }, k) => {
    assert.ok(
      data.some((value) => Math.abs(value) > 0),
      `output ${k} says something`,
    );
    assertCloseOverall(actual[k].data, data, tolerance, `output ${k}`);
  });
}

/** Fails unless an op says on a backend what it says in plain ops. */
export async function assertAgrees(backend: BackendName, each: Case): Promise<void> {
  await startBackend('cpu');
  const expected = await evaluate(each);
  await startBackend(backend);
  const tolerance = /grad/i.test(each.name) ? 2e-5 : 1e-5;
  assertAgree(await evaluate(each), expected, tolerance);
}

/** Tests of each case on each of the backends that AIR_TEST_BACKENDS names, separated by commas. */
export function testOnBackends(what: string, cases: readonly Case[]): void {
  for (const backend of (process.env.AIR_TEST_BACKENDS ?? 'wasm').split(',') as BackendName[]) {
    describe(`${backend} ${what}`, () => {
      for (const each of cases) it(each.name, () => assertAgrees(backend, each));
    });
  }
}
