/** JSON of files: as JSON.parse reads it, to a depth. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseJson } from '#air/core/json.js';

const nested = (levels: number, inside = ''): string => '['.repeat(levels) + inside + ']'.repeat(levels);

test('JSON is read as ever, whatever brackets stand in strings', () => {
  const brackets = JSON.stringify({ [nested(50)]: [`"${nested(50)}\\`, '\\', nested(40)] });
  for (const text of ['null', '1e999', brackets, nested(32), nested(31, '{}'), `[${`${nested(20)},`.repeat(9)}0]`]) {
    assert.deepEqual(parseJson(text), JSON.parse(text));
  }
});

test('what is no JSON, and what is deep, is refused as such', () => {
  for (const text of ['', '{', '"', '"\\', '[1,]', 'NaN']) assert.throws(() => parseJson(text), SyntaxError);
  for (const text of [nested(33), nested(32, '{}'), '{"a":'.repeat(40), '['.repeat(1e6)]) {
    assert.throws(() => parseJson(text), /^SyntaxError: it has more than 32 levels$/);
  }
});
