/** Pictures of scenes and of what was inferred: where everything is, and its colour. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Box, Latent, LatentStep } from '#air/core/latent.js';
import { AirError } from '#air/errors.js';
import { decodePng } from '#air/formats/png.js';
import type { Canvas } from '#air/render/draw.js';
import { drawPicture, type PictureOptions, type Subject } from '#air/render/pictures.js';
import { renderPreview } from '#air/render/preview.js';
import { isMiscounted } from '#air/render/tags.js';
import { MARGIN, MUTED, stepColor, TRUTH, WRONG } from '#air/render/theme.js';
import { boundsOf, pixelAt, pixelsOf } from '../support/pixels.js';

const options: PictureOptions = { canvas: [50, 50], window: [28, 28], rows: ['input'], columns: 10, scale: 2 };

/** Not a colour of the theme, and not of its mixtures. */
const GRAY = 199;
const image = new Uint8Array(2500).fill(GRAY);

/** The line above images at this scale, for their counts. */
const TAGS = 24;

/** A step as far as pictures show it; they do not look at the latents themselves. */
function stepOf(box: Box, p: number, window?: Uint8Array): LatentStep {
  const none = new Float32Array(0);
  return { box, p, where: none, whereScale: none, what: none, whatScale: none, ...(window ? { window } : {}) };
}

function latent(extra: Partial<Subject> = {}): Subject & Latent {
  const steps = [
    stepOf([4.2, 6, 20, 22], 0.97, new Uint8Array(784).fill(161)),
    stepOf([25, 20.4, 21, 20], 0.9, new Uint8Array(784).fill(161)),
    stepOf([1, 1, 9, 9], 0.02, new Uint8Array(784).fill(161)),
  ];
  return { image, reconstruction: new Uint8Array(2500), n: 2, q: [0.03, 0.07, 0.88, 0.02], steps, ...extra };
}

function grayArea(picture: Canvas, value = GRAY) {
  return boundsOf(pixelsOf(picture, [value, value, value]));
}

test('a grid of images: size, place and every pixel as a square', () => {
  const ramp = Uint8Array.from({ length: 2500 }, (_, p) => p % 251);
  const picture = drawPicture(
    Array.from({ length: 5 }, () => ({ image: ramp })),
    { ...options, columns: 3, scale: 3 },
  );
  assert.equal(picture.width, 2 * MARGIN + 3 * 150 + 2 * 4);
  assert.equal(picture.height, 2 * MARGIN + 2 * 150 + 4);
  for (const [column, row] of [
    [0, 0],
    [2, 0],
    [1, 1],
  ]) {
    for (const [x, y] of [
      [0, 0],
      [149, 149],
      [31, 77],
    ]) {
      const value = ramp[Math.floor(y / 3) * 50 + Math.floor(x / 3)];
      const seen = pixelAt(picture, MARGIN + column * 154 + x, MARGIN + row * 154 + y);
      assert.deepEqual(seen, [value, value, value]);
    }
  }
  const beyond = pixelAt(picture, MARGIN + 2 * 154 + 75, MARGIN + 154 + 75);
  assert.deepEqual(beyond, pixelAt(picture, 0, 0), 'no sixth image');
});

test('boxes are 1-pixel outlines at the scale of the output, one colour a step, for the counted steps only', () => {
  const picture = drawPicture([latent()], { ...options, rows: ['input', 'reconstruction'] });
  const cell = grayArea(picture);
  assert.deepEqual([cell.width, cell.height], [100, 100]);
  const reconstruction = { ...cell, y: cell.y + 104 + TAGS };
  // [4.2, 6, 20, 22] times 2: from (8, 12) to (48, 56).
  const expected: [number, number][] = [];
  for (let y = 12; y < 56; y++) {
    for (let x = 8; x < 48; x++) {
      if (y === 12 || y === 55 || x === 8 || x === 47) expected.push([reconstruction.x + x, reconstruction.y + y]);
    }
  }
  assert.deepEqual(pixelsOf(picture, stepColor(0), reconstruction), expected);
  // [25, 20.4, 21, 20]: from 50 to 92 and 41 to 81.
  const second = boundsOf(pixelsOf(picture, stepColor(1), reconstruction));
  assert.deepEqual(second, { x: reconstruction.x + 50, y: reconstruction.y + 41, width: 42, height: 40 });
  assert.deepEqual(pixelsOf(picture, stepColor(2), reconstruction), []);
  assert.deepEqual(pixelsOf(picture, stepColor(0), cell), [], 'none on the input');
});

test('boxes stay inside their image', () => {
  const far = latent({ n: 1, steps: [stepOf([30, -10, 40, 30], 1)] });
  const picture = drawPicture([far, far], { ...options, rows: ['input', 'reconstruction'] });
  const cell = grayArea(picture);
  const below = cell.y + 104 + TAGS;
  const lines = pixelsOf(picture, stepColor(0), { x: cell.x, y: cell.y, width: 204, height: below + 100 - cell.y });
  for (const [x, y] of lines) assert.ok((x - cell.x) % 104 < 100 && y >= below, `${x}, ${y}`);
  assert.ok(lines.some(([x, y]) => x === cell.x + 60 && y === below));
});

test('without a reconstruction row the boxes are on the input', () => {
  const picture = drawPicture([latent()], options);
  const cell = grayArea(picture);
  assert.equal(boundsOf(pixelsOf(picture, stepColor(1), cell)).width, 42);
});

test('a wrong count is marked, a right or unknown one is not', () => {
  const rows = { ...options, rows: ['input', 'reconstruction'] as const };
  assert.deepEqual(pixelsOf(drawPicture([latent({ count: 2 })], rows), WRONG), []);
  assert.deepEqual(pixelsOf(drawPicture([latent()], rows), WRONG), []);
  const wrong = drawPicture([latent({ count: 2 }), latent({ count: 1 })], rows);
  const cell = grayArea(wrong);
  const frame = { x: cell.x + 104, y: cell.y + 104 + TAGS, width: 100, height: 100 };
  assert.deepEqual(boundsOf(pixelsOf(wrong, WRONG, { ...frame, x: cell.x, width: 300 })), frame);
  const tag = boundsOf(pixelsOf(wrong, WRONG, { ...frame, y: frame.y - TAGS, height: TAGS }));
  assert.deepEqual([tag.x, tag.y + tag.height], [frame.x, frame.y - 2], 'above its image');
  assert.equal(isMiscounted({ count: 1 }), false, 'nothing was inferred from a scene');
});

test('counts cover nothing of an image', () => {
  const grays = (subject: Subject, ...rows: PictureOptions['rows']) =>
    pixelsOf(drawPicture([subject], { ...options, rows }), [GRAY, GRAY, GRAY]).length;
  assert.equal(grays({ image, count: 1, objects: [] }, 'input'), 100 * 100);
  assert.equal(grays(latent({ count: 0, n: 0 }), 'input'), 100 * 100);
  for (const count of [1, 2]) assert.equal(grays(latent({ count }), 'input', 'reconstruction'), 100 * 100);
});

test('a row of inputs alone shows the true count on the left and the one that was found on the right', () => {
  const picture = drawPicture([latent({ count: 1 })], options);
  const { x, y } = grayArea(picture);
  const line = { x: x - 1, y: y - 1 - TAGS, width: 102, height: TAGS };
  const found = boundsOf(pixelsOf(picture, WRONG, line));
  assert.equal(found.x + found.width, x - 1 + 100, 'ends with the image');
  const truth = boundsOf(pixelsOf(picture, MUTED, line));
  assert.ok(truth.x <= x + 5 && truth.width <= 10, `${JSON.stringify(truth)}`);
  assert.equal(pixelsOf(drawPicture([latent()], options), MUTED, line).length, 0, 'no truth, no tag of it');
  const other = drawPicture([latent({ count: 0 })], options);
  assert.notDeepEqual(pixelsOf(other, MUTED, line), pixelsOf(picture, MUTED, line), 'the count itself');
});

test('true boxes of scenes', () => {
  const scene: Subject = { image, count: 1, objects: [{ frame: [18, 9, 16, 20], ink: [20, 10, 12, 18] }] };
  const picture = drawPicture([scene], options);
  const cell = grayArea(picture);
  const box = boundsOf(pixelsOf(picture, TRUTH, cell));
  assert.deepEqual(box, { x: cell.x + 40, y: cell.y + 20, width: 24, height: 36 });
  const inferred = drawPicture([latent({ ...scene, n: 1 })], options);
  assert.deepEqual(pixelsOf(inferred, TRUTH), [], 'latents show what was inferred');
});

test('rows of steps: P(n) as bars, the windows of counted steps framed and others dim', () => {
  const picture = drawPicture([latent({ q: [0, 0, 1, 0] })], { ...options, rows: ['input', 'steps'] });
  const cell = grayArea(picture);
  const below = { x: cell.x, y: cell.y + 100, width: 100, height: picture.height - cell.y - 100 - MARGIN - 20 };
  const windows = pixelsOf(picture, [161, 161, 161], below);
  assert.equal(windows.length, 2 * 54 * 54, 'two bright windows of 56 x 56 inside their frames');
  assert.equal(pixelsOf(picture, [64, 64, 64], below).length, 56 * 56, 'a dim one');
  for (const t of [0, 1]) assert.equal(pixelsOf(picture, stepColor(t), below).length, 4 * 55);
  assert.equal(pixelsOf(picture, stepColor(2), below).length, 0);
  // The bar of n = 2 is a third of the cell high.
  const bars = { ...below, y: cell.y + 104, height: 33 };
  const middle = pixelAt(picture, cell.x + 62, bars.y + 5);
  assert.equal(pixelsOf(picture, middle as [number, number, number], bars).length, 21 * 33);
});

test('the same input gives the same bytes; no images give a message; too large is refused', () => {
  const rows = { ...options, rows: ['input', 'reconstruction', 'steps'] as const };
  assert.deepEqual(drawPicture([latent()], rows).toPng(), drawPicture([latent()], rows).toPng());
  const [short, long] = ['no', 'no wrong count'].map((emptyText) => drawPicture([], { ...options, emptyText }).width);
  assert.ok(long > short);
  assert.throws(
    () => drawPicture(Array(100).fill({ image }), { ...options, scale: 32 }),
    (error) => error instanceof AirError && error.kind === 'usage' && /too large/.test(error.message),
  );
});

test('a preview has a column for each image and two rows', async () => {
  const { image: _image, ...inferred } = latent();
  const one = await decodePng(renderPreview([{ image, count: 2 }], [inferred], [50, 50]), 'test');
  const two = await decodePng(renderPreview([{ image }, { image }], [inferred, inferred], [50, 50]), 'test');
  assert.ok(two.width > one.width);
  assert.ok(one.height > 200 && one.height < 320);
});
