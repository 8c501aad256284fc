/** `air export`: weights that were imported come out as they went in, what Pyro's class cannot be is refused by name; images as arrays. */
import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { paramSpecs } from '#air/core/parameters.js';
import { decodeNpzArray, readNpzMember } from '#air/formats/npz.js';
import type { Scene } from '#air/formats/records.js';
import { decodeSafetensors, encodeSafetensors, sealSafetensors } from '#air/formats/safetensors.js';
import { PRESETS } from '#air/presets.js';
import { encodeCheckpoint } from '#air/train/checkpoint.js';
import type { Settings } from '#air/train/config.js';
import { lackingInPyro, pyroCall } from '#air/train/pyro/to-pyro.js';
import { weightGroups } from '#air/train/weight-groups.js';
import { air, airOk, recordsOf } from '../support/air.js';
import { freshFolder } from '../support/folder.js';
import { sha256 } from '../support/sha256.js';
import { bitsOf, F32, PYRO, stateDict } from '../support/state-dict.js';

/** A small model that Pyro's class can be. */
const PLAIN: Settings = {
  config: { ...PRESETS.small.model, guideInput: 'image', embedNet: [], rnnHiddenSize: 4, windowSize: 6 },
  training: { ...PRESETS.small.training, sumPairs: 0, estimator: 'nvil' },
};

/** Writes a model whose weights tell their names apart. */
function writeModel(file: string, settings: Settings): void {
  const specs = weightGroups(settings).flatMap((group) => group.specs);
  const params = new Map(specs.map(({ name, shape }, i) => [name, { shape, values: F32(shape, i / 7).data }]));
  const rest = { step: 1, data: '', backend: '', metrics: {}, provenance: [] };
  writeFileSync(file, sealSafetensors(encodeCheckpoint({ ...settings, params, ...rest }), sha256));
}

describe('export of images', () => {
  it('gives arrays of all images and counts, in their order', async (t) => {
    const folder = freshFolder(t);
    await airOk(folder, 'gen-data --count 7 --seed 1 -q -o a.air');
    await airOk(folder, 'gen-data --count 5 --seed 2 -q -o b.air');
    const both = Buffer.concat(['a.air', 'b.air'].map((name) => readFileSync(join(folder, name))));
    const scenes = (await recordsOf(both)) as Scene[];
    const npz = await airOk(folder, 'export - --format npz', both);
    const x = decodeNpzArray(npz, 'x', 'npz');
    assert.deepEqual(x.shape, [12, 50, 50]);
    assert.ok(Buffer.concat(scenes.map(({ image }) => image)).equals(x.data as Uint8Array));
    assert.ok((await airOk(folder, 'export -', both)).equals(npz), 'npz is what scenes become');
    // .npy of the counts: a header of 128 bytes, then int32
    const counts = Buffer.concat([...readNpzMember(npz, 'count', 'npz')]);
    assert.match(counts.toString('latin1'), /'descr': '<i4', 'fortran_order': False, 'shape': \(12,\)/);
    const read = Array.from({ length: 12 }, (_, i) => counts.readInt32LE(128 + 4 * i));
    assert.deepEqual(
      read,
      scenes.map(({ count }) => count),
    );
  });

  it('leaves counts out that are not known of every image', async (t) => {
    const folder = freshFolder(t);
    await airOk(folder, 'gen-data --count 3 --seed 1 -q -o a.air');
    writeFileSync(join(folder, 'a.npz'), await airOk(folder, 'export a.air'));
    const npz = await airOk(folder, 'export a.npz');
    assert.deepEqual(decodeNpzArray(npz, 'x', 'npz'), decodeNpzArray(readFileSync(join(folder, 'a.npz')), 'x', 'npz'));
    assert.throws(() => [...readNpzMember(npz, 'count', 'npz')], /no array count in it, only x/);
  });
});

describe('export', () => {
  it('gives back what was imported, every tensor to the bit', async (t) => {
    const folder = freshFolder(t);
    const tensors = stateDict();
    const zeros = tensors.get('h_init');
    assert.ok(zeros);
    (zeros.data as Float32Array).set([-0, 1e-42]); // a sign, and a number below the normal ones
    writeFileSync(join(folder, 'pyro.safetensors'), encodeSafetensors(tensors, {}));
    await airOk(folder, 'import pyro.safetensors -q -o m.safetensors');
    await airOk(folder, 'export m.safetensors -q -o out.safetensors');
    const out = decodeSafetensors(readFileSync(join(folder, 'out.safetensors')), 'out');
    assert.deepEqual(out.metadata, { format: 'pt' });
    assert.deepEqual([...out.tensors.keys()].sort(), [...tensors.keys()].sort());
    for (const [name, { dtype, shape, data }] of tensors) {
      const found = out.tensors.get(name);
      assert.deepEqual([found?.dtype, found?.shape], [dtype, shape], name);
      assert.deepEqual(bitsOf(found?.data), bitsOf(data), name);
    }
  });

  it('says how the class is to be called', async (t) => {
    const folder = freshFolder(t);
    writeFileSync(join(folder, 'pyro.safetensors'), encodeSafetensors(stateDict(), {}));
    await airOk(folder, 'import pyro.safetensors -q --activation elu --decoder-output-bias=-2 -o m.safetensors');
    const { stderr } = await air(folder, 'export m.safetensors -o out.safetensors');
    const { raw } = PYRO;
    const call =
      `AIR(num_steps=3, x_size=50, window_size=${raw.window_size}, z_what_size=${raw.z_what_size}, ` +
      `rnn_hidden_size=${raw.rnn_hidden_size}, encoder_net=[24], decoder_net=[24], predict_net=[24], bl_predict_net=[24], ` +
      'non_linearity="ELU", decoder_output_bias=-2, decoder_output_use_sigmoid=False, baseline_scalar=1, likelihood_sd=0.3)';
    assert.equal(String(stderr), `air export: ${stateDict().size} tensors, for ${call}\n`);
    const unmasked = { ...PLAIN, training: { ...PLAIN.training, masking: false } };
    assert.match(pyroCall(unmasked), /^AIR\(.*bl_predict_net=\[200\].*use_masking=False/);
    const withMlp = { ...PLAIN, training: { ...PLAIN.training, baseline: 'mlp' as const } };
    assert.match(pyroCall(withMlp), /^AIR\((?!.*bl_predict_net).*use_baselines=False/);
  });

  it('has the weights of a model that was trained here, and its priors', async (t) => {
    const folder = freshFolder(t);
    for (const estimator of ['nvil', 'enumerate'] as const) {
      const settings = { ...PLAIN, training: { ...PLAIN.training, estimator } };
      writeModel(join(folder, 'm.safetensors'), settings);
      const { stderr } = await air(folder, 'export m.safetensors -o out.safetensors');
      const { tensors } = decodeSafetensors(readFileSync(join(folder, 'out.safetensors')), 'out');
      const names = weightGroups(settings).flatMap(({ specs }) => specs.map(({ name }) => name));
      assert.deepEqual([...tensors.keys()].sort(), [...names, 'z_where_loc_prior', 'z_where_scale_prior'].sort());
      assert.equal(
        [...tensors.keys()].some((name) => name.startsWith('bl_')),
        estimator === 'nvil',
      );
      assert.equal(
        /without a baseline \(strict=False\).*use_baselines=False/.test(String(stderr)),
        estimator !== 'nvil',
      );
      assert.deepEqual([...(tensors.get('z_where_loc_prior')?.data ?? [])], [3, 0, 0]);
      const specs = paramSpecs(settings.config);
      assert.deepEqual(tensors.get(specs[5].name)?.data, F32(specs[5].shape, 5 / 7).data);
    }
  });

  it('refuses a model that Pyro has no counterpart for, by the name of the setting', async (t) => {
    const folder = freshFolder(t);
    const others = {
      guideInput: 'difference',
      zWhere: 'absolute',
      likelihood: 'bernoulli',
      decoderScale: 0.5,
      guideFeedback: false,
      initialState: 'zero',
      zPresBias: 1,
      zScaleBias: 0.5,
    } as const;
    const knowsAlone = lackingInPyro({ ...PLAIN.config, ...others });
    assert.deepEqual(knowsAlone.map(({ key }) => key).sort(), Object.keys(others).sort());
    for (const [key, value] of Object.entries(others)) {
      writeModel(join(folder, 'm.safetensors'), { ...PLAIN, config: { ...PLAIN.config, [key]: value } });
      const { code, stderr } = await air(folder, 'export m.safetensors -o out.safetensors');
      const flag = `--${key.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`;
      assert.match(
        String(stderr),
        new RegExp(`m\\.safetensors: ${flag} is .*knows .* alone\\n {2}train a model with ${flag} `),
      );
      assert.equal(code, 64);
    }
    writeModel(join(folder, 'm.safetensors'), { ...PLAIN, config: { ...PLAIN.config, canvas: [40, 50] } });
    const { code, stderr } = await air(folder, 'export m.safetensors -o out.safetensors');
    assert.match(String(stderr), /takes images of 40 x 50 px, and those of Pyro's class are square/);
    assert.equal(code, 64);
  });
});
