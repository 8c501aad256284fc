/** Records of scenes written straight into bytes: those that the stream's own writer gives. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Box } from '#air/core/latent.js';
import { SceneBytes } from '#air/formats/scene-bytes.js';
import { encodeRecord, type Header } from '#air/formats/stream.js';

/** Every edge of an encoding of integers is here. */
const NUMBERS = [0, 1, 127, 128, 255, 256, 2047, 65535, 65536];
const INDICES = [...NUMBERS, 0xffffffff, 0x100000000, Number.MAX_SAFE_INTEGER];

function objectsOf(count: number): { label?: number; frame: Box; ink: Box }[] {
  const some = (k: number) => NUMBERS[k % NUMBERS.length];
  return Array.from({ length: count }, (_, k) => ({
    ...(k % 7 === 6 ? {} : { label: NUMBERS[k % 8] }), // digits may be of no label
    frame: [some(k), some(k + 1), some(k + 2), some(k + 3)],
    ink: [some(k + 4), some(k + 5), some(k + 6), some(k + 7)],
  }));
}

for (const canvas of [1, 15, 16, 50, 255, 256]) {
  test(`as encodeRecord, on a canvas of ${canvas} px`, () => {
    const shape: [number, number] = [canvas, canvas];
    const header: Header = { air: 'scenes', version: 1, canvas: shape, image: { dtype: 'uint8', shape } };
    const bytes = new SceneBytes(canvas ** 2, 2); // more come than were expected
    const expected: Uint8Array[] = [];
    for (const [k, i] of INDICES.entries()) {
      for (const count of [0, 1, 3, 15, 16, 100]) {
        const objects = objectsOf(count);
        const image = bytes.begin(i);
        assert.equal(image.length, canvas ** 2);
        for (let p = 0; p < image.length; p++) image[p] = k + p;
        expected.push(encodeRecord({ i, image: image.slice(), count, objects }, header));
        bytes.end(objects);
      }
    }
    bytes.begin(7).fill(9);
    bytes.begin(8).fill(9); // neither is ended
    assert.ok(Buffer.from(bytes.take()).equals(Buffer.concat(expected)));
  });
}
