/** Reading and placing windows against PyTorch's definition, tap by tap, in float64. */
import assert from 'node:assert/strict';
import { it } from 'node:test';
import { random, type Values } from '../../support/random.js';
import { assertValues, onEachBuild, run } from './harness.js';

type Sample = { value: number; byColumn: number; byRow: number };

/** Bilinear sample of one image [h,w] at (column, row) in pixels, zeros outside, and its derivatives (grid_sample). */
function bilinear(pixel: (row: number, column: number) => number, column: number, row: number): Sample {
  const [left, top] = [Math.floor(column), Math.floor(row)];
  const [x, y] = [column - left, row - top];
  const [nw, ne] = [pixel(top, left), pixel(top, left + 1)];
  const [sw, se] = [pixel(top + 1, left), pixel(top + 1, left + 1)];
  return {
    value: nw * (1 - x) * (1 - y) + ne * x * (1 - y) + sw * (1 - x) * y + se * x * y,
    byColumn: (ne - nw) * (1 - y) + (se - sw) * y,
    byRow: (sw - nw) * (1 - x) + (se - ne) * x,
  };
}

function centre(i: number, n: number): number {
  return (2 * i + 1) / n - 1;
}

function toPixel(u: number, side: number): number {
  return ((u + 1) * side - 1) / 2;
}

/** Pixels of image b of a stack. */
function pixels({ shape: [, height, width], data }: Values, b: number): (row: number, column: number) => number {
  return (row, column) =>
    row >= 0 && row < height && column >= 0 && column < width ? data[(b * height + row) * width + column] : 0;
}

/** One op in float64: for each output pixel (b, i, j), where it looks in the source, and d of that place by (s, x, y). */
type Look = (z: Float32Array, i: number, j: number) => { at: [column: number, row: number]; by: number[][] };

function reading([imageHeight, imageWidth]: number[], [height, width]: number[], minScale: number): Look {
  return ([z0, x, y], i, j) => {
    const s = Math.max(z0, minScale);
    const [u, v] = [(centre(j, width) - x) / s, (centre(i, height) - y) / s];
    const free = z0 > minScale ? 1 : 0;
    const [perColumn, perRow] = [imageWidth / 2, imageHeight / 2];
    return {
      at: [toPixel(u, imageWidth), toPixel(v, imageHeight)],
      by: [
        [(-u / s) * perColumn * free, (-1 / s) * perColumn, 0],
        [(-v / s) * perRow * free, 0, (-1 / s) * perRow],
      ],
    };
  };
}

function placing([height, width]: number[], [canvasHeight, canvasWidth]: number[]): Look {
  return ([s, x, y], i, j) => {
    const [X, Y] = [centre(j, canvasWidth), centre(i, canvasHeight)];
    return {
      at: [toPixel(s * X + x, width), toPixel(s * Y + y, height)],
      by: [
        [(X * width) / 2, width / 2, 0],
        [(Y * height) / 2, 0, height / 2],
      ],
    };
  };
}

/** A stack of windows as the ops take and give them: [B, h w]. */
function asRows({ shape: [batch, height, width], data }: Values): Values {
  return { shape: [batch, height * width], data };
}

/** Output [B, ...size], and what dy gives the source and z. */
function reference(source: Values, zWhere: Values, [height, width]: number[], look: Look, dy?: Values) {
  const [batch, sourceHeight, sourceWidth] = source.shape;
  const out = new Float64Array(batch * height * width);
  const dSource = new Float64Array(source.data.length);
  const dZ = new Float64Array(batch * 3);
  for (let b = 0; b < batch; b++) {
    const pixel = pixels(source, b);
    const z = zWhere.data.subarray(3 * b, 3 * b + 3);
    for (let i = 0; i < height; i++) {
      for (let j = 0; j < width; j++) {
        const {
          at: [column, row],
          by,
        } = look(z, i, j);
        const index = (b * height + i) * width + j;
        const { value, byColumn, byRow } = bilinear(pixel, column, row);
        out[index] = value;
        const d = dy?.data[index] ?? 0;
        for (let k = 0; k < 3; k++) dZ[3 * b + k] += d * (byColumn * by[0][k] + byRow * by[1][k]);
        for (let r = 0; r < sourceHeight; r++) {
          for (let c = 0; c < sourceWidth; c++) {
            const weight = Math.max(0, 1 - Math.abs(row - r)) * Math.max(0, 1 - Math.abs(column - c));
            if (weight > 0) dSource[(b * sourceHeight + r) * sourceWidth + c] += d * weight;
          }
        }
      }
    }
  }
  return { out, dSource, dZ };
}

/** (s, x, y): ordinary ones first, then one far outside, one with a small scale, one mirrored. */
function places(batch: number): Values {
  const z = random([batch, 3], 0.7);
  const extremes = [
    [3, 40, 0.1],
    [0.11, 0.3, -0.2],
    [-2.1, 0.13, 0.37],
  ];
  for (let b = 0; b < batch; b++) {
    z.data[3 * b] = 2.5 + 0.3 * z.data[3 * b];
    if (b >= 2) z.data.set(extremes[(b - 2) % 3], 3 * b);
  }
  return z;
}

const SIZES = [
  { image: [50, 50], window: [28, 28], batch: 6 },
  { image: [50, 50], window: [7, 3], batch: 5 },
  { image: [13, 9], window: [20, 21], batch: 5 },
  { image: [3, 7], window: [1, 1], batch: 5 },
  { image: [1, 1], window: [5, 2], batch: 5 },
];

onEachBuild(() => {
  for (const { image, window, batch } of SIZES) {
    it(`reads windows [${window}] from images [${image}], and differentiates`, () => {
      const [images, zWhere, dy] = [random([batch, ...image]), places(batch), random([batch, ...window])];
      const attrs = { height: window[0], width: window[1], minScale: 0.2 };
      const { out, dZ } = reference(images, zWhere, window, reading(image, window, 0.2), dy);
      const [windows] = run('AirReadWindows', { images, zWhere }, attrs);
      // a place in the image is known to 1e-5 px, and neighbours differ by up to twice the largest
      assertValues(windows, [batch, window[0] * window[1]], out, 2e-5, 'windows');
      const [dZWhere] = run('AirReadWindowsGrad', { dy: asRows(dy), images, zWhere }, attrs);
      assertValues(dZWhere, [batch, 3], dZ, 2e-5, 'dZWhere');
    });

    it(`places windows [${window}] on canvases [${image}], and differentiates`, () => {
      const [windows, zWhere, dy] = [random([batch, ...window]), places(batch), random([batch, ...image])];
      const attrs = { height: window[0], width: window[1] };
      const before = random([batch, ...image]);
      const { out, dSource, dZ } = reference(windows, zWhere, image, placing(window, image), dy);
      const [canvas] = run('AirPlaceWindows', { windows: asRows(windows), zWhere, canvas: before }, attrs);
      const expected = out.map((value, i) => before.data[i] + value);
      assertValues(canvas, [batch, ...image], expected, 1e-5, 'canvas');
      canvas.data.forEach((value, i) => {
        if (out[i] === 0) assert.equal(value, before.data[i], `pixel ${i}, which no window reaches`);
      });
      const [dWindows, dZWhere] = run('AirPlaceWindowsGrad', { dy, windows: asRows(windows), zWhere }, attrs);
      assertValues(dWindows, [batch, window[0] * window[1]], dSource, 1e-5, 'dWindows');
      assertValues(dZWhere, [batch, 3], dZ, 2e-5, 'dZWhere');
    });
  }

  it('takes no images, and sides of no pixels', () => {
    const attrs = { height: 4, width: 4, minScale: 0.2 };
    const none = random([0, 3]);
    assertValues(run('AirReadWindows', { images: random([0, 5, 5]), zWhere: none }, attrs)[0], [0, 16], []);
    const nothing = { windows: random([0, 16]), zWhere: none, canvas: random([0, 5, 5]) };
    assertValues(run('AirPlaceWindows', nothing, attrs)[0], [0, 5, 5], []);
    const canvas = random([1, 4, 4]);
    const empty = { windows: random([1, 0]), zWhere: places(1), canvas };
    assertValues(run('AirPlaceWindows', empty, { height: 0, width: 0 })[0], [1, 4, 4], canvas.data, 0);
    const blank = { images: random([1, 0, 0]), zWhere: places(1) };
    assertValues(run('AirReadWindows', blank, attrs)[0], [1, 16], new Float64Array(16));
  });

  it('reads zeros where a coordinate is not a number, and stays within its memory', () => {
    const zWhere = { shape: [2, 3], data: Float32Array.of(Number.NaN, 0, 0, 3, Number.POSITIVE_INFINITY, Number.NaN) };
    const before = random([2, 4, 4]);
    const given = { windows: random([2, 25]), zWhere, canvas: before };
    const [canvas] = run('AirPlaceWindows', given, { height: 5, width: 5 });
    assertValues(canvas, [2, 4, 4], before.data, 0);
    const attrs = { height: 4, width: 4, minScale: 0.2 };
    const [windows] = run('AirReadWindows', { images: random([2, 5, 5]), zWhere }, attrs);
    assertValues(windows, [2, 16], new Float64Array(32), 0);
  });
});
