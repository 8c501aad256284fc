/** `air gen-data --digits`: sets named as MNIST's, files of images, and sprites. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { copyFileSync, mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { encodePng } from '#air/formats/png.js';
import type { Scene } from '#air/formats/records.js';
import { recordsOf } from '../support/air.js';
import { freshFolder } from '../support/folder.js';

type Run = { status: number | null; stdout: Buffer; stderr: string };

function genData(...args: string[]): Run {
  const { status, stdout, stderr } = spawnSync(process.execPath, ['bin/air.js', 'gen-data', ...args], {
    maxBuffer: 1 << 28,
  });
  return { status, stdout, stderr: stderr.toString() };
}

function idx(shape: number[], bytes: number[]): Buffer {
  return Buffer.from([0, 0, 8, shape.length, ...shape.flatMap((n) => [0, 0, 0, n]), ...bytes]);
}

/** Digits as they are, alone on a canvas. */
const AS_THEY_ARE = ['--objects', '1', '--scale-mean', '1', '--scale-sd', '0', '--canvas', '8'];

/** A picture of one intensity; in colour, that of its red. */
function png(width: number, height: number, level: number, channels: 1 | 3 = 1): Uint8Array {
  const pixels = new Uint8Array(width * height * channels);
  for (let p = 0; p < pixels.length; p += channels) pixels[p] = level;
  return encodePng({ width, height, channels, pixels });
}

async function scenesOf({ stdout }: Run): Promise<Scene[]> {
  return (await recordsOf(stdout)) as Scene[];
}

test('digits from a folder, plain or gzip; each thing wrong with them has its exit code', (t) => {
  const folder = freshFolder(t);
  const images = join(folder, 'train-images-idx3-ubyte');
  const labels = join(folder, 'train-labels-idx1-ubyte');
  const run = (): Run => genData('--count', '3', '--digits', folder, '--objects', '1');
  assert.equal(run().status, 66);
  assert.match(
    run().stderr,
    /: no digits in this folder\n {2}it should hold PNGs, or folders of PNGs, or IDX files named/,
  );
  copyFileSync('fixtures/mnist/t10k-images-idx3-ubyte.gz', `${images}.gz`);
  copyFileSync('fixtures/mnist/t10k-labels-idx1-ubyte.gz', `${labels}.gz`);
  const gzip = run();
  assert.equal(gzip.status, 0);
  const hint = '  a folder of digits holds IDX files of images and labels named as those of MNIST\n';
  const none = `air gen-data: ${folder}/t10k-images-idx3-ubyte: no such file, nor t10k-images-idx3-ubyte.gz\n${hint}`;
  assert.equal(genData('--digits', folder, '--split', 'test').stderr, none);
  writeFileSync(images, idx([1, 2, 2], [9, 200, 0, 255]));
  assert.equal(run().status, 65, 'counts differ');
  writeFileSync(labels, idx([1], [7]));
  assert.equal(run().status, 0);
  writeFileSync(labels, idx([2], [7, 7]));
  assert.equal(run().status, 65, 'a label too many');
  writeFileSync(labels, idx([1], [61])); // EMNIST has as many
  writeFileSync(images, idx([1, 2, 2], [9, 200]));
  assert.equal(run().status, 65, 'cut short');
  writeFileSync(images, Buffer.from('no digits'));
  assert.equal(run().status, 65, 'not IDX');
});

test('each split has digits of its own, and full those of train and valid', async (t) => {
  // a set of 24 digits of one pixel: the i-th is as bright as i + 1
  const folder = freshFolder(t);
  const pixels = Array.from({ length: 24 }, (_, i) => i + 1);
  for (const [name, digits] of [
    ['train', pixels],
    ['t10k', pixels.map((pixel) => pixel + 100)],
  ] as const) {
    writeFileSync(join(folder, `${name}-images-idx3-ubyte`), idx([24, 1, 1], digits));
    writeFileSync(join(folder, `${name}-labels-idx1-ubyte`), idx([24], Array(24).fill(0)));
  }
  const brightnesses = async (split: string) => {
    const of = ['--count', '400', '--objects', '1', '--digits', folder, '--scale-mean', '1', '--scale-sd', '0'];
    const { stdout, stderr } = genData('--split', split, '--canvas', '4', ...of);
    assert.match(stderr, /400 scenes/);
    const scenes = (await recordsOf(stdout)) as Scene[];
    return new Set(scenes.map(({ image }) => Math.max(...image)));
  };
  assert.deepEqual(
    [...(await brightnesses('train'))].sort((a, b) => a - b),
    pixels.slice(0, 22),
  );
  assert.deepEqual(
    [...(await brightnesses('valid'))].sort((a, b) => a - b),
    [23, 24],
  );
  assert.deepEqual(
    [...(await brightnesses('full'))].sort((a, b) => a - b),
    pixels,
  );
  assert.ok([...(await brightnesses('test'))].every((pixel) => pixel > 100));
  for (const kind of ['images-idx3', 'labels-idx1']) {
    const few = [11, ...(kind === 'images-idx3' ? [1, 1] : [])];
    writeFileSync(join(folder, `train-${kind}-ubyte`), idx(few, Array(11).fill(0)));
  }
  const refused = genData('--split', 'valid', '--digits', folder);
  assert.equal(refused.status, 65);
  assert.match(refused.stderr, /--split valid holds out one training digit in 12, here are 11/);
});

test('sprites: folders of PNGs are labels in their order, sizes and colours differ, and each is where the truth says', async (t) => {
  const folder = freshFolder(t);
  const kinds = [
    { name: 'bars', picture: png(6, 2, 90) },
    { name: 'dots', picture: png(3, 3, 255, 3) }, // red: luminance 76
    { name: 'poles', picture: png(1, 4, 200) },
  ];
  for (const { name, picture } of kinds) {
    mkdirSync(join(folder, name));
    for (let k = 0; k < 3; k++) writeFileSync(join(folder, name, `${k}.png`), picture);
    writeFileSync(join(folder, name, 'notes.txt'), 'left aside');
  }
  for (const empty of ['.hidden', 'nothing']) mkdirSync(join(folder, empty));
  const run = genData('--digits', folder, '--count', '60', ...AS_THEY_ARE);
  const colours = `air gen-data: ${folder}: colours are taken as grey\n`;
  const about = `air gen-data: ${folder}: images: 9 (6 x 6 px), labels: 3, for --split train: 9\n`;
  assert.equal(run.stderr, `${colours}${about}air gen-data: 60 scenes: 60 with 1\n`);
  const scenes = await scenesOf(run);
  const inks = [
    { width: 6, height: 2, level: 90, left: 0, top: 2 },
    { width: 3, height: 3, level: 76, left: 1, top: 1 },
    { width: 1, height: 4, level: 200, left: 2, top: 1 },
  ];
  assert.deepEqual(new Set(scenes.flatMap(({ objects }) => objects?.map(({ label }) => label))), new Set([0, 1, 2]));
  for (const { image, objects = [] } of scenes) {
    const [{ label = -1, frame, ink }] = objects;
    const { width, height, level, left, top } = inks[label];
    assert.deepEqual(frame.slice(2), [6, 6]);
    assert.deepEqual(ink, [frame[0] + left, frame[1] + top, width, height]);
    const isInk = (p: number) => {
      const [x, y] = [(p % 8) - ink[0], Math.floor(p / 8) - ink[1]];
      return x >= 0 && x < width && y >= 0 && y < height;
    };
    assert.ok(image.every((value, p) => value === (isInk(p) ? level : 0)));
  }
});

test('sprites: labels from names, or none; threads and splits as with digits', async (t) => {
  const folder = freshFolder(t);
  for (let k = 0; k < 24; k++) writeFileSync(join(folder, `${k % 2 === 0 ? 40 : 7}_${k}.png`), png(2, 2, 10 * (k + 1)));
  const ask = (split: string) => genData('--digits', folder, '--count', '200', '--split', split, ...AS_THEY_ARE);
  const levels: { [split: string]: Set<number> } = {};
  for (const split of ['train', 'valid', 'test', 'full']) {
    const scenes = await scenesOf(ask(split));
    for (const { objects = [], image } of scenes) {
      assert.equal(objects[0].label, Math.max(...image) % 20 === 10 ? 40 : 7);
    }
    levels[split] = new Set(scenes.map(({ image }) => Math.max(...image)));
  }
  const { train, valid, test: held, full } = levels;
  assert.deepEqual([train.size, valid.size, held.size, full.size], [20, 2, 2, 22]);
  assert.equal(new Set([...train, ...valid, ...held]).size, 24);
  assert.deepEqual(full, new Set([...train, ...valid]));
  renameSync(join(folder, '40_0.png'), join(folder, 'first.png'));
  const unlabelled = genData('--digits', folder, '--count', '20', '--workers', '2', ...AS_THEY_ARE);
  assert.match(unlabelled.stderr, /labels: none/);
  for (const { objects = [] } of await scenesOf(unlabelled))
    assert.deepEqual(Object.keys(objects[0]), ['frame', 'ink']);
});

test('dark sprites on white are turned round by --invert, and before they are centred', async (t) => {
  const folder = freshFolder(t);
  const pixels = new Uint8Array(5 * 3).fill(255);
  pixels[7] = 55;
  writeFileSync(join(folder, 'dark.png'), encodePng({ width: 5, height: 3, channels: 1, pixels }));
  const asked = genData('--digits', folder, '--count', '1', ...AS_THEY_ARE);
  assert.match(asked.stderr, /most images are light at their corners, but black is the background: --invert/);
  const inverted = genData('--digits', folder, '--count', '1', '--invert', ...AS_THEY_ARE);
  assert.doesNotMatch(inverted.stderr, /corners/);
  const [{ image, objects = [] }] = await scenesOf(inverted);
  assert.deepEqual(
    [...image].filter((value) => value > 0),
    [200],
  );
  assert.deepEqual(objects[0].ink.slice(2), [1, 1]);
});

test('one file of images, with the labels beside it or without', async (t) => {
  const folder = freshFolder(t);
  const levels = Array.from({ length: 13 }, (_, k) => k + 100);
  const file = join(folder, 'letters-images-idx3-ubyte.gz');
  writeFileSync(file, gzipSync(idx([13, 1, 1], levels)));
  const ask = (split: string) => genData('--digits', file, '--count', '100', '--split', split, ...AS_THEY_ARE);
  assert.match(ask('train').stderr, /images: 13 \(1 x 1 px\), labels: none, for --split train: 11\n/);
  for (const { image, objects = [] } of await scenesOf(ask('test'))) {
    assert.deepEqual([Math.max(...image), objects[0].label], [111, undefined]);
  }
  const labels = join(folder, 'letters-labels-idx1-ubyte');
  const letters = levels.map((level) => 200 - level);
  for (const [name, bytes] of [
    [labels, idx([13], letters)],
    [`${labels}.gz`, gzipSync(idx([13], letters))],
  ] as const) {
    writeFileSync(name, bytes);
    for (const { image, objects = [] } of await scenesOf(ask('train'))) {
      assert.equal(objects[0].label, 200 - Math.max(...image));
    }
    rmSync(name);
  }
  const none = ask('test');
  assert.deepEqual([none.status, none.stdout.length > 0], [0, true]);
  writeFileSync(labels, idx([12], letters.slice(1)));
  assert.equal(ask('train').status, 65);
  assert.match(ask('train').stderr, /expected one label for each of the 13 images of .*, got 12/);
});

test('what is wrong with sprites is said of the file, or of the set', (t) => {
  const folder = freshFolder(t);
  const refused = (name: string, bytes: Uint8Array, ...more: string[]): string => {
    writeFileSync(join(folder, name), bytes);
    const { status, stderr } = genData('--digits', folder, '--count', '1', ...more);
    assert.equal(status, 65, stderr);
    rmSync(join(folder, name));
    return stderr.replaceAll(folder, 'F');
  };
  writeFileSync(join(folder, 'a.png'), png(4, 4, 255));
  assert.match(refused('b.png', Buffer.from('no picture')), /^air gen-data: F\/b\.png: not an image file/);
  assert.match(refused('b.png', png(4, 4, 9).subarray(0, 50)), /^air gen-data: F\/b\.png: a PNG cut short/);
  assert.match(refused('b.png', png(4, 4, 0)), /^air gen-data: F\/b\.png: there is nothing in this picture: black/);
  assert.match(refused('b.png', png(4, 4, 9), '--invert'), /^air gen-data: F\/a\.png: there is nothing .*: white is/);
  assert.match(refused('b.png', png(2049, 1, 9)), /^air gen-data: F\/b\.png: .*2048/);
  const held = /F: --split test has one in 12 images of a label, here is no label with so many\n {2}give more images/;
  assert.match(refused('b.png', png(4, 4, 9), '--split', 'test'), held);
  const large = genData('--digits', folder, '--count', '9', '--canvas', '3', '--scale-mean', '1', '--scale-sd', '0');
  assert.equal(large.status, 64);
  assert.match(large.stderr, /never gives digits that fit on a canvas of 3 x 3/);
});
