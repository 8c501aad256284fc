/** Words of another program, in this one's. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Spelling } from '#air/cli/command.js';
import { respell } from '#air/cli/spellings.js';

const SPELLINGS: readonly Spelling[] = [
  { name: '-blr', means: ['--rate'], takes: 'value' },
  { name: '--net', means: ['--net'], takes: 'values' },
  { name: '--unit', means: ['--kind'], takes: 'value', value: (text) => text.toLowerCase() },
  { name: '--no-x', means: ['--x', 'off'] },
];

const CASES: [line: string, expected: string][] = [
  ['-blr 0.1 -n 3', '--rate=0.1 -n 3'],
  ['-blr=0.1', '--rate=0.1'],
  ['-blr -2', '--rate=-2'],
  ['--net 200 100 file', '--net=200,100 file'],
  ['--net 200,50 100', '--net=200,50 100'],
  ['--net none 100', '--net=none 100'],
  ['--net=200 100', '--net=200 100'],
  ['--unit ReLU --no-x', '--kind=relu --x off'],
  ['--no-x=1', '--no-x=1'],
  ['a -- -blr 0.1', 'a -- -blr 0.1'],
];

for (const [line, expected] of CASES) {
  test(line, () => assert.deepEqual(respell(SPELLINGS, line.split(' ')), expected.split(' ')));
}

test('a value that is missing is named as it was written', () => {
  assert.throws(() => respell(SPELLINGS, ['-blr']), { kind: 'usage', message: '-blr: its value is missing' });
});
