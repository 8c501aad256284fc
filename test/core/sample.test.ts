/** Scenes drawn from the prior: as many objects as the prior says, where it says, and drawn where their boxes are. */
import assert from 'node:assert/strict';
import { it } from 'node:test';
import * as tf from '@tensorflow/tfjs';
import type { CountPriorName } from '#air/core/config.js';
import { toBytes } from '#air/core/images.js';
import { drawObject, makeModel } from '#air/core/model.js';
import { initialParams } from '#air/core/parameters.js';
import { Draws } from '#air/core/rng.js';
import { sampleScenes } from '#air/core/sample.js';
import { assertCloseOverall } from '../support/assert-close.js';
import { onEachBackend, read } from '../support/backends.js';
import { TINY } from '../support/tiny-model.js';

const indices = (size: number, from = 0) => Array.from({ length: size }, (_, i) => from + i);

onEachBackend(() => {
  const model = (changes: Partial<typeof TINY> = {}) => {
    const config = { ...TINY, ...changes };
    return makeModel(config, initialParams(config, 1));
  };

  it('makes scene i a function of the seed and i alone', async () => {
    const options = { seed: 5, objects: undefined };
    const all = await sampleScenes(model(), indices(9), options);
    assert.deepEqual(
      all.map(({ i }) => i),
      indices(9),
    );
    assert.deepEqual(
      [...(await sampleScenes(model(), indices(4), options)), ...(await sampleScenes(model(), indices(5, 4), options))],
      all,
    );
    assert.notDeepEqual(await sampleScenes(model(), indices(9), { ...options, seed: 6 }), all);
  });

  it('draws as many objects as asked, the same first ones', async () => {
    const scenes = await Promise.all(
      [0, 1, 2, 3].map((objects) => sampleScenes(model(), indices(5), { seed: 1, objects })),
    );
    scenes.forEach((ofCount, objects) => {
      ofCount.forEach(({ boxes, image }, i) => {
        assert.equal(boxes.length, objects);
        assert.deepEqual(boxes, scenes[3][i].boxes.slice(0, objects));
        if (objects === 0) assert.ok(image.every((pixel) => pixel === 0));
      });
    });
  });

  it('draws one of the counts asked for, each as often, and the rest as ever', async () => {
    const [size, counts] = [3000, [0, 1, 3]];
    const scenes = await sampleScenes(model(), indices(size), { seed: 1, objects: counts });
    for (const n of counts) {
      const share = scenes.filter(({ boxes }) => boxes.length === n).length / size;
      assert.ok(Math.abs(share - 1 / 3) < 4 * Math.sqrt(2 / 9 / size), `${share} with ${n}`);
    }
    const threes = await sampleScenes(model(), indices(20), { seed: 1, objects: 3 });
    for (const { i, boxes } of scenes.slice(0, 20)) assert.deepEqual(boxes, threes[i].boxes.slice(0, boxes.length));
  });

  it('draws counts and places as the prior has them', async () => {
    const size = 3000;
    const draw = (countPrior: CountPriorName) =>
      sampleScenes(model({ zPresPrior: 0.5, countPrior }), indices(size), { seed: 2, objects: undefined });
    const scenes = await draw('geometric');
    for (const { some, probs } of [
      { some: scenes, probs: [8 / 15, 4 / 15, 2 / 15, 1 / 15] },
      { some: await draw('trials'), probs: [1 / 2, 1 / 4, 1 / 8, 1 / 8] },
    ]) {
      const counts = [0, 0, 0, 0];
      for (const { boxes } of some) counts[boxes.length]++;
      probs.forEach((p, n) => {
        assert.ok(
          Math.abs(counts[n] / size - p) < 4 * Math.sqrt((p * (1 - p)) / size),
          `${counts[n]} scenes with ${n}`,
        );
      });
    }
    const sides = scenes.flatMap(({ boxes }) => boxes.map(([, , width]) => 10 / width)); // s ~ N(3, 0.2)
    const mean = sides.reduce((a, b) => a + b) / sides.length;
    const sd = Math.sqrt(sides.reduce((sum, s) => sum + (s - mean) ** 2, 0) / sides.length);
    assert.ok(Math.abs(mean - 3) < (4 * 0.2) / Math.sqrt(sides.length), `mean scale ${mean}`);
    assert.ok(Math.abs(sd - 0.2) < (4 * 0.2) / Math.sqrt(2 * sides.length), `sd of the scale ${sd}`);
  });

  it('draws sides and centres as their prior has them, mirrored ones too, and boxes where they are', async () => {
    const drawing = model({ zWhere: 'sides', scalePriorMean: 0.1, scalePriorSd: 0.5, posPriorSd: 0.4 });
    const scenes = await sampleScenes(drawing, indices(5), { seed: 3, objects: 2 });
    const signs = new Set<number>();
    for (const { i, image, boxes } of scenes) {
      const draws = new Draws(3, 'prior', i);
      draws.uniform(); // the count
      let canvas: tf.Tensor3D = tf.zeros([1, 12, 10]);
      for (let t = 0; t < 2; t++) {
        const [sx, x, sy, y] = [0.1, 0, 0.1, 0].map((mean, d) => mean + [0.5, 0.4][d % 2] * draws.normal());
        const zWhat = tf.tensor2d([Array.from(draws.fillNormal(new Float32Array(4)))]);
        const held = (side: number) => Math.sign(side) * Math.max(0.1, Math.abs(side));
        const affine = tf.tensor2d([[1 / held(sx), -x / held(sx), 1 / held(sy), -y / held(sy)]]);
        ({ canvas } = drawObject(drawing, { affine, zWhat }, canvas));
        const [w, h] = [10 * Math.abs(held(sx)), 12 * Math.abs(held(sy))];
        assertCloseOverall(boxes[t], [5 * (1 + x) - w / 2, 6 * (1 + y) - h / 2, w, h], 1e-6, 'box');
        signs.add(Math.sign(sx)).add(Math.sign(sy));
      }
      assertCloseOverall(image, toBytes(Float32Array.from(await read(canvas))), 1 / 255, 'image', 255);
    }
    assert.equal(signs.size, 2, 'some are mirrored, some are not');
  });

  it('draws the objects whose draws it made', async () => {
    const drawing = model();
    const [scene] = await sampleScenes(drawing, [7], { seed: 3, objects: 2 });
    const draws = new Draws(3, 'prior', 7);
    draws.uniform(); // the count
    let canvas: tf.Tensor3D = tf.zeros([1, 12, 10]);
    for (let t = 0; t < 2; t++) {
      const zWhere = tf.tensor2d([[3 + 0.2 * draws.normal(), draws.normal(), draws.normal()]]);
      const zWhat = tf.tensor2d([Array.from(draws.fillNormal(new Float32Array(4)))]);
      ({ canvas } = drawObject(drawing, { affine: zWhere, zWhat }, canvas));
    }
    assert.ok(scene.image.some((pixel) => pixel > 0));
    assertCloseOverall(scene.image, toBytes(Float32Array.from(await read(canvas))), 1 / 255, 'image', 255);
  });
});
