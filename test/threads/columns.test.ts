/** Rows packed into columns are the same rows again. */
import assert from 'node:assert/strict';
import { it } from 'node:test';
import { toColumns, toRows } from '#air/threads/columns.js';

it('there and back, whatever their number', () => {
  for (const size of [0, 1, 3]) {
    const rows = Array.from({ length: size }, (_, i) => ({
      logits: Float32Array.of(i, i + 0.5),
      cost: Float32Array.of(-i),
    }));
    const packed = toColumns(rows);
    assert.equal(packed.size, size);
    assert.deepEqual(toRows(structuredClone(packed)), rows);
  }
  assert.deepEqual(toColumns([{ a: [1, 2] }, { a: [3, 4] }]).columns.a, Float32Array.of(1, 2, 3, 4));
});
