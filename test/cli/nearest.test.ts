/** Edit distances by their definition, and the name that was meant. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { editDistance, nearest } from '#air/cli/nearest.js';

/** The definition, without a table: exponential, for short words. */
function bruteForce(a: string, b: string): number {
  if (a === '' || b === '') return a.length + b.length;
  const [restA, restB] = [a.slice(1), b.slice(1)];
  const options = [
    bruteForce(restA, b) + 1,
    bruteForce(a, restB) + 1,
    bruteForce(restA, restB) + Number(a[0] !== b[0]),
  ];
  if (a.length > 1 && b.length > 1 && a[0] === b[1] && a[1] === b[0]) {
    options.push(bruteForce(a.slice(2), b.slice(2)) + 1);
  }
  return Math.min(...options);
}

test('edit distance equals its definition', () => {
  const words = ['', 'a', 'ab', 'ba', 'abc', 'acb', 'cab', 'abcd', 'badc', 'dcba', 'seed', 'sede', 'aab'];
  for (const a of words) for (const b of words) assert.equal(editDistance(a, b), bruteForce(a, b), `${a} ${b}`);
});

test('the nearest name', () => {
  const names = ['gen-data', 'train', 'infer', 'render', 'eval', 'view'];
  assert.equal(nearest('infre', names), 'infer');
  assert.equal(nearest('gen', names), 'gen-data');
  assert.equal(nearest('rendr', names), 'render');
  assert.equal(nearest('evaluate', names), undefined);
  assert.equal(nearest('', names), undefined);
  assert.equal(nearest('x', names), undefined);
});
