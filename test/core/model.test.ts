/** What a model draws and scores, against loops in float64; its weights against Pyro's names and PyTorch's bounds. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import * as tf from '@tensorflow/tfjs';
import { decode, drawObject, drawObjectGrad } from '#air/core/model.js';
import { imageLogLik, imageLogLikGrad } from '#air/core/ops/image.js';
import { LinearTape } from '#air/core/ops/linear.js';
import { initialParams, paramSpecs } from '#air/core/parameters.js';
import { PRESETS } from '#air/presets.js';
import { normals, onEachBackend, read } from '../support/backends.js';
import { assertEachNear, assertNear, slopes } from '../support/finite-differences.js';
import { gridSample, placingMap } from '../support/grid-sample.js';
import { TINY } from '../support/tiny-model.js';

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
      assert.deepEqual(logLik.shape, [batch, 1]);
      assertEachNear(await read(logLik), expected, 5e-7, 'log-likelihood');
    });

    for (const hasLater of [false, true]) {
      it(`pulls the canvas towards the image${hasLater ? ', on top of what is drawn on it later' : ''}`, async () => {
        const shape: [number, number, number] = [batch, height, width];
        const later = normals(batch * area, 20);
        const gradient = imageLogLikGrad(
          tf.tensor2d([[1], [2], [-3]]),
          tf.tensor3d(images, shape),
          tf.tensor3d(canvas, shape),
          sd,
          hasLater ? tf.tensor3d(later, shape) : undefined,
        );
        assert.deepEqual(gradient.shape, shape);
        const expected = canvas.map(
          (mean, i) => ([1, 2, -3][Math.floor(i / area)] * (images[i] - mean)) / sd ** 2 + (hasLater ? later[i] : 0),
        );
        assertNear(await read(gradient), expected, 1e-6, 'gradient');
      });
    }

    it('of a perfect canvas is the constant alone', async () => {
      const same = tf.tensor3d(images, [batch, height, width]);
      const constant = -area * Math.log(sd * Math.sqrt(2 * Math.PI));
      assertEachNear(await read(imageLogLik(same, same, sd)), [constant, constant, constant], 1e-7, 'log-likelihood');
    });
  });

  describe('the decoder', () => {
    it('draws a nearly blank window before training, whatever z_what', async () => {
      const params = initialParams(PRESETS.fast.model, 1);
      const pixels = await read(decode(params, PRESETS.fast.model, tf.tensor2d(normals(50 * 20), [50, 20])).y);
      const mean = pixels.reduce((a, b) => a + b) / pixels.length;
      assert.ok(mean > 0.05 && mean < 0.2, `mean ${mean}, sigmoid(-2) is 0.119`);
      assert.ok(pixels.every((pixel) => pixel > 0 && pixel < 0.5));
    });

    it('places what it draws, on top of what is there', async () => {
      const params = initialParams(TINY, 1);
      const where = [2.2, 0.3, -0.4];
      const before = normals(120);
      const drawn = drawObject(
        params,
        TINY,
        tf.tensor2d([where]),
        tf.tensor2d([normals(4)]),
        tf.tensor3d(before, [1, 12, 10]),
      );
      assert.deepEqual(drawn.decoded.y.shape, [1, 25]);
      const window = { height: 5, width: 5, values: await read(drawn.decoded.y) };
      const placed = gridSample(window, placingMap(where), TINY.canvas);
      assertNear(
        await read(drawn.canvas),
        before.map((value, i) => value + placed[i]),
        1e-5,
        'canvas',
      );
    });

    it('is differentiated by where, by what and by every weight', async () => {
      const names = ['seq.0.weight', 'seq.0.bias', 'seq.2.weight', 'seq.2.bias'].map((name) => `decode.mlp.${name}`);
      const shapes = [[7, 4], [7], [25, 7], [25]];
      const weights = shapes.map(([outputs, inputs = 1]) => normals(outputs * inputs));
      const wheres = [
        [2.2, 0.31, -0.43],
        [1.31, -0.73, 0.57],
      ];
      const [whats, dCanvas] = [normals(2 * 4), normals(2 * 120)];
      /** x weight^T + bias */
      const affine = (x: readonly number[], weight: readonly number[], bias: readonly number[]) =>
        bias.map((start, o) => x.reduce((sum, value, i) => sum + value * weight[o * x.length + i], start));
      /** sum of canvas * dCanvas */
      const weighted = ([where, what, ...[weight, bias, outWeight, outBias]]: readonly number[][]) =>
        [0, 1].reduce((sum, b) => {
          const hidden = affine(what.slice(4 * b, 4 * b + 4), weight, bias).map((value) => Math.max(0, value));
          const logits = affine(hidden, outWeight, outBias).map((value) => value + TINY.decoderOutputBias);
          const values = logits.map((value) => 1 / (1 + Math.exp(-value)));
          const map = placingMap(where.slice(3 * b, 3 * b + 3));
          const placed = gridSample({ height: 5, width: 5, values }, map, TINY.canvas);
          return placed.reduce((total, value, i) => total + value * dCanvas[120 * b + i], sum);
        }, 0);
      const inputs = [wheres.flat(), whats, ...weights];
      const expected = inputs.map((input, k) => slopes((x) => weighted(inputs.with(k, x)), input));

      const params = Object.fromEntries(names.map((name, i) => [name, tf.tensor(weights[i], shapes[i])]));
      const [zWhere, zWhat] = [tf.tensor2d(wheres), tf.tensor2d(whats, [2, 4])];
      const drawn = drawObject(params, TINY, zWhere, zWhat, tf.tensor3d(normals(240), [2, 12, 10]));
      const tape = new LinearTape();
      const back = drawObjectGrad(params, TINY, zWhere, drawn, tf.tensor3d(dCanvas, [2, 12, 10]), tape);
      assertNear(await read(back.dZWhere), expected[0], 1e-4, 'gradient by z_where');
      assertNear(await read(back.dZWhat), expected[1], 1e-4, 'gradient by z_what');
      const gradients = tape.gradients();
      assert.deepEqual(Object.keys(gradients).sort(), names.toSorted());
      for (const [i, name] of names.entries()) {
        assertNear(await read(gradients[name]), expected[2 + i], 1e-4, `gradient by ${name}`);
      }
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
