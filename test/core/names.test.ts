/** Names in programs and in files. */
import assert from 'node:assert/strict';
import { it } from 'node:test';
import { camelCase, snakeCase } from '#air/core/names.js';

it('goes from one to the other and back', () => {
  for (const [camel, snake] of [
    ['nEvidence', 'n_evidence'],
    ['zPresPrior', 'z_pres_prior'],
    ['where', 'where'],
  ]) {
    assert.deepEqual([snakeCase(camel), camelCase(snake)], [snake, camel]);
    assert.deepEqual([snakeCase(snake), camelCase(camel)], [snake, camel]);
  }
});
