/** Looks at moved images: where pixels go, and what several looks say together. */
import assert from 'node:assert/strict';
import { it, test } from 'node:test';
import { argmax, presenceProbs } from '#air/core/count.js';
import { joinImages, splitImages } from '#air/core/images.js';
import { infer } from '#air/core/infer.js';
import { makeModel } from '#air/core/model.js';
import { initialParams } from '#air/core/parameters.js';
import { geometricMeanLog, shiftImages, shiftsWithin } from '#air/core/shifts.js';
import { assertCloseOverall } from '../support/assert-close.js';
import { onEachBackend } from '../support/backends.js';
import { bars, TINY } from '../support/tiny-model.js';

test('all shifts within reach, each once, none of nothing', () => {
  assert.deepEqual(shiftsWithin(0), []);
  const shifts = shiftsWithin(2);
  assert.equal(new Set(shifts.map(String)).size, 24);
  assert.ok(shifts.every(([dx, dy]) => Math.max(Math.abs(dx), Math.abs(dy)) <= 2 && (dx !== 0 || dy !== 0)));
});

test('a pixel goes where it is moved, or is lost', () => {
  const canvas = [3, 4] as const;
  for (const [dx, dy] of [...shiftsWithin(5), [0, 0] as const]) {
    for (let at = 0; at < 12; at++) {
      const image = new Uint8Array(12);
      image[at] = 7;
      const [x, y] = [(at % 4) + dx, Math.floor(at / 4) + dy];
      const expected = new Uint8Array(12);
      if (x >= 0 && x < 4 && y >= 0 && y < 3) expected[y * 4 + x] = 7;
      const moved = splitImages(shiftImages(joinImages([new Uint8Array(12), image]), [dx, dy], canvas));
      assert.deepEqual(moved, [new Uint8Array(12), expected], `${at} by ${dx}, ${dy}`);
    }
  }
});

test('the geometric mean of distributions is one, between them', () => {
  const logs = [[0.7, 0.2, 0.1].map(Math.log), [0.1, 0.2, 0.7].map(Math.log)];
  const mean = geometricMeanLog(logs).map(Math.exp);
  const roots = [Math.sqrt(0.07), 0.2, Math.sqrt(0.07)];
  const total = roots.reduce((sum, root) => sum + root);
  for (const [n, p] of mean.entries()) assert.ok(Math.abs(p - roots[n] / total) < 1e-12);
  assert.deepEqual(geometricMeanLog([[0, -800]]), [0, -800]);
});

onEachBackend(() => {
  it('q(n) is the geometric mean over moved images, all else that of the image where it is', async () => {
    const model = makeModel(TINY, initialParams(TINY, 15));
    const [images, indices] = [bars(6), [0, 1, 2, 3, 4, 5]];
    const options = { mode: 'mean', samples: 2, seed: 1 } as const;
    const once = await infer(model, images, indices, options);
    const often = await infer(model, images, indices, { ...options, shifts: 1 });
    const looks = [once];
    for (const shift of shiftsWithin(1)) {
      looks.push(await infer(model, shiftImages(images, shift, TINY.canvas), indices, options));
    }
    assert.equal(looks.length, 9);
    assert.notDeepEqual(looks[1][0].q, once[0].q);
    for (const [b, { q, n, steps, terms, evidence }] of often.entries()) {
      const roots = q.map((_, k) => looks.reduce((product, look) => product * look[b].q[k], 1) ** (1 / 9));
      const total = roots.reduce((sum, root) => sum + root);
      const expected = roots.map((root) => root / total);
      assertCloseOverall(q, expected, 1e-5, 'q');
      assert.equal(n, argmax(q));
      assert.deepEqual(
        steps.map(({ p }) => p),
        presenceProbs(q),
      );
      assert.deepEqual(
        steps.map(({ where, what }) => ({ where, what })),
        once[b].steps.map(({ where, what }) => ({ where, what })),
      );
      assert.deepEqual([terms, evidence], [once[b].terms, once[b].evidence]);
    }
  });
});
