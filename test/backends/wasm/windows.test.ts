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

/** One op in float64: for each output pixel (b, i, j), where it looks in the source, and d of that place by the map's numbers. */
type Look = (map: Float32Array, i: number, j: number) => { at: [column: number, row: number]; by: number[][] };

/** Derivatives of column and row by the numbers of a map, given those by the scale and the shift of each axis. */
function byColumns(isShared: boolean, [ofSx, ofX]: number[], [ofSy, ofY]: number[]): number[][] {
  return isShared
    ? [
        [ofSx, ofX, 0],
        [ofSy, 0, ofY],
      ]
    : [
        [ofSx, ofX, 0, 0],
        [0, 0, ofSy, ofY],
      ];
}

function reading([imageHeight, imageWidth]: number[], [height, width]: number[], minScale: number): Look {
  const [perColumn, perRow] = [imageWidth / 2, imageHeight / 2];
  return (map, i, j) => {
    const isShared = map.length === 3;
    const [z0, x, z1, y] = isShared ? [map[0], map[1], map[0], map[2]] : map;
    const [sx, sy] = isShared ? [Math.max(z0, minScale), Math.max(z1, minScale)] : [z0, z1];
    const [u, v] = [(centre(j, width) - x) / sx, (centre(i, height) - y) / sy];
    const free = isShared && z0 <= minScale ? 0 : 1;
    const [byScaleX, byScaleY] = [(-u / sx) * perColumn * free, (-v / sy) * perRow * free];
    return {
      at: [toPixel(u, imageWidth), toPixel(v, imageHeight)],
      by: byColumns(isShared, [byScaleX, (-1 / sx) * perColumn], [byScaleY, (-1 / sy) * perRow]),
    };
  };
}

function placing([height, width]: number[], [canvasHeight, canvasWidth]: number[]): Look {
  return (map, i, j) => {
    const isShared = map.length === 3;
    const [sx, x, sy, y] = isShared ? [map[0], map[1], map[0], map[2]] : map;
    const [X, Y] = [centre(j, canvasWidth), centre(i, canvasHeight)];
    return {
      at: [toPixel(sx * X + x, width), toPixel(sy * Y + y, height)],
      by: byColumns(isShared, [(X * width) / 2, width / 2], [(Y * height) / 2, height / 2]),
    };
  };
}

/** A stack of windows as the ops take and give them: [B, h w]. */
function asRows({ shape: [batch, height, width], data }: Values): Values {
  return { shape: [batch, height * width], data };
}

/** Output [B, ...size], and what dy gives the source and z. */
function reference(source: Values, affine: Values, [height, width]: number[], look: Look, dy?: Values) {
  const [batch, sourceHeight, sourceWidth] = source.shape;
  const out = new Float64Array(batch * height * width);
  const dSource = new Float64Array(source.data.length);
  const numbers = affine.shape[1];
  const dZ = new Float64Array(batch * numbers);
  for (let b = 0; b < batch; b++) {
    const pixel = pixels(source, b);
    const z = affine.data.subarray(numbers * b, numbers * (b + 1));
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
        for (let k = 0; k < numbers; k++) dZ[numbers * b + k] += d * (byColumn * by[0][k] + byRow * by[1][k]);
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

/** (sx, x, sy, y) of the same, mirrored one way, the other, and both. */
function placesOfAxes(batch: number): Values {
  const { data } = places(batch);
  const signs = [
    [1, 1],
    [1, -1],
    [-1, 1],
    [-1, -1],
  ];
  const maps = Array.from({ length: batch }, (_, b) => {
    const [s, x, y] = data.subarray(3 * b, 3 * b + 3);
    const [alongX, alongY] = signs[b % 4];
    return [alongX * s, x, 0.7 * alongY * s, y];
  });
  return { shape: [batch, 4], data: Float32Array.from(maps.flat()) };
}

const FORMS = [
  { form: '(s, x, y)', make: places },
  { form: '(sx, x, sy, y)', make: placesOfAxes },
];

const SIZES = [
  { image: [50, 50], window: [28, 28], batch: 6 },
  { image: [50, 50], window: [7, 3], batch: 5 },
  { image: [13, 9], window: [20, 21], batch: 5 },
  { image: [3, 7], window: [1, 1], batch: 5 },
  { image: [1, 1], window: [5, 2], batch: 5 },
];

onEachBuild(() => {
  const cases = SIZES.flatMap((size) => FORMS.map((form) => ({ ...size, ...form })));
  for (const { image, window, batch, form, make } of cases) {
    it(`reads windows [${window}] from images [${image}] by ${form}, and differentiates`, () => {
      const [images, affine, dy] = [random([batch, ...image]), make(batch), random([batch, ...window])];
      const attrs = { height: window[0], width: window[1], minScale: 0.2 };
      const { out, dZ } = reference(images, affine, window, reading(image, window, 0.2), dy);
      const [windows] = run('AirReadWindows', { images, affine }, attrs);
      // a place in the image is known to 1e-5 px, and neighbours differ by up to twice the largest
      assertValues(windows, [batch, window[0] * window[1]], out, 2e-5, 'windows');
      const [dAffine] = run('AirReadWindowsGrad', { dy: asRows(dy), images, affine }, attrs);
      assertValues(dAffine, affine.shape, dZ, 2e-5, 'dAffine');
    });

    it(`places windows [${window}] on canvases [${image}] by ${form}, and differentiates`, () => {
      const [windows, affine, dy] = [random([batch, ...window]), make(batch), random([batch, ...image])];
      const attrs = { height: window[0], width: window[1] };
      const before = random([batch, ...image]);
      const { out, dSource, dZ } = reference(windows, affine, image, placing(window, image), dy);
      const [canvas] = run('AirPlaceWindows', { windows: asRows(windows), affine, canvas: before }, attrs);
      const expected = out.map((value, i) => before.data[i] + value);
      assertValues(canvas, [batch, ...image], expected, 1e-5, 'canvas');
      canvas.data.forEach((value, i) => {
        if (out[i] === 0) assert.equal(value, before.data[i], `pixel ${i}, which no window reaches`);
      });
      const [dWindows, dAffine] = run('AirPlaceWindowsGrad', { dy, windows: asRows(windows), affine }, attrs);
      assertValues(dWindows, [batch, window[0] * window[1]], dSource, 1e-5, 'dWindows');
      assertValues(dAffine, affine.shape, dZ, 2e-5, 'dAffine');
    });
  }

  it('takes no images, and sides of no pixels', () => {
    const attrs = { height: 4, width: 4, minScale: 0.2 };
    const none = random([0, 3]);
    assertValues(run('AirReadWindows', { images: random([0, 5, 5]), affine: none }, attrs)[0], [0, 16], []);
    const nothing = { windows: random([0, 16]), affine: none, canvas: random([0, 5, 5]) };
    assertValues(run('AirPlaceWindows', nothing, attrs)[0], [0, 5, 5], []);
    const canvas = random([1, 4, 4]);
    const empty = { windows: random([1, 0]), affine: places(1), canvas };
    assertValues(run('AirPlaceWindows', empty, { height: 0, width: 0 })[0], [1, 4, 4], canvas.data, 0);
    const blank = { images: random([1, 0, 0]), affine: places(1) };
    assertValues(run('AirReadWindows', blank, attrs)[0], [1, 16], new Float64Array(16));
  });

  it('reads zeros where a coordinate is not a number, and stays within its memory', () => {
    const affine = { shape: [2, 3], data: Float32Array.of(Number.NaN, 0, 0, 3, Number.POSITIVE_INFINITY, Number.NaN) };
    const before = random([2, 4, 4]);
    const given = { windows: random([2, 25]), affine, canvas: before };
    const [canvas] = run('AirPlaceWindows', given, { height: 5, width: 5 });
    assertValues(canvas, [2, 4, 4], before.data, 0);
    const attrs = { height: 4, width: 4, minScale: 0.2 };
    const [windows] = run('AirReadWindows', { images: random([2, 5, 5]), affine }, attrs);
    assertValues(windows, [2, 16], new Float64Array(32), 0);
  });
});
