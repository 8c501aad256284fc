/** The weights of a model against Pyro's names and PyTorch's bounds. */
import assert from 'node:assert/strict';
import { before, describe, it } from 'node:test';
import { startBackend } from '#air/backends/start.js';
import { initialParams, paramSpecs } from '#air/core/parameters.js';
import { PRESETS } from '#air/presets.js';
import { TINY } from '../support/tiny-model.js';

describe('the weights', () => {
  before(async () => {
    await startBackend('cpu');
  });

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

  it('follow how many numbers z_where is: sides and centre are four', () => {
    const sizes = (zWhere: 'offset' | 'sides') =>
      named({ ...TINY, zWhere }).filter((name) => /rnn.weight_ih|predict.mlp.seq.2|z_where/.test(name));
    const rest = ['predict.mlp.seq.2.weight 7x6', 'predict.mlp.seq.2.bias 7', 'z_where_init 1x3'];
    assert.deepEqual(sizes('offset'), ['rnn.weight_ih 32x14', ...rest]);
    const four = ['predict.mlp.seq.2.weight 9x6', 'predict.mlp.seq.2.bias 9', 'z_where_init 1x4'];
    assert.deepEqual(sizes('sides'), ['rnn.weight_ih 32x15', ...four]);
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
