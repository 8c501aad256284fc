/** Colours become grey as the formula says, in every form they come in. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Draws } from '#air/core/rng.js';
import { isChannels, toGrey } from '#air/formats/grey.js';
import { readImages } from '#air/formats/images.js';
import { encodeNpy, type NumericArray } from '#air/formats/npy.js';
import { encodeNpz } from '#air/formats/npz.js';
import { encodePng } from '#air/formats/png.js';
import { chunksOf, concat, drain } from '../support/samples.js';

const draws = new Draws(11, 'scenes');
const rgb = Uint8Array.from({ length: 2 * 3 * 4 * 3 }, () => draws.integer(256));

/** 0.299 R + 0.587 G + 0.114 B in float64, before it is rounded. */
function luminance(samples: Uint8Array, channels: number): number[] {
  return Array.from({ length: samples.length / channels }, (_, i) => {
    const [r, g, b] = samples.subarray(channels * i);
    return 0.299 * r + 0.587 * g + 0.114 * b;
  });
}

async function imagesOf(file: Uint8Array): Promise<{ isColour: boolean; shape: number[]; pixels: Uint8Array }> {
  const { count, height, width, isColour, images } = await readImages(chunksOf(file), 'x');
  const { got, error } = await drain(images);
  assert.equal(error, undefined);
  return { isColour, shape: [count, height, width], pixels: concat(got) };
}

test('grey is the luminance, to the nearest; black where nothing is seen', () => {
  const grey = toGrey(rgb, 3);
  for (const [i, value] of luminance(rgb, 3).entries()) assert.ok(Math.abs(grey[i] - value) < 0.503, `pixel ${i}`);
  for (let v = 0; v < 256; v++) {
    assert.deepEqual(toGrey(Uint8Array.of(v, v, v), 3), Uint8Array.of(v));
    assert.deepEqual(toGrey(Uint8Array.of(v, v, v, 255, v, v, v, 0), 4), Uint8Array.of(v, 0));
  }
  const kept = toGrey(rgb, 1);
  assert.deepEqual(kept, rgb);
  assert.notEqual(kept.buffer, rgb.buffer, 'a copy');
  assert.deepEqual([0, 1, 2, 3, 4, 5].filter(isChannels), [1, 3, 4]);
});

test('arrays and pictures of the same colours are the same grey', async () => {
  const grey = toGrey(rgb, 3);
  const shape = [2, 3, 4, 3];
  const opaque = Uint8Array.from({ length: (rgb.length / 3) * 4 }, (_, i) =>
    i % 4 === 3 ? 255 : rgb[3 * Math.floor(i / 4) + (i % 4)],
  );
  const arrays: NumericArray[] = [
    { shape, data: rgb },
    { shape, data: Float32Array.from(rgb, (value) => value / 255) },
    { shape: [2, 3, 4, 4], data: opaque },
  ];
  const expected = { isColour: true, shape: [2, 3, 4], pixels: grey };
  for (const array of arrays) {
    assert.deepEqual(await imagesOf(encodeNpy(array)), expected);
    assert.deepEqual(await imagesOf(encodeNpz(new Map([['x', array]]), { isDeflated: true })), expected);
  }
  const png = encodePng({ width: 4, height: 6, channels: 3, pixels: rgb });
  assert.deepEqual(await imagesOf(png), { ...expected, shape: [1, 6, 4] });
});

test('one channel is grey already; other shapes are refused, with a way out', async () => {
  assert.deepEqual(await imagesOf(encodeNpy({ shape: [2, 3, 4, 1], data: rgb.slice(0, 24) })), {
    isColour: false,
    shape: [2, 3, 4],
    pixels: rgb.slice(0, 24),
  });
  const message = 'expected [images, height, width] or, in colour, [images, height, width, 3]';
  for (const [shape, hint] of [
    [[2, 3, 4, 2], 'save x.transpose(0, 2, 3, 1)'],
    [[2, 2, 3, 4, 1], undefined],
    [[3, 2, 4, 2], undefined],
  ] as [number[], string | undefined][]) {
    const data = new Uint8Array(48);
    const reading = readImages(chunksOf(encodeNpy({ shape, data })), 'x');
    const expected = shape.length === 4 ? message : 'expected [images, height, width]';
    await assert.rejects(reading, { message: `x: shape [${shape.join(', ')}], ${expected}`, hint });
  }
  const floats = Float32Array.from({ length: 72 }, (_, i) => (i === 52 ? 1.5 : 0.5)); // row 1, column 1, green
  const { error } = await drain(
    (await readImages(chunksOf(encodeNpy({ shape: [2, 3, 4, 3], data: floats })), 'x')).images,
  );
  assert.equal(error?.message, 'x: image 1, row 1, column 1: 1.5, expected an intensity in 0 .. 1');
});
