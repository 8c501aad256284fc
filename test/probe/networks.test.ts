/** Networks of a probe: convolutions as tfjs has them, gradients as its tape gives them. */
import assert from 'node:assert/strict';
import { before, test } from 'node:test';
import * as tf from '@tensorflow/tfjs';
import { Draws } from '#air/core/rng.js';
import type { NetworkName } from '#air/probe/names.js';
import { networks } from '#air/probe/networks.js';
import { patchesOf, placesOf, sumPatches } from '#air/probe/patches.js';

before(async () => {
  await tf.setBackend('cpu');
});

const normals = (count: number, seed = 1) => new Draws(seed, 'prior').fillNormal(new Float32Array(count));

test('patches times filters are the convolution of tfjs', async () => {
  const sweep = { side: 7, channels: 2, window: 3, stride: 2 };
  const [images, filters] = [normals(2 * 7 * 7 * 2), normals(3 * 3 * 2 * 4, 2)];
  const expected = tf.conv2d(tf.tensor4d(images, [2, 7, 7, 2]), tf.tensor4d(filters, [3, 3, 2, 4]), 2, 'valid');
  const patches = tf.tensor2d(patchesOf(images, sweep), [2 * placesOf(sweep) ** 2, 18]);
  const product = tf.matMul(patches, tf.tensor2d(filters, [18, 4]));
  const [a, b] = [await product.data(), await expected.data()];
  assert.equal(a.length, b.length);
  assert.ok(a.every((value, i) => Math.abs(value - b[i]) < 1e-5));
});

test('sums of patches are the transpose of cutting them', () => {
  const sweep = { side: 6, channels: 3, window: 3, stride: 2 };
  const images = normals(2 * 6 * 6 * 3);
  const cut = patchesOf(images, sweep);
  const patches = normals(cut.length, 2);
  const dot = (a: Float32Array, b: Float32Array) => a.reduce((sum, value, i) => sum + value * b[i], 0);
  assert.ok(Math.abs(dot(cut, patches) - dot(images, sumPatches(patches, sweep))) < 1e-3);
});

/** Weights [out, in] of a layer as tfjs multiplies with them. */
const dense = (x: tf.Tensor2D, weight: tf.Tensor, bias: tf.Tensor): tf.Tensor2D =>
  tf.add(tf.matMul(x, weight as tf.Tensor2D, false, true), bias);

/** The same networks in layers of tfjs, for its tape to go back through. */
const SAME: { readonly [name in NetworkName]: (x: tf.Tensor2D, w: readonly tf.Tensor[]) => tf.Tensor2D } = {
  mlp: (x, w) => dense(tf.relu(dense(tf.relu(dense(x, w[0], w[1])), w[2], w[3])), w[4], w[5]),
  cnn: (x, w) => {
    let images: tf.Tensor4D = tf.reshape(x, [2, 15, 15, 1]);
    for (const [i, window] of [5, 3].entries()) {
      const [filters, channels] = [w[2 * i].shape[0], images.shape[3]];
      const kernel = tf.reshape(tf.transpose(w[2 * i]), [window, window, channels, filters]) as tf.Tensor4D;
      images = tf.relu(tf.add(tf.conv2d(images, kernel, 2, 'valid'), w[2 * i + 1]));
    }
    return dense(tf.relu(dense(tf.reshape(images, [2, -1]), w[4], w[5])), w[6], w[7]);
  },
};

for (const name of ['mlp', 'cnn'] as const) {
  test(`${name}: logits and gradients are those of layers of tfjs`, async () => {
    // 15 px: 6 places a side, then 2, which are too few for a third convolution
    const network = networks[name]({ inputs: 15 * 15, classes: 3, width: 8 });
    const rows = { values: normals(2 * 15 * 15), width: 15 * 15 };
    const weights = network.specs.map(({ shape }, i) =>
      tf.div(tf.tensor(normals(tf.util.sizeFromShape(shape), 10 + i), shape), 3),
    );
    const dLogits = tf.tensor2d(normals(6, 3), [2, 3]);
    const params = Object.fromEntries(network.specs.map((spec, i) => [spec.name, weights[i]]));
    const { logits, back } = await network.pass(params, rows);
    const gradients = await back(dLogits);

    const x = tf.tensor2d(rows.values, [2, 15 * 15]);
    const same = (...w: tf.Tensor[]) => SAME[name](x, w);
    assertClose(await logits.data(), await same(...weights).data());
    const expected = tf.grads(same)(weights, dLogits);
    assert.equal(Object.keys(gradients).length, weights.length);
    for (const [i, spec] of network.specs.entries()) {
      assertClose(await gradients[spec.name].data(), await expected[i].data(), spec.name);
    }
  });
}

function assertClose(got: ArrayLike<number>, expected: ArrayLike<number>, what?: string): void {
  assert.equal(got.length, expected.length, what);
  const most = Math.max(...Array.from(expected, Math.abs));
  assert.ok(most > 0, what);
  for (let i = 0; i < got.length; i++) assert.ok(Math.abs(got[i] - expected[i]) < 1e-5 * most, what);
}
