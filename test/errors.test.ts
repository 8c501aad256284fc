/** Errors: whatever stood in a file, what is said of it is one line that does nothing to a terminal. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { AirError } from '#air/errors.js';

test('what is quoted of a file cannot break a line, move a cursor, or turn the writing around', () => {
  const { message, hint } = new AirError(
    'badData',
    'f: key a\nb\u001b[2J\u007f\u0085\u2028\u202e\ud800 é 😀',
    'or\r\nso',
  );
  assert.equal(message, 'f: key a\\u{a}b\\u{1b}[2J\\u{7f}\\u{85}\\u{2028}\\u{202e}\\u{d800} é 😀');
  assert.equal(hint, 'or\\u{d}\\u{a}so');
  assert.equal(new AirError('badData', 'f: plain').hint, undefined);
});

test('what is quoted of a file cannot go on for pages', () => {
  assert.equal(new AirError('badData', 'x'.repeat(500)).message, 'x'.repeat(500));
  for (const text of ['x'.repeat(501), '\n'.repeat(300), '😀'.repeat(1e6)]) {
    const { message, hint = '' } = new AirError('badData', text, text);
    assert.match(message, /^.{500}\.\.\.$/u);
    assert.equal(hint, message);
  }
});
