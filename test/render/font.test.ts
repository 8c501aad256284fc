/** Glyphs and the width of text. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { GLYPH_HEIGHT, glyphRows, textWidth } from '#air/render/font.js';

function art(character: string): string[] {
  return glyphRows(character).map((row) => row.toString(2).padStart(5, '0').replaceAll('0', '.').replaceAll('1', '#'));
}

test('glyphs are what they should be, at both ends of the atlas', () => {
  assert.deepEqual(art('7'), ['#####', '....#', '...#.', '..#..', '.#...', '.#...', '.#...', '.....', '.....']);
  assert.deepEqual(art(' '), Array(9).fill('.....'));
  assert.deepEqual(art('!').slice(0, 7), ['..#..', '..#..', '..#..', '..#..', '..#..', '.....', '..#..']);
  assert.deepEqual(art('g').slice(2), ['.####', '#...#', '#...#', '#...#', '.####', '....#', '.###.']);
  assert.deepEqual(art('\u2265').slice(0, 7), ['##...', '..##.', '....#', '..##.', '##...', '.....', '#####']);
});

test('every printable character has a glyph of its own; others show as a question mark', () => {
  const seen = new Set<string>();
  for (let code = 32; code < 127; code++) {
    const rows = glyphRows(String.fromCharCode(code));
    assert.equal(rows.length, GLYPH_HEIGHT);
    assert.ok(rows.every((row) => Number.isInteger(row) && row >= 0 && row < 32));
    seen.add(rows.join());
  }
  assert.equal(seen.size, 95);
  assert.deepEqual(glyphRows('\u00e4'), glyphRows('?'));
});

test('widths: five pixels a character, one between', () => {
  assert.equal(textWidth(''), 0);
  assert.equal(textWidth('1'), 5);
  assert.equal(textWidth('P(n)', 2), 46);
});
