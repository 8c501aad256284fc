/** The canvas as pictures show it, against the one that inference made, and against grid_sample in float64. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { boxOf, boxOfSides } from '#air/core/images.js';
import { canvasAfter } from '#air/render/placing.js';
import { airOk, recordsOf } from '../support/air.js';
import { gridSample, placingMap } from '../support/grid-sample.js';

/** A window whose every pixel is another, brighter to the right and downwards. */
const [height, width] = [5, 4];
const window = Uint8Array.from({ length: height * width }, (_, k) => 10 + 5 * k);

for (const where of [
  [2, 0.3, -0.4],
  [1.4, -0.9, 0.2],
  [2.2, 0.3, 1.7, -0.2],
  [2, 0.1, -3, 0.2],
  [-2.5, 0.4, 1.2, 0],
]) {
  test(`a window at (${where}) lies where grid_sample puts it`, () => {
    const canvas: [number, number] = [12, 10];
    const zWhere = Float32Array.from(where);
    const map = where.length === 3 ? where : [1 / where[0], -where[1] / where[0], 1 / where[2], -where[3] / where[2]];
    const box = where.length === 3 ? boxOf(zWhere, canvas) : boxOfSides(zWhere, canvas);
    const expected = gridSample({ height, width, values: window }, placingMap(map), canvas);
    const found = canvasAfter([{ box, where: zWhere, window }], [height, width], canvas);
    assert.ok(expected.some((value) => value > 20));
    expected.forEach((value, at) => {
      assert.ok(Math.abs(found[at] - value) <= 0.5 + 1e-3, `pixel ${at}: ${found[at]}, not ${value}`);
    });
  });
}

test('objects add up, to white at most', () => {
  const one = { box: [2, 2, 6, 6] as const, where: new Float32Array(3).fill(1), window: new Uint8Array(20).fill(100) };
  const at = (steps: number): number => canvasAfter(Array(steps).fill(one), [height, width], [10, 10])[5 * 10 + 5];
  assert.deepEqual([0, 1, 2, 3].map(at), [0, 100, 200, 255]);
});

test('after the last counted step it is the reconstruction', async () => {
  const scenes = await airOk('.', 'gen-data --split test --count 12 --seed 4 -q');
  const records = await recordsOf(await airOk('.', 'infer digits --backend wasm --no-elbo -q', scenes));
  let drawn = 0;
  for (const record of records) {
    assert.ok('n' in record && record.reconstruction !== undefined);
    const steps = record.steps.slice(0, record.n).map((step) => ({ ...step, window: step.window ?? new Uint8Array() }));
    const side = Math.sqrt(record.steps[0].window?.length ?? 0);
    const found = canvasAfter(steps, [side, side], [50, 50]);
    drawn += record.n;
    // Windows and reconstruction are rounded, each.
    record.reconstruction.forEach((value, at) => {
      assert.ok(
        Math.abs(found[at] - value) <= 1 + record.n,
        `image ${record.i}, pixel ${at}: ${found[at]}, not ${value}`,
      );
    });
  }
  assert.ok(drawn > 10, `${drawn} objects`);
});
