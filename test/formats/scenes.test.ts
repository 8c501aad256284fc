/** Scenes from whatever holds images. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { encodeNpy } from '#air/formats/npy.js';
import { encodePng } from '#air/formats/png.js';
import { readImageFiles, readScenes } from '#air/formats/scenes.js';
import {
  chunksOf,
  drain,
  LATENTS,
  readBytes,
  SCENES,
  sampleLatents,
  sampleScenes,
  segment,
} from '../support/samples.js';

const pixels = Uint8Array.from({ length: 12 }, (_, i) => 20 * i);
const header = { air: 'scenes', version: 1, canvas: [2, 3], image: { dtype: 'uint8', shape: [2, 3] } };

test('a stream of scenes passes as it is', async () => {
  const bytes = segment(SCENES, sampleScenes());
  assert.deepEqual(await drain(readScenes(chunksOf(bytes, 5), '-')), await readBytes(bytes));
});

test('images become scenes without truth', async () => {
  const npy = encodeNpy({ shape: [2, 2, 3], data: pixels });
  const scenes = [0, 1].map((i) => ({ type: 'record', record: { i, image: pixels.slice(6 * i, 6 * i + 6) } }));
  assert.deepEqual(await drain(readScenes(chunksOf(npy, 5), '-')), {
    got: [{ type: 'header', header }, ...scenes, { type: 'end' }],
    error: undefined,
  });
  const png = encodePng({ width: 3, height: 2, channels: 1, pixels: pixels.slice(0, 6) });
  const { got } = await drain(readScenes(chunksOf(png), '-'));
  assert.deepEqual(got, [{ type: 'header', header }, scenes[0], { type: 'end' }]);
});

test('files of images are one segment, in their order, of one size', async () => {
  const png = (width: number, channels: 1 | 3) =>
    encodePng({ width, height: 2, channels, pixels: pixels.slice(0, 2 * width * channels) });
  const opened: string[] = [];
  const file = (name: string, bytes: Uint8Array) => ({
    name,
    open: () => {
      opened.push(name);
      return chunksOf(bytes);
    },
  });
  let told = 0;
  const colours = () => void told++;
  const { got, error } = await drain(
    readImageFiles([file('a', png(2, 1)), file('b', png(2, 3)), file('c', png(2, 3))], colours),
  );
  assert.equal(error, undefined);
  assert.deepEqual(
    got.map((event) => (event.type === 'record' ? event.record.i : event.type)),
    ['header', 0, 1, 2, 'end'],
  );
  assert.equal(told, 1, 'colours are named once');
  const other = await drain(
    readImageFiles([file('a', png(2, 1)), file('d', png(3, 1)), file('e', png(2, 1))], colours),
  );
  assert.equal(other.got.length, 2);
  assert.equal(other.error?.message, 'd: 2 x 3 px, expected 2 x 2 px as in a');
  assert.deepEqual(opened, ['a', 'b', 'c', 'a', 'd'], 'none is opened before its turn');
  assert.equal(told, 1);
});

test('damage shows after what is whole, and latents are refused', async () => {
  const npy = encodeNpy({ shape: [2, 2, 3], data: pixels });
  const cut = await drain(readScenes(chunksOf(npy.subarray(0, -1)), 'x.npy'));
  assert.equal(cut.got.length, 2);
  assert.match(cut.error?.message ?? '', /^x\.npy: cut short/);
  const latents = await drain(readScenes(chunksOf(segment(LATENTS, sampleLatents())), 'l.air'));
  assert.equal(latents.error?.message, 'l.air: expected a stream of scenes, got latents');
});
