/** Drawing, pixel by pixel. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { decodePng } from '#air/formats/png.js';
import { Canvas, type Color } from '#air/render/draw.js';
import { pixelAt, pixelsOf } from '../support/pixels.js';

const BLACK: Color = [0, 0, 0];
const RED: Color = [255, 0, 0];

test('a 1-pixel outline, inside its area', () => {
  const canvas = new Canvas(8, 6, BLACK);
  canvas.outline({ x: 2, y: 1, width: 4, height: 3 }, RED);
  assert.deepEqual(pixelsOf(canvas, RED), [
    ...[2, 3, 4, 5].map((x) => [x, 1]),
    [2, 2],
    [5, 2],
    ...[2, 3, 4, 5].map((x) => [x, 3]),
  ]);
  const dot = new Canvas(3, 3, BLACK);
  dot.outline({ x: 1, y: 1, width: 1, height: 1 }, RED);
  assert.deepEqual(pixelsOf(dot, RED), [[1, 1]]);
});

test('an outline that leaves its clip shows the edges inside it, and a giant one costs nothing', () => {
  const canvas = new Canvas(8, 6, BLACK);
  canvas.outline({ x: -3, y: 2, width: 6, height: 1e9 }, RED, { x: 1, y: 1, width: 4, height: 4 });
  assert.deepEqual(pixelsOf(canvas, RED), [
    [1, 2],
    [2, 2],
    [2, 3],
    [2, 4],
  ]);
  const around = new Canvas(4, 4, BLACK);
  around.outline({ x: -1e9, y: -1e9, width: 2e9, height: 2e9 }, RED);
  assert.deepEqual(pixelsOf(around, RED), []);
});

test('gray images: every pixel a square, brightness, clipped at the edges', () => {
  const canvas = new Canvas(5, 4, RED);
  canvas.drawGray(Uint8Array.of(10, 20, 30, 200), [2, 2], { left: 2, top: 1, scale: 2 }, 0.5);
  const row = (y: number): number[] => [0, 1, 2, 3, 4].map((x) => pixelAt(canvas, x, y)[1]);
  assert.deepEqual([0, 1, 2, 3].map(row), [
    [0, 0, 0, 0, 0],
    [0, 0, 5, 5, 10],
    [0, 0, 5, 5, 10],
    [0, 0, 15, 15, 100],
  ]);
  assert.deepEqual(pixelAt(canvas, 4, 3), [100, 100, 100]);
  canvas.drawGray(Uint8Array.of(1, 2, 3, 4), [2, 2], { left: -1, top: -1, scale: 1 });
  assert.deepEqual(pixelAt(canvas, 0, 0), [4, 4, 4]);
});

test('fill mixes colours', () => {
  const canvas = new Canvas(2, 1, [100, 0, 200]);
  canvas.fill({ x: 1, y: -5, width: 9, height: 9 }, [200, 100, 0], 0.25);
  assert.deepEqual(pixelAt(canvas, 0, 0), [100, 0, 200]);
  assert.deepEqual(pixelAt(canvas, 1, 0), [125, 25, 150]);
});

test('filling an area far larger than the picture costs nothing', () => {
  const canvas = new Canvas(3, 2, BLACK);
  canvas.fill({ x: 1, y: -1e12, width: 1e12, height: 2e12 }, RED);
  assert.equal(pixelsOf(canvas, RED).length, 4);
});

test('text: the top left of the first capital is where it was asked for', () => {
  const canvas = new Canvas(20, 12, BLACK);
  canvas.drawText('L1', { left: 3, top: 2, scale: 1 }, RED);
  const ink = pixelsOf(canvas, RED);
  assert.deepEqual(
    ink.filter(([x]) => x < 8),
    [2, 3, 4, 5, 6, 7].map((y) => [3, y]).concat([3, 4, 5, 6, 7].map((x) => [x, 8])),
  );
  assert.deepEqual(
    ink.filter(([, y]) => y === 8 && ink.length > 0).slice(5),
    [10, 11, 12].map((x) => [x, 8]),
  );
  const double = new Canvas(12, 16, BLACK);
  double.drawText('L', { left: 0, top: 0, scale: 2 }, RED);
  assert.equal(pixelsOf(double, RED).length, 4 * 11);
});

test('as PNG', async () => {
  const canvas = new Canvas(3, 2, BLACK);
  canvas.fill({ x: 1, y: 0, width: 1, height: 1 }, [255, 255, 255]);
  const { width, height, pixels } = await decodePng(canvas.toPng(), 'test');
  assert.deepEqual([width, height, [...pixels]], [3, 2, [0, 255, 0, 0, 0, 0]]);
});
