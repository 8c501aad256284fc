/** What a model draws and scores, against loops in float64; its weights against Pyro's names and PyTorch's bounds. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import * as tf from '@tensorflow/tfjs';
import { PRESETS } from '#air/core/config.js';
import { decode, drawObject, imageLogLik } from '#air/core/model.js';
import { initialParams, paramSpecs } from '#air/core/parameters.js';
import { gradientsOf, normals, onEachBackend, read } from './backends.js';
import { assertEachNear, assertNear } from './finite-differences.js';
import { gridSample, placingMap } from './grid-sample.js';
import { TINY } from './tiny-model.js';

onEachBackend(() => {
  describe('imageLogLik', () => {
    const [batch, height, width, sd] = [3, 50, 50, 0.3];
    const area = height * width;
    const images = normals(batch * area, 0.5, [0.5]);
    const canvas = normals(batch * area, 0.5, [0.5]);

    it('is the sum over pixels of log N(x; mean, sd^2), to seven digits', async () => {
      const expected = [0, 1, 2].map((b) => {
        let sum = 0;
        for (let i = b * area; i < (b + 1) * area; i++) {
          sum += -0.5 * ((images[i] - canvas[i]) / sd) ** 2 - Math.log(sd * Math.sqrt(2 * Math.PI));
        }
        return sum;
      });
      const shape: [number, number, number] = [batch, height, width];
      const logLik = imageLogLik(tf.tensor3d(images, shape), tf.tensor3d(canvas, shape), sd);
      assert.deepEqual(logLik.shape, [batch]);
      assertEachNear(await read(logLik), expected, 5e-7, 'log-likelihood');
    });

    it('pulls the canvas towards the image', async () => {
      const shape: [number, number, number] = [batch, height, width];
      const [gradient] = await gradientsOf(
        (mean) =>
          tf.sum(
            tf.mul(imageLogLik(tf.tensor3d(images, shape), mean as tf.Tensor3D, sd), tf.tensor1d([1, 2, -3])),
          ) as tf.Scalar,
        [{ shape, values: canvas }],
      );
      const expected = canvas.map((mean, i) => ([1, 2, -3][Math.floor(i / area)] * (images[i] - mean)) / sd ** 2);
      assertNear(gradient, expected, 1e-6, 'gradient');
    });

    it('of a perfect canvas is the constant alone', async () => {
      const same = tf.tensor3d(images, [batch, height, width]);
      const constant = -area * Math.log(sd * Math.sqrt(2 * Math.PI));
      assertEachNear(await read(imageLogLik(same, same, sd)), [constant, constant, constant], 1e-7, 'log-likelihood');
    });
  });

  describe('the decoder', () => {
    it('draws a nearly blank window before training, whatever z_what', async () => {
      const params = initialParams(PRESETS.fast.model, 1);
      const pixels = await read(decode(params, PRESETS.fast.model, tf.tensor2d(normals(50 * 20), [50, 20])));
      const mean = pixels.reduce((a, b) => a + b) / pixels.length;
      assert.ok(mean > 0.05 && mean < 0.2, `mean ${mean}, sigmoid(-2) is 0.119`);
      assert.ok(pixels.every((pixel) => pixel > 0 && pixel < 0.5));
    });

    it('places what it draws', async () => {
      const params = initialParams(TINY, 1);
      const where = [2.2, 0.3, -0.4];
      const { decoded, placed } = drawObject(params, TINY, tf.tensor2d([where]), tf.tensor2d([normals(4)]));
      assert.deepEqual(decoded.shape, [1, 5, 5]);
      const window = { height: 5, width: 5, values: await read(decoded) };
      assertNear(await read(placed), gridSample(window, placingMap(where), TINY.canvas), 1e-5, 'canvas');
    });
  });
});

describe('the weights', () => {
  const named = (config: typeof TINY) => paramSpecs(config).map(({ name, shape }) => `${name} ${shape.join('x')}`);

  it("have the names and shapes of Pyro's example where the guide sees the image alone", () => {
    const pyro = {
      ...PRESETS.fast.model,
      guideInput: 'image' as const,
      embedNet: [],
      rnnHiddenSize: 256,
      zWhatSize: 50,
    };
    // shared with Pyro's state_dict; 2554 = 2500 pixels + 3 + 50 + 1
    assert.deepEqual(named(pyro).sort(), [
      'c_init 1x256',
      'decode.mlp.seq.0.bias 200',
      'decode.mlp.seq.0.weight 200x50',
      'decode.mlp.seq.2.bias 784',
      'decode.mlp.seq.2.weight 784x200',
      'encode.mlp.seq.0.bias 200',
      'encode.mlp.seq.0.weight 200x784',
      'encode.mlp.seq.2.bias 100',
      'encode.mlp.seq.2.weight 100x200',
      'h_init 1x256',
      'predict.mlp.seq.0.bias 200',
      'predict.mlp.seq.0.weight 200x256',
      'predict.mlp.seq.2.bias 7',
      'predict.mlp.seq.2.weight 7x200',
      'rnn.bias_hh 1024',
      'rnn.bias_ih 1024',
      'rnn.weight_hh 1024x256',
      'rnn.weight_ih 1024x2554',
      'z_what_init 1x50',
      'z_where_init 1x3',
    ]);
  });

  it('follow what the guide sees', () => {
    const ofGuide = (guideInput: 'image' | 'difference' | 'both', embedNet: number[]) =>
      named({ ...TINY, guideInput, embedNet }).filter((name) => /^embed|weight_ih/.test(name));
    // canvas 12 x 10, pooled 6 x 5; the LSTM also gets 3 + 4 + 1 numbers of the object before
    assert.deepEqual(ofGuide('image', []), ['rnn.weight_ih 32x128']);
    assert.deepEqual(ofGuide('difference', []), ['rnn.weight_ih 32x38']);
    assert.deepEqual(ofGuide('both', []), ['rnn.weight_ih 32x158']);
    assert.deepEqual(ofGuide('image', [6]), ['embed.seq.0.weight 6x120', 'embed.seq.0.bias 6', 'rnn.weight_ih 32x14']);
    assert.deepEqual(ofGuide('difference', [9, 6]), [
      'embed.seq.0.weight 9x30',
      'embed.seq.0.bias 9',
      'embed.seq.2.weight 6x9',
      'embed.seq.2.bias 6',
      'rnn.weight_ih 32x14',
    ]);
    assert.deepEqual(ofGuide('both', [6]), [
      'embed.seq.0.weight 6x120',
      'embed.seq.0.bias 6',
      'embed_difference.seq.0.weight 6x30',
      'embed_difference.seq.0.bias 6',
      'rnn.weight_ih 32x20',
    ]);
  });

  it('start uniform within +-1/sqrt(inputs), +-1/sqrt(hidden) in the LSTM, states at 0', async () => {
    const params = initialParams(PRESETS.small.model, 5);
    const bounds: { [name: string]: number } = {
      'embed.seq.0.weight': 1 / 25,
      'embed.seq.0.bias': 1 / 25,
      'rnn.weight_ih': 1 / 8,
      'rnn.weight_hh': 1 / 8,
      'rnn.bias_ih': 1 / 8,
      'encode.mlp.seq.0.weight': 1 / 20,
      'decode.mlp.seq.2.weight': 1 / 8,
    };
    for (const [name, bound] of Object.entries(bounds)) {
      const values = await params[name].data();
      const share = (from: number, to: number) => values.filter((v) => v >= from * bound && v < to * bound).length;
      assert.equal(share(-1, 1), values.length, `${name} within its bound`);
      for (const from of [-1, -0.5, 0, 0.5]) {
        const spread = Math.sqrt((values.length * 3) / 16);
        assert.ok(Math.abs(share(from, from + 0.5) - values.length / 4) < 4 * spread, `${name} is uniform`);
      }
    }
    for (const name of ['h_init', 'c_init', 'z_where_init', 'z_what_init']) {
      assert.ok((await params[name].data()).every((value) => value === 0));
    }
  });

  it('depend on the seed alone', async () => {
    const bytes = async (seed: number) => {
      const params = initialParams(TINY, seed);
      return Promise.all(Object.values(params).map((tensor) => tensor.data()));
    };
    assert.deepEqual(await bytes(1), await bytes(1));
    assert.notDeepEqual(await bytes(1), await bytes(2));
  });
});
