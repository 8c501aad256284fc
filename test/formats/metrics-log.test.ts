/** Logs of trainings as text, whole and as a killed run leaves them. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { AirError } from '#air/errors.js';
import {
  formatMetricsLine,
  lastTry,
  type MetricsLine,
  modelOfLog,
  parseFilledLog,
  parseMetricsLog,
} from '#air/formats/metrics-log.js';

const LINES: MetricsLine[] = [
  { model: 'a "b".safetensors', step: 5, elbo: -1.5 },
  { model: 'a "b".safetensors', step: 10, valid_confusion: [[1]] },
];
const TEXT = LINES.map(formatMetricsLine).join('');
const parse = (text: string) => parseMetricsLog(text, { name: 'm.jsonl' });

test('every beginning of a log is one: the last line counts when it is whole, newline or not', () => {
  const ends = [TEXT.indexOf('\n'), TEXT.length - 1];
  for (let length = 0; length <= TEXT.length; length++) {
    const whole = ends.filter((end) => end <= length).length;
    assert.deepEqual(parse(TEXT.slice(0, length)), LINES.slice(0, whole), `${length} characters`);
  }
});

test('what is damaged before the last line is an error that names its place', () => {
  const [first, second] = TEXT.split('\n');
  const wrong = (text: string, message: string) =>
    assert.throws(
      () => parse(text),
      (error: unknown) => error instanceof AirError && error.kind === 'badData' && error.message.startsWith(message),
    );
  wrong(`${first}\n${second.slice(0, 9)}\n${second}\n`, 'm.jsonl: line 2 is not JSON, ');
  wrong(`${first}\n\n{"elbo":1}\n`, 'm.jsonl: line 3 names no step, ');
  wrong(`[1]\n`, 'm.jsonl: line 1 names no step, ');
  wrong('{"step":"5"}\n', 'm.jsonl: line 1 names no step, ');
});

test('where a line is asked for, none is an error', () => {
  const filled = (text: string) => parseFilledLog(text, { name: 'm.jsonl', expected: 'a log' });
  assert.throws(() => filled(''), { message: 'm.jsonl: is empty, expected a log' });
  assert.throws(() => filled('{"mod'), { message: 'm.jsonl: there is no whole line in it, expected a log' });
  assert.deepEqual(filled(TEXT), LINES);
});

test('the model of a log is that of its first line, also if this is cut', () => {
  assert.equal(modelOfLog(TEXT), 'a "b".safetensors');
  assert.equal(modelOfLog(TEXT.slice(0, 40)), 'a "b".safetensors');
  assert.equal(modelOfLog(TEXT.slice(0, 12)), undefined);
  assert.equal(modelOfLog('{"elbo":1,"model":"m","step":5}'), 'm');
  for (const text of ['', 'hello\n', '{"step":1}\n', '[1]', '{"model":"\\x"}\n']) {
    assert.equal(modelOfLog(text), undefined, text);
  }
});

test('the last try is that of the largest number', () => {
  const of = (retry: number, step: number) => ({ step, ...(retry === 0 ? {} : { retry }) });
  assert.deepEqual(lastTry([of(0, 5), of(1, 5), of(2, 5), of(2, 10)]), [of(2, 5), of(2, 10)]);
  assert.deepEqual(lastTry([of(0, 5)]), [of(0, 5)]);
  assert.deepEqual(lastTry([]), []);
});
