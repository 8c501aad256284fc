/** The state of a run, cut or changed on its way: what goes on with a run refuses it, wherever that happened. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { arrivingModel } from '#air/commands/shared/model-file.js';
import type { ModelConfig } from '#air/core/config.js';
import { paramSpecs } from '#air/core/parameters.js';
import { AirError } from '#air/errors.js';
import { sealSafetensors } from '#air/formats/safetensors.js';
import type { Io } from '#air/io/io.js';
import { encodeCheckpoint } from '#air/train/checkpoint.js';
import { chunksOf } from '../support/samples.js';
import { newHash, sha256 } from '../support/sha256.js';
import { TINY, TINY_TRAINING } from '../support/tiny-model.js';

const LEAST: ModelConfig = {
  ...TINY,
  ...{ canvas: [4, 4], windowSize: 2, zWhatSize: 1, rnnHiddenSize: 1 },
  ...{ predictNet: [], encoderNet: [], decoderNet: [], embedNet: [], guideInput: 'image' },
};

const io = { newHash } as Io;

const weights = () =>
  new Map(
    paramSpecs(LEAST).map(({ name, shape }) => [
      name,
      { shape, values: new Float32Array(shape.reduce((a, b) => a * b)) },
    ]),
  );

const whole = sealSafetensors(
  encodeCheckpoint({
    ...{ config: LEAST, training: TINY_TRAINING, step: 7, params: weights(), moments: { m: weights(), v: weights() } },
    ...{ singles: [new Uint8Array(16).fill(9)], data: 'abc', backend: 'wasm', metrics: {}, provenance: ['air train'] },
  }),
  sha256,
);

const isRefused = (error: unknown): boolean => error instanceof AirError && error.kind === 'badData';

test('the state of a run is read, whole', async () => {
  const { moments, singles } = await arrivingModel(chunksOf(whole), 'm.state', io);
  assert.deepEqual([Object.keys(moments ?? {}), singles?.length], [['m', 'v'], 1]);
});

test('every prefix of it is refused', async () => {
  for (let length = 0; length < whole.length; length++) {
    await assert.rejects(
      arrivingModel(chunksOf(whole.subarray(0, length)), 'm.state', io),
      isRefused,
      `${length} bytes`,
    );
  }
});

test('it is refused with a bit flipped in any of its bytes, and with bytes behind it', async () => {
  for (let at = 0; at < whole.length; at++) {
    const changed = Uint8Array.from(whole);
    changed[at] ^= 1 << (at & 7);
    await assert.rejects(arrivingModel(chunksOf(changed), 'm.state', io), isRefused, `byte ${at}`);
  }
  for (const more of [1, 8, 4096]) {
    const longer = new Uint8Array(whole.length + more);
    longer.set(whole);
    await assert.rejects(arrivingModel(chunksOf(longer), 'm.state', io), isRefused, `${more} bytes more`);
  }
});
