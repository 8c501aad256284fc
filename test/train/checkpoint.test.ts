/** Checkpoints: what is written is what is read, and what cannot be one is refused by name. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { HostTensors } from '#air/core/ops/weights.js';
import { paramSpecs } from '#air/core/parameters.js';
import { AirError } from '#air/errors.js';
import { decodeSafetensors, encodeSafetensors, type TensorData } from '#air/formats/safetensors.js';
import { type Checkpoint, decodeCheckpoint, differences, encodeCheckpoint } from '#air/train/checkpoint.js';
import { Learner } from '#air/train/learner.js';
import { normals } from '../support/random.js';
import { TINY, TINY_TRAINING } from '../support/tiny-model.js';

/** Other numbers for every weight. */
function weights(): HostTensors {
  return new Map(
    paramSpecs(TINY).map(({ name, shape }) => {
      const size = shape.reduce((a, b) => a * b);
      return [name, { shape, values: Float32Array.from(normals(size)) }];
    }),
  );
}

const MODEL: Checkpoint = {
  config: TINY,
  training: TINY_TRAINING,
  step: 20,
  params: weights(),
  data: 'abc',
  backend: 'wasm',
  metrics: { step: 20, count_accuracy: 0.5, nested: { camelCase: 1, snake_case: 2 } },
  provenance: ['air gen-data', 'air train --preset "small" é'],
};

const STATE: Checkpoint = {
  ...MODEL,
  moments: { m: weights(), v: weights() },
  singles: [new Uint8Array(120).fill(7), Uint8Array.from({ length: 120 }, (_, i) => i)],
};

/** The file with some of its metadata or tensors changed. */
function tampered(
  checkpoint: Checkpoint,
  change: (metadata: Record<string, string>, tensors: Map<string, TensorData>) => void,
): Uint8Array {
  const { metadata, tensors } = decodeSafetensors(encodeCheckpoint(checkpoint), 'm');
  change(metadata, tensors);
  return encodeSafetensors(tensors, metadata);
}

function isBadData(message: RegExp): (error: unknown) => boolean {
  return (error) => error instanceof AirError && error.kind === 'badData' && message.test(error.message);
}

describe('a checkpoint', () => {
  it('is read as it was written, the state of a run too', () => {
    assert.deepEqual(decodeCheckpoint(encodeCheckpoint(MODEL), 'm'), MODEL);
    assert.deepEqual(decodeCheckpoint(encodeCheckpoint(STATE), 'm'), STATE);
    const begun = { ...STATE, singles: [] };
    assert.deepEqual(decodeCheckpoint(encodeCheckpoint(begun), 'm'), begun);
  });

  it('has the same bytes for the same run', () => {
    assert.deepEqual(encodeCheckpoint(structuredClone(STATE)), encodeCheckpoint(STATE));
    assert.notDeepEqual(encodeCheckpoint({ ...STATE, step: 21 }), encodeCheckpoint(STATE));
  });

  it('has metadata for other programs: strings, with JSON in snake_case', () => {
    const { metadata, tensors } = decodeSafetensors(encodeCheckpoint(STATE), 'm');
    assert.deepEqual(
      [metadata.format, metadata.version, metadata.step, metadata.data, metadata.backend],
      ['air', '1', '20', 'abc', 'wasm'],
    );
    const [config, training] = [JSON.parse(metadata.config), JSON.parse(metadata.training)];
    assert.deepEqual([config.z_what_size, config.canvas, config.guide_input], [4, [12, 10], 'difference']);
    assert.deepEqual([training.batch_size, training.adam_beta1, training.anneal_prior_from], [6, 0.9, 1e-3]);
    assert.deepEqual(JSON.parse(metadata.metrics), MODEL.metrics, 'metrics stay as they are');
    assert.deepEqual(JSON.parse(metadata.provenance), MODEL.provenance);
    for (const { name, shape } of paramSpecs(TINY)) {
      for (const prefix of ['', 'adam.m.', 'adam.v.']) assert.deepEqual(tensors.get(prefix + name)?.shape, shape);
    }
  });

  it('fits the model that it describes', async () => {
    const { startBackend } = await import('#air/backends/start.js');
    await startBackend('wasm');
    const learner = new Learner({ config: TINY, training: TINY_TRAINING });
    const [params, m, v] = [await learner.read('params'), await learner.read('m'), await learner.read('v')];
    const read = decodeCheckpoint(encodeCheckpoint({ ...MODEL, params, moments: { m, v } }), 'm');
    assert.deepEqual(
      [read.params, read.moments],
      [params, { m, v }].map((each) => each),
    );
    learner.dispose();
  });
});

describe('refused', () => {
  it('is a safetensors file of another program', () => {
    const foreign = encodeSafetensors(new Map([['w', { dtype: 'F32', shape: [1], data: Float32Array.of(1) }]]), {});
    assert.throws(() => decodeCheckpoint(foreign, 'x.safetensors'), isBadData(/^x\.safetensors: .*not of air/));
  });

  it('is what is no safetensors file', () => {
    assert.throws(() => decodeCheckpoint(new Uint8Array(0), 'm'), isBadData(/^m: /));
    assert.throws(() => decodeCheckpoint(encodeCheckpoint(MODEL).subarray(0, 500), 'm'), isBadData(/^m: /));
  });

  it('is a version to come, or none', () => {
    for (const version of ['3', '1.5', 'new', '', '0', '-1', '0x1']) {
      const bytes = tampered(MODEL, (metadata) => {
        metadata.version = version;
      });
      assert.throws(() => decodeCheckpoint(bytes, 'm'), isBadData(/^m: checkpoint version .*reads up to 2/));
    }
  });

  it('are metadata that are not there, or no JSON, or not what they should be', () => {
    for (const [key, value] of [
      ['config', undefined],
      ['config', '{'],
      ['config', 'null'],
      ['config', '{}'],
      ['config', JSON.stringify({ ...JSON.parse(decodeMetadata().config), z_what_size: '4' })],
      ['config', JSON.stringify({ ...JSON.parse(decodeMetadata().config), canvas: 12 })],
      ['training', '[1'],
      ['training', '{}'],
      ['training', JSON.stringify({ ...JSON.parse(decodeMetadata().training), batch_size: [8] })],
      ['step', '-1'],
      ['step', 'many'],
      ['metrics', undefined],
      ['step', '21'],
      ['step', '1e1'],
      ['step', undefined],
      ['metrics', '[]'],
      ['metrics', 'null'],
      ['data', undefined],
      ['backend', undefined],
      ['provenance', 'air train'],
      ['provenance', '{}'],
      ['provenance', '[1]'],
    ] as const) {
      const bytes = tampered(MODEL, (metadata) => {
        if (value === undefined) delete metadata[key];
        else metadata[key] = value;
      });
      assert.throws(() => decodeCheckpoint(bytes, 'm'), isBadData(/^m: metadata of the checkpoint are damaged: /), key);
    }
  });

  it('are settings that no option can set, by name', () => {
    for (const [key, changes, said] of [
      ['config', { model_steps: 0 }, /model_steps: expected a whole number from 1 to 20, got 0$/],
      ['config', { model_steps: -1 }, /model_steps: .*, got -1$/],
      ['config', { model_steps: 1.5 }, /model_steps: .*, got 1.5$/],
      ['config', { model_steps: 1e9 }, /model_steps: .*, got 1000000000$/],
      ['config', { likelihood_sd: 0 }, /likelihood_sd: expected a number above 0, got 0$/],
      ['config', { z_pres_prior: 2 }, /z_pres_prior: expected a number above 0 and at most 1, got 2$/],
      ['config', { canvas: [12] }, /canvas: expected 2 numbers, each a whole number from 1 to 2048, got \[12\]$/],
      ['config', { embed_net: [0] }, /embed_net: .*, got \[0\]$/],
      ['config', { count_prior: 'trials', z_pres_prior: 1 }, /z_pres_prior: expected below 1 for trials, got 1$/],
      ['config', { guide_pool: 16 }, /guide_pool: expected at most 10, got 16$/],
      ['config', { guide_feedback: 1 }, /guide_feedback: expected true or false, got 1$/],
      ['training', { seed: -1 }, /seed: expected a whole number at least 0, got -1$/],
      ['training', { adam_beta1: 1 }, /adam_beta1: expected a number at least 0 and below 1, got 1$/],
      ['training', { init: 7 }, /init: expected a text, got 7$/],
    ] as const) {
      const bytes = tampered(MODEL, (metadata) => {
        metadata[key] = JSON.stringify({ ...JSON.parse(metadata[key]), ...changes });
      });
      assert.throws(() => decodeCheckpoint(bytes, 'm'), isBadData(said), JSON.stringify(changes));
    }
  });

  it('are settings called as what every object has', () => {
    for (const name of ['__proto__', 'constructor', 'toString']) {
      const bytes = tampered(MODEL, (metadata) => {
        metadata.config = metadata.config.replace('{', `{"${name}":{"model_steps":2},`);
      });
      assert.throws(() => decodeCheckpoint(bytes, 'm'), isBadData(new RegExp(`unknown setting ${name}$`)), name);
    }
  });

  it('is what has no digest, and what has tensors that it does not need', () => {
    const edited = tampered(MODEL, (metadata) => delete metadata.digest);
    assert.throws(() => decodeCheckpoint(edited, 'm'), isBadData(/^m: it has no digest/));
    const [one] = [...MODEL.params.keys()];
    for (const name of ['w', `adam.w.${one}`, '__proto__']) {
      const bytes = tampered(STATE, (_, tensors) => {
        tensors.set(name, { dtype: 'F32', shape: [1], data: Float32Array.of(1) });
      });
      assert.throws(() => decodeCheckpoint(bytes, 'm'), isBadData(new RegExp(`^m: tensor ${name} is none`)), name);
    }
  });

  it('are weights that are no finite numbers; moments may be any', () => {
    const spoilt = (tensor: string, value: number) =>
      tampered(STATE, (_, tensors) => {
        const { shape, data } = tensors.get(tensor) as TensorData;
        tensors.set(tensor, {
          dtype: 'F32',
          shape,
          data: Float32Array.from(data as Float32Array, (v, i) => (i === 2 ? value : v)),
        });
      });
    for (const value of [Number.NaN, Infinity, -Infinity]) {
      const said = new RegExp(`^m: tensor h_init: element 2 is ${value}, no finite number$`);
      assert.throws(() => decodeCheckpoint(spoilt('h_init', value), 'm'), isBadData(said));
      assert.equal(decodeCheckpoint(spoilt('adam.v.h_init', value), 'm').step, 20);
    }
  });

  it('are images of the last step of another size', () => {
    for (const shape of [[2], [1, 120], [1, 10, 12]]) {
      const bytes = tampered(STATE, (_, tensors) => {
        const size = shape.reduce((a, b) => a * b);
        tensors.set('sums.singles', { dtype: 'U8', shape, data: new Uint8Array(size) });
      });
      assert.throws(() => decodeCheckpoint(bytes, 'm'), isBadData(/tensor sums.singles of U8/), String(shape));
    }
  });

  it('are of version 1 as long as 0.1.0 would understand them, which reads past what it does not know', () => {
    const versionOf = (changes: object) => {
      const { config, training } = { ...MODEL, ...changes };
      return decodeSafetensors(encodeCheckpoint({ ...MODEL, config, training }), 'm').metadata.version;
    };
    assert.equal(versionOf({}), '1');
    assert.equal(versionOf({ config: { ...MODEL.config, activation: 'elu' } }), '2');
    assert.equal(versionOf({ training: { ...MODEL.training, schedule: 'constant' } }), '2');
  });

  it('are settings that only a newer air can have written, by name', () => {
    for (const [key, added, said] of [
      ['config', { shape_prior: 3 }, /^m: made by a newer air: unknown setting shape_prior$/],
      ['config', { guide_input: 'sound' }, /^m: made by a newer air: guide_input: expected one of .*, got 'sound'$/],
      ['training', { dropout: 0.5 }, /^m: made by a newer air: unknown setting dropout$/],
      ['training', { anneal_prior: 'cos' }, /^m: made by a newer air: anneal_prior: expected one of .*, got 'cos'$/],
    ] as const) {
      const bytes = tampered(MODEL, (metadata) => {
        metadata[key] = JSON.stringify({ ...JSON.parse(metadata[key]), ...added });
      });
      assert.throws(() => decodeCheckpoint(bytes, 'm'), isBadData(said), key);
    }
  });

  it('are weights that are missing, or of another shape or type', () => {
    const lacking = tampered(MODEL, (_, tensors) => tensors.delete('rnn.bias_hh'));
    assert.throws(
      () => decodeCheckpoint(lacking, 'm'),
      isBadData(/^m: expected tensor rnn\.bias_hh of F32 \[32\], got nothing$/),
    );
    const reshaped = tampered(MODEL, (_, tensors) => {
      tensors.set('h_init', { dtype: 'F32', shape: [8, 1], data: new Float32Array(8) });
    });
    assert.throws(() => decodeCheckpoint(reshaped, 'm'), isBadData(/h_init of F32 \[1,8\], got F32 \[8,1\]$/));
    const retyped = tampered(MODEL, (_, tensors) => {
      tensors.set('h_init', { dtype: 'F64', shape: [1, 8], data: new Float64Array(8) });
    });
    assert.throws(() => decodeCheckpoint(retyped, 'm'), isBadData(/h_init of F32 \[1,8\], got F64 \[1,8\]$/));
    const halfState = tampered(STATE, (_, tensors) => tensors.delete('adam.v.c_init'));
    assert.throws(() => decodeCheckpoint(halfState, 'm'), isBadData(/tensor adam\.v\.c_init of F32/));
  });
});

function decodeMetadata(): Record<string, string> {
  return decodeSafetensors(encodeCheckpoint(MODEL), 'm').metadata;
}

describe('differences', () => {
  it('are the settings in which two runs differ, of model and training', () => {
    assert.deepEqual(differences(MODEL, MODEL), []);
    assert.deepEqual(differences(decodeCheckpoint(encodeCheckpoint(MODEL), 'm'), MODEL), []);
    const other = {
      config: { ...TINY, zWhatSize: 5, embedNet: [6, 6] },
      training: { ...TINY_TRAINING, learningRate: 1 },
    };
    assert.deepEqual(differences(MODEL, other).sort(), ['embedNet', 'learningRate', 'zWhatSize']);
  });
});
