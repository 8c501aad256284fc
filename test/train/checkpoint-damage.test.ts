/** Every bit of a checkpoint matters: with any one flipped, what checks and what reads it refuse it as damaged data. */
import assert from 'node:assert/strict';
import { it } from 'node:test';
import type { ModelConfig } from '#air/core/config.js';
import { paramSpecs } from '#air/core/parameters.js';
import { AirError } from '#air/errors.js';
import { sealSafetensors } from '#air/formats/safetensors.js';
import { type OpenSafetensors, readSafetensors } from '#air/formats/safetensors-stream.js';
import { checkCheckpoint, encodeCheckpoint, readCheckpoint } from '#air/train/checkpoint.js';
import { normals } from '../support/random.js';
import { newHash, sha256 } from '../support/sha256.js';
import { TINY, TINY_TRAINING } from '../support/tiny-model.js';

/** As small as a model can be: most of its file is what it says of itself. */
const LEAST: ModelConfig = {
  ...TINY,
  ...{ canvas: [4, 4], windowSize: 2, zWhatSize: 1, rnnHiddenSize: 1 },
  ...{ predictNet: [], encoderNet: [], decoderNet: [], embedNet: [], guideInput: 'image' },
};

function model(): Uint8Array {
  const params = new Map(
    paramSpecs(LEAST).map(({ name, shape }) => {
      return [name, { shape, values: Float32Array.from(normals(shape.reduce((a, b) => a * b))) }] as const;
    }),
  );
  const bytes = encodeCheckpoint({
    ...{ config: LEAST, training: TINY_TRAINING, step: 20, params, data: 'abc', backend: 'wasm' },
    ...{ metrics: { step: 20, count_accuracy: 0.5 }, provenance: ['air train'] },
  });
  return sealSafetensors(bytes, sha256);
}

it('a checkpoint with any bit flipped is refused', async () => {
  const bytes = model();
  const read = async (use: (file: OpenSafetensors, name: string) => Promise<unknown>) => {
    const chunks = (async function* () {
      yield bytes;
    })();
    return readSafetensors(chunks, { name: 'm', newHash }, (file) => use(file, 'm'));
  };
  const readers = [checkCheckpoint, readCheckpoint];
  for (const reader of readers) await read(reader);
  for (let bit = 0; bit < 8 * bytes.length; bit++) {
    bytes[bit >> 3] ^= 1 << (bit & 7);
    for (const reader of readers) {
      const isRefused = (error: unknown) => error instanceof AirError && error.kind === 'badData';
      await assert.rejects(read(reader), isRefused, `${reader.name}, bit ${bit & 7} of byte ${bit >> 3}`);
    }
    bytes[bit >> 3] ^= 1 << (bit & 7);
  }
});
