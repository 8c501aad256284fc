/** Safetensors as they arrive: the same tensors in whatever chunks, damage refused, no more read than the header promises. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { AirError } from '#air/errors.js';
import {
  decodeSafetensors,
  encodeSafetensors,
  sealSafetensors,
  type TensorData,
  UNSEALED_DIGEST,
} from '#air/formats/safetensors.js';
import { readSafetensors, readTensors } from '#air/formats/safetensors-stream.js';
import { newHash, sha256 } from '../support/sha256.js';

/** Of several pieces, of none, and of elements of all sizes. */
const TENSORS = new Map<string, TensorData>([
  ['large', { dtype: 'F32', shape: [3, 200_001], data: Float32Array.from({ length: 600_003 }, (_, i) => i / 7) }],
  ['wide', { dtype: 'I64', shape: [2], data: BigInt64Array.of(-1n, 2n ** 40n) }],
  ['empty', { dtype: 'F64', shape: [0, 4], data: new Float64Array(0) }],
  ['bytes', { dtype: 'U8', shape: [3], data: Uint8Array.of(1, 2, 3) }],
]);
const SEALED = sealSafetensors(encodeSafetensors(TENSORS, { digest: UNSEALED_DIGEST }), sha256);
const SMALL = sealSafetensors(
  encodeSafetensors(new Map([['bytes', TENSORS.get('bytes') as TensorData]]), { digest: UNSEALED_DIGEST }),
  sha256,
);

/** Bytes in chunks of so many, and how it went with them. */
class Source {
  given = 0;
  isClosed = false;

  async *chunks(bytes: Uint8Array, size = bytes.length, isEndless = false): AsyncGenerator<Uint8Array> {
    try {
      for (let at = 0; at < bytes.length; at += size) {
        const chunk = bytes.subarray(at, at + size);
        this.given += chunk.length;
        yield chunk;
      }
      while (isEndless) {
        this.given += 1000;
        yield new Uint8Array(1000);
      }
    } finally {
      this.isClosed = true;
    }
  }
}

const read = (chunks: AsyncIterable<Uint8Array>) =>
  readSafetensors(chunks, { name: 'm', newHash }, (file) => readTensors(file, 'm'));

async function refusal(chunks: AsyncIterable<Uint8Array>): Promise<string> {
  const error = await read(chunks).then(
    () => assert.fail('was read'),
    (thrown: unknown) => thrown,
  );
  assert.ok(error instanceof AirError && error.kind === 'badData', String(error));
  return error.message;
}

describe('a safetensors file as it arrives', () => {
  it('has the tensors that it has as a whole, in whatever chunks', async () => {
    const { tensors } = decodeSafetensors(SEALED, 'm');
    for (const size of [SEALED.length, 65_536, 1013]) {
      assert.deepEqual(await read(new Source().chunks(SEALED, size)), tensors, `chunks of ${size}`);
    }
    assert.deepEqual(await read(new Source().chunks(SMALL, 1)), decodeSafetensors(SMALL, 'm').tensors);
  });

  it('is refused wherever it was cut', async () => {
    for (let length = 0; length < SMALL.length; length++) {
      const [cut, source] = [SMALL.subarray(0, length), new Source()];
      const whole = new AirError('badData', '');
      try {
        decodeSafetensors(cut, 'm');
        throw whole;
      } catch (error) {
        assert.equal(await refusal(source.chunks(cut, 7)), (error as AirError).message, `${length} bytes`);
      }
      assert.ok(source.isClosed);
    }
  });

  it('is refused with any bit flipped', async () => {
    const copy = Uint8Array.from(SMALL);
    for (let bit = 0; bit < 8 * copy.length; bit++) {
      copy[bit >> 3] ^= 1 << (bit & 7);
      const said = await read(new Source().chunks(copy)).then(
        () => 'whole',
        (error: unknown) => (error instanceof AirError ? error.kind : String(error)),
      );
      // but where its digest has lost its name: then it may be of a program that seals nothing
      const at = (bit >> 3) - Buffer.from(SMALL).indexOf('digest');
      if (at < 0 || at >= 'digest'.length || said !== 'whole') assert.equal(said, 'badData', `bit ${bit}`);
      copy[bit >> 3] ^= 1 << (bit & 7);
    }
  });

  it('is read no further than its header promises, and closed', async () => {
    const source = new Source();
    assert.match(
      await refusal(source.chunks(SMALL, 64, true)),
      /goes on after the last tensor, which ends at byte \d+$/,
    );
    assert.ok(source.given <= SMALL.length + 1000, `${source.given} bytes`);
    assert.ok(source.isClosed);
  });

  it('is refused at its beginning if there is no header that it could have', async () => {
    for (const [first, said] of [
      [0, /its header is not JSON$/],
      [1, /its header would take \d+ bytes$/],
      [255, /its header would take \d+ bytes$/],
    ] as const) {
      const source = new Source();
      assert.match(await refusal(source.chunks(new Uint8Array(64).fill(first), 16, true)), said);
      assert.ok(source.given <= 2000, `${source.given} bytes`);
      assert.ok(source.isClosed);
    }
  });

  it('is not held if it promises more than fits', async () => {
    const count = 2 ** 31;
    const header = JSON.stringify({ a: { dtype: 'F32', shape: [count], data_offsets: [0, 4 * count] } });
    const bytes = new Uint8Array(8 + header.length);
    bytes[0] = header.length;
    bytes.set(new TextEncoder().encode(header), 8);
    assert.match(await refusal(new Source().chunks(bytes)), /its tensors would take 8589934592 bytes$/);
  });

  it('is closed when whoever reads it gives up', async () => {
    const source = new Source();
    await assert.rejects(
      readSafetensors(source.chunks(SEALED, 4096), { name: 'm', newHash }, () => {
        throw new Error('enough');
      }),
      /enough/,
    );
    assert.ok(source.isClosed && source.given < SEALED.length);
  });
});
