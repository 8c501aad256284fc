/**
 * Python's readers take what is written here, and what Python writes is read here. Needs a Python with msgpack,
 * safetensors, numpy and pillow, named by AIR_PYTHON; without it these tests are skipped.
 */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { readImages } from '#air/formats/images.js';
import { decodeNpy, encodeNpy, type NpyArray, type NumericArray } from '#air/formats/npy.js';
import { decodeNpzArray, encodeNpz } from '#air/formats/npz.js';
import { decodePng, encodePng, type Picture } from '#air/formats/png.js';
import { decodeSafetensors, encodeSafetensors, type TensorData } from '#air/formats/safetensors.js';
import {
  chunksOf,
  concat,
  drain,
  LATENTS,
  readBytes,
  recordsOf,
  SCENES,
  sampleLatents,
  sampleScenes,
  segment,
} from '../support/samples.js';

const python = process.env.AIR_PYTHON;
const skip = python === undefined ? 'AIR_PYTHON names no Python' : false;

describe('Python', { skip }, () => {
  const folder = mkdtempSync(join(tmpdir(), 'air-python-'));
  mkdirSync(join(folder, 'again'));
  after(() => rmSync(folder, { recursive: true }));

  /** What Python says of a file with these bytes, and the file as Python writes it again. */
  function throughPython(name: string, bytes: Uint8Array): { about: unknown; again: Uint8Array } {
    const file = join(folder, name);
    writeFileSync(file, bytes);
    const args = ['test/python/readers.py', '--rewrite', join(folder, 'again'), file];
    const { about } = JSON.parse(execFileSync(python as string, args, { encoding: 'utf8' })) as { about: unknown };
    return { about, again: readFileSync(join(folder, 'again', name)) };
  }

  test('streams', async () => {
    const bytes = concat([segment(SCENES, sampleScenes()), segment(LATENTS, sampleLatents())]);
    const { about, again } = throughPython('both.air', bytes);
    const sum = (images: Uint8Array[]): number => images.flatMap((image) => [...image]).reduce((a, b) => a + b, 0);
    const steps = sampleLatents().flatMap((latent) => latent.steps);
    assert.deepEqual(about, [
      {
        air: 'scenes',
        records: 4,
        pixels: sum(sampleScenes().map((scene) => scene.image)),
        objects: sampleScenes().flatMap((scene) => (scene.objects ? [scene.objects] : [])),
      },
      {
        air: 'latents',
        records: 2,
        pixels: sum(sampleLatents().map((latent) => latent.image)),
        objects: sampleLatents().flatMap((latent) => (latent.objects ? [latent.objects] : [])),
        where: steps.map((step) => [...step.where]),
        q: sampleLatents().map((latent) => latent.q),
      },
    ]);
    assert.notDeepEqual(Uint8Array.from(again), bytes);
    const { got, error } = await readBytes(again);
    assert.equal(error, undefined);
    assert.deepEqual(recordsOf(got), [...sampleScenes(), ...sampleLatents()]);
    assert.deepEqual(
      got.flatMap((event) => (event.type === 'header' ? [event.header] : [])),
      [SCENES, LATENTS],
    );
  });

  test('safetensors', () => {
    const tensors = new Map<string, TensorData>([
      ['rnn.weight_ih', { dtype: 'F32', shape: [2, 3], data: Float32Array.of(1, -2, 0.5, 1e-30, 0, 7) }],
      ['bytes', { dtype: 'U8', shape: [3], data: Uint8Array.of(1, 2, 3) }],
      ['step', { dtype: 'I64', shape: [], data: BigInt64Array.of(-5n) }],
      ['empty', { dtype: 'I32', shape: [0, 4], data: new Int32Array(0) }],
    ]);
    const metadata = { format: 'air', config: '{"a": "é"}' };
    const bytes = encodeSafetensors(tensors, metadata);
    const { about, again } = throughPython('model.safetensors', bytes);
    assert.deepEqual(about, {
      metadata,
      tensors: {
        'rnn.weight_ih': { dtype: 'float32', shape: [2, 3], values: [...(tensors.get('rnn.weight_ih')?.data ?? [])] },
        bytes: { dtype: 'uint8', shape: [3], values: [1, 2, 3] },
        step: { dtype: 'int64', shape: [], values: [-5] },
        empty: { dtype: 'int32', shape: [0, 4], values: [] },
      },
    });
    const decoded = decodeSafetensors(again, 'again');
    assert.deepEqual(decoded.metadata, metadata);
    assert.deepEqual(new Map([...decoded.tensors].sort()), new Map([...tensors].sort()));
  });

  test('arrays', () => {
    for (const [dtype, array] of [
      ['uint8', { shape: [2, 1, 3], data: Uint8Array.of(0, 1, 2, 253, 254, 255) }],
      ['float32', { shape: [3], data: Float32Array.of(0, 0.1, -1e30) }],
    ] as [string, NpyArray][]) {
      const { about, again } = throughPython(`${dtype}.npy`, encodeNpy(array));
      assert.deepEqual(about, { dtype, shape: array.shape, values: [...array.data] });
      assert.equal(again[6], 2, 'version');
      assert.deepEqual(decodeNpy(again, 'again'), array);
    }
  });

  test('archives of arrays', async () => {
    const pixels = Uint8Array.from({ length: 40 * 50 * 50 }, (_, i) => (i * i) >> 7);
    const arrays = new Map<string, NumericArray>([
      ['x', { shape: [40, 50, 50], data: pixels }],
      ['count', { shape: [3], data: Int32Array.of(0, -1, 2147483647) }],
      ['i', { shape: [2], data: BigInt64Array.of(5_000_000_000n, -1n) }],
      ['where', { shape: [1, 3], data: Float32Array.of(0.5, -2, 1e30) }],
      ['elbo', { shape: [2], data: Float64Array.of(0.1, -1e300) }],
      ['none', { shape: [0, 4], data: new Float32Array(0) }],
    ]);
    const dtypes = ['uint8', 'int32', 'int64', 'float32', 'float64', 'float32'];
    for (const isDeflated of [false, true]) {
      const { about, again } = throughPython(`${isDeflated}.npz`, encodeNpz(arrays, { isDeflated }));
      const expected = [...arrays].map(([name, { shape, data }], k) => {
        return [name, { dtype: dtypes[k], shape, values: Array.from(data, Number) }];
      });
      assert.deepEqual(about, Object.fromEntries(expected));
      for (const name of ['x', 'where', 'none']) {
        assert.deepEqual(decodeNpzArray(again, name, 'again'), arrays.get(name));
      }
      const { height, width, count, images } = await readImages(chunksOf(again), 'again');
      assert.deepEqual([count, height, width], [40, 50, 50]);
      assert.deepEqual(concat((await drain(images)).got), pixels);
    }
  });

  test('pictures', async () => {
    const pixels = Uint8Array.from({ length: 7 * 5 * 3 }, (_, i) => (i * 41) & 255);
    const grey: Picture = { width: 7, height: 5, channels: 1, pixels: pixels.slice(0, 35) };
    const { about, again } = throughPython('grey.png', encodePng(grey));
    assert.deepEqual(about, { mode: 'L', size: [7, 5], values: [...grey.pixels], luminance: [...grey.pixels] });
    assert.deepEqual(await decodePng(again, 'again'), grey);
    const colour = throughPython('colour.png', encodePng({ width: 7, height: 5, channels: 3, pixels }));
    const luminance = [...(await decodePng(colour.again, 'again')).pixels];
    assert.deepEqual(colour.about, { mode: 'RGB', size: [7, 5], values: [...pixels], luminance });
  });
});
