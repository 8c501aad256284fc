/** Names of outputs say what is in them: the table that every command goes by. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { AirError } from '#air/errors.js';
import { isBinary, type OutputKind, writtenAs } from '#air/io/output-kinds.js';

const refusal = (file: string, kinds: readonly [OutputKind, ...OutputKind[]]): string => {
  try {
    return `written as ${writtenAs(file, kinds)}`;
  } catch (error) {
    assert.ok(error instanceof AirError && error.kind === 'usage');
    return `${error.message}; ${error.hint}`;
  }
};

test('a name asks for the kind that it ends in, stdout and one that says nothing for the first', () => {
  const kinds = ['text', 'json'] as const;
  for (const file of [
    undefined,
    '-',
    '/dev/null',
    'scores',
    'scores.v2',
    'a.json/scores',
    '.json',
    'air.safetensors.state',
  ]) {
    assert.equal(writtenAs(file, kinds), 'text', file);
  }
  assert.equal(writtenAs('runs/scores.json', kinds), 'json');
  assert.equal(writtenAs('SCORES.JSON', kinds), 'json');
  assert.equal(writtenAs('boxes.Png', ['png']), 'png');
});

test('a name that says something else is refused, with one that will do', () => {
  assert.equal(
    refusal('boxes.jpg', ['png']),
    '-o boxes.jpg: expected a name for a PNG, got one that ends in .jpg; name it boxes.png',
  );
  assert.match(refusal('chart.pdf', ['svg', 'png']), /a name for an SVG or a PNG.*name it chart\.svg or chart\.png$/);
  assert.match(refusal('a.b/latents.png', ['stream']), /name it a\.b\/latents\.air; air render draws it$/);
  assert.match(refusal('scenes.air.gz', ['stream']), /name it scenes\.air; or send it through gzip$/);
});

test('a .txt may hold whatever can be read', () => {
  assert.equal(writtenAs('records.txt', ['lines']), 'lines');
  assert.match(refusal('latents.txt', ['stream']), /ends in \.txt/);
});

test('what computers read is not for terminals', () => {
  assert.deepEqual((['stream', 'png', 'tensors', 'npz', 'svg', 'json', 'text'] as const).filter(isBinary), [
    'stream',
    'png',
    'tensors',
    'npz',
  ]);
});
