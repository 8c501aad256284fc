/** What a terminal shows: lines, colours, progress. */
import assert from 'node:assert/strict';
import { PassThrough } from 'node:stream';
import { test } from 'node:test';
import { createMessages, formatSeconds, type MessageSettings, progressParts } from '#air/io/messages.js';

function listen(settings: Partial<MessageSettings> & { isTTY?: boolean; columns?: number } = {}) {
  const { isTTY = false, columns = 80, ...rest } = settings;
  const stream = new PassThrough();
  const stderr = Object.assign(stream, { isTTY, columns });
  const messages = createMessages({ command: 'infer', level: 'normal', env: {}, now: () => 0, ...rest, stderr });
  return { messages, heard: () => String(stream.read() ?? '') };
}

test('lines by level', () => {
  const heard = (level: MessageSettings['level']): string => {
    const { messages, heard: read } = listen({ level });
    messages.info('info');
    messages.detail('detail');
    messages.warn('warning');
    messages.error('error', 'hint');
    return read();
  };
  const loud = 'air infer: warning\nair infer: error\n  hint\n';
  assert.equal(heard('quiet'), loud);
  assert.equal(heard('normal'), `air infer: info\n${loud}`);
  assert.equal(heard('verbose'), `air infer: info\nair infer: detail\n${loud}`);
});

test('colour only on a terminal, and not with NO_COLOR', () => {
  const error = (settings: Parameters<typeof listen>[0]): string => {
    const { messages, heard } = listen(settings);
    messages.error('no');
    return heard();
  };
  assert.equal(error({ isTTY: true }), '\u001b[31mair infer:\u001b[0m no\n');
  assert.equal(error({ isTTY: true, env: { NO_COLOR: '1' } }), 'air infer: no\n');
  assert.equal(error({ isTTY: true, env: { NO_COLOR: '' } }), '\u001b[31mair infer:\u001b[0m no\n');
  assert.equal(error({ isTTY: true, env: { TERM: 'dumb' } }), 'air infer: no\n');
  assert.equal(error({}), 'air infer: no\n');
});

test('what files hold cannot command the terminal, nor fill it', () => {
  const said = (level: 'info' | 'detail' | 'warn' | 'error', ...text: [string, string?]): string => {
    const { messages, heard } = listen({ level: 'verbose' });
    messages[level](...(text as [string]));
    return heard();
  };
  const evil = 'key \u001b[2J\u0007\u009b31m\u202ex\r\ny';
  const shown = 'key \\u001b[2J\\u0007\\u009b31m\\u202ex\\u000d\\u000ay';
  for (const level of ['info', 'detail', 'warn'] as const) assert.equal(said(level, evil), `air infer: ${shown}\n`);
  assert.equal(said('error', evil, evil), `air infer: ${shown}\n  ${shown}\n`);
  assert.equal(said('info', 'é 数字 “quoted” 👁'), 'air infer: é 数字 “quoted” 👁\n');
  const long = said('error', `file: ${'k'.repeat(900_000)}: expected a number`);
  assert.match(long, /^air infer: file: k+ \.\.\. k+: expected a number\n$/);
  assert.ok(long.length < 2100);
});

test('no progress line where nobody sees it, or wants it', () => {
  for (const settings of [{ isTTY: false }, { isTTY: true, level: 'quiet' as const }]) {
    const { messages, heard } = listen(settings);
    const progress = messages.progress(10, 'steps');
    progress.update(5, { elbo: '1' });
    progress.stop();
    assert.equal(heard(), '');
  }
});

test('a progress line shows its fields, fits the terminal, makes way for lines, and is gone at the end', () => {
  let clock = 0;
  const { messages, heard } = listen({ isTTY: true, columns: 70, now: () => clock });
  const progress = messages.progress(1500, 'steps', ['elbo', 'accuracy']);
  progress.update(0);
  clock = 10_000;
  progress.update(300, { elbo: '512.3', accuracy: '.91' });
  progress.stop();
  const drawn = heard();
  // biome-ignore lint/suspicious/noControlCharactersInRegex: what moves the cursor is not text
  const frames = drawn.split(/\u001b(?:\[\??[0-9;]*[A-Za-z]|[78])|\r/).filter((frame) => frame.trim() !== '');
  const last = frames.at(-1) ?? '';
  assert.equal(
    last,
    '[====                ] 300/1500 steps  elbo 512.3  accuracy .91  30.0 steps/s  ETA 40s'.slice(0, 69),
  );
  assert.ok(!drawn.includes('\n'), 'the line is drawn over itself');
});

test('lines scroll past above a progress line, each whole', () => {
  const { messages, heard } = listen({ isTTY: true });
  messages.info('before');
  const progress = messages.progress(1500, 'steps');
  progress.update(1);
  messages.info('first');
  progress.update(2);
  messages.warn('second');
  messages.close();
  messages.info('after');
  progress.update(3);
  progress.stop();
  assert.deepEqual(screen(heard()).slice(0, 4), [
    'air infer: before',
    'air infer: first',
    'air infer: second',
    'air infer: after',
  ]);
});

/** What a terminal of 80 columns shows after these bytes. */
function screen(bytes: string): string[] {
  const lines = [''];
  let [row, column] = [0, 0];
  let saved: [number, number] = [0, 0];
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what a terminal is moved by
  for (const [token] of bytes.matchAll(/\u001b(?:\[\??[\d;]*[A-Za-z]|[78])|[\s\S]/g)) {
    if (token === '\n') [row, column] = [row + 1, 0];
    else if (token === '\r' || token === '\u001b[1G') column = 0;
    else if (token === '\u001b7') saved = [row, column];
    else if (token === '\u001b8') [row, column] = saved;
    else if (token === '\u001b[0K') lines[row] = lines[row].slice(0, column);
    else if (token === '\u001b[2K') lines[row] = '';
    else if (token.startsWith('\u001b'))
      assert.ok(token.endsWith('m'), `a sequence this screen does not know: ${token.slice(1)}`);
    else lines[row] = lines[row].padEnd(column).slice(0, column) + token + lines[row].slice(++column);
    lines[row] ??= '';
  }
  return lines.map((line) => line.trimEnd());
}

test('rate and time left count from where this run began', () => {
  const parts = progressParts(1500, 'steps', { done: 1000, at: 0 }, { done: 1100, at: 4000 });
  assert.deepEqual(parts, ['[===============     ] 1100/1500 steps', '25.0 steps/s', 'ETA 16s']);
  const endless = progressParts(Number.POSITIVE_INFINITY, 'scenes', { done: 0, at: 0 }, { done: 5000, at: 1000 });
  assert.deepEqual(endless.slice(0, 2), ['5000 scenes', '5000 scenes/s']);
  assert.deepEqual(progressParts(10, 'steps', { done: 0, at: 0 }, { done: 0, at: 0 }).slice(1), [
    '0.00 steps/s',
    'ETA -',
  ]);
});

test('time spans for people', () => {
  assert.deepEqual([0.4, 25, 59.6, 130, 3599, 3900].map(formatSeconds), [
    '0s',
    '25s',
    '1m00s',
    '2m10s',
    '59m59s',
    '1h05m',
  ]);
});
