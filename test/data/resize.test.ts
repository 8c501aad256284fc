/** Resizing, to the byte what Pillow does. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, test } from 'node:test';
import { gunzipSync } from 'node:zlib';
import { KernelResizer } from '#air/data/kernel-resizer.js';
import { Resizer, type Resizes } from '#air/data/resize.js';

const kernel = new WebAssembly.Module(readFileSync('dist/data/resize.wasm'));

type Make = (height: number, width: number) => Resizes;

const RESIZERS: { [name: string]: Make } = {
  plain: (height, width) => new Resizer(height, width),
  kernel: (height, width) => new KernelResizer(kernel, height, width),
};

/** One image by a resizer of its own. */
function resizeAlone(pixels: Uint8Array, from: number, to: number, make: Make): Uint8Array {
  const resizer = make(from, from);
  resizer.resize(pixels, 0, to, to);
  return resizer.pixels.slice(0, to * to);
}

type Entry = { shape: number[]; data_offsets: [number, number] };

/** Name -> (shape, bytes) of a safetensors file, read here without the code under test. */
function readTensors(file: string): Map<string, { shape: number[]; bytes: Uint8Array }> {
  const all = readFileSync(file);
  const start = 8 + Number(all.readBigUInt64LE(0));
  const header = JSON.parse(all.toString('utf8', 8, start)) as Record<string, Entry>;
  const entries = Object.entries(header).filter(([name]) => name !== '__metadata__');
  return new Map(
    entries.map(
      ([
        name,
        {
          shape,
          data_offsets: [from, to],
        },
      ]) => [name, { shape, bytes: new Uint8Array(all.subarray(start + from, start + to)) }],
    ),
  );
}

const trainImages = new Uint8Array(gunzipSync(readFileSync('fixtures/mnist/train-images-idx3-ubyte.gz')).subarray(16));

for (const [name, make] of Object.entries(RESIZERS)) {
  describe(name, () => {
    test('every tensor of the Pillow oracle is met exactly', () => {
      const tensors = readTensors('fixtures/oracle/pillow-resize.safetensors');
      assert.equal(tensors.size, 84);
      for (const [name, { shape, bytes }] of tensors) {
        const [, index, side] = /^train(\d+)\.(\d+)$/.exec(name) ?? assert.fail(name);
        const digit = trainImages.subarray(784 * Number(index), 784 * (Number(index) + 1));
        assert.deepEqual(shape, [Number(side), Number(side)]);
        assert.deepEqual(resizeAlone(digit, 28, Number(side), make), bytes, name);
      }
    });

    test('one resizer gives for every digit what a fresh one gives, and the box of its ink', () => {
      const resizer = make(28, 28);
      for (let i = 0; i < 400; i++) {
        const side = 3 + ((i * 7) % 40);
        resizer.resize(trainImages, 784 * i, side, side);
        const pixels = resizer.pixels.slice(0, side * side);
        assert.deepEqual(pixels, resizeAlone(trainImages.slice(784 * i, 784 * (i + 1)), 28, side, make));
        const inked = [...pixels.keys()].filter((p) => pixels[p] > 0);
        const [columns, rows] = [inked.map((p) => p % side), inked.map((p) => Math.floor(p / side))];
        const expected = {
          left: Math.min(...columns),
          top: Math.min(...rows),
          right: Math.max(...columns) + 1,
          bottom: Math.max(...rows) + 1,
        };
        assert.deepEqual({ ...resizer.ink }, expected);
      }
    });

    test('full frames, without blank margins to skip, as Pillow 13 resizes them', () => {
      // Image.fromarray(np.arange(36, dtype=np.uint8).reshape(6, 6) * 7).resize((4, 4)), and the same to (9, 9)[4].
      const ramp = Uint8Array.from({ length: 36 }, (_, i) => i * 7);
      assert.deepEqual(
        [...resizeAlone(ramp, 6, 4, make)],
        [14, 24, 35, 45, 74, 84, 95, 105, 140, 150, 161, 171, 200, 210, 221, 231],
      );
      assert.deepEqual(
        [...resizeAlone(ramp, 6, 9, make).subarray(36, 45)],
        [105, 108, 113, 118, 123, 127, 132, 137, 140],
      );
    });

    test('a blank image stays blank and has no ink', () => {
      const resizer = make(5, 5);
      resizer.resize(new Uint8Array(25).fill(9), 0, 3, 3);
      assert.deepEqual([...resizer.pixels.subarray(0, 9)], Array(9).fill(9));
      resizer.resize(new Uint8Array(25), 0, 3, 3);
      assert.deepEqual([...resizer.pixels.subarray(0, 9)], Array(9).fill(0));
      assert.ok(resizer.ink.right <= resizer.ink.left);
    });
  });
}

test('the kernel gives what plain loops give, of any size and to any, the larger after the smaller', () => {
  for (const [height, width] of [
    [28, 28],
    [1, 7],
    [33, 12],
  ]) {
    const [plain, fast] = [RESIZERS.plain(height, width), RESIZERS.kernel(height, width)];
    const images = Uint8Array.from({ length: 3 * height * width }, (_, k) => (k % 5 < 2 ? 0 : (k * 89) % 256));
    for (const [outHeight, outWidth] of [
      [1, 1],
      [9, 14],
      [28, 27],
      [3, 61],
      [300, 200],
      [20, 20],
    ]) {
      for (const resizer of [plain, fast]) resizer.resize(images, 2 * height * width, outHeight, outWidth);
      const size = outHeight * outWidth;
      assert.deepEqual(
        fast.pixels.slice(0, size),
        plain.pixels.slice(0, size),
        `${[height, width, outHeight, outWidth]}`,
      );
      assert.deepEqual(fast.ink, plain.ink);
    }
  }
});
