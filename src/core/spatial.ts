/**
 * Attention: read a window from an image, place a window on a canvas. Bilinear, zero outside, pixel centres
 * (align_corners=False), so both equal PyTorch's affine_grid + grid_sample.
 *
 * z_where = (s, x, y) maps the canvas to the window on normalised coordinates: u = s X + x, v = s Y + y. So the box on a
 * canvas of side W is W/s wide, centred at W/2 (1 - x/s). Reading uses the inverse map X = (u - x)/s.
 * Source: spatial transformer networks, Jaderberg et al. 2015; their use in AIR, Eslami et al. 2016, section 3.
 *
 * Both maps are separable, so in plain ops each is two matrix products with hat weights relu(1 - |u - i|).
 */
import * as tf from '@tensorflow/tfjs';
import { defineOp } from './kernel.js';

export type Size = readonly [height: number, width: number];

/** Scales below this are read as this: the inverse map divides by s. */
export const MIN_SCALE = 0.2;

/** Normalised pixel centres, [1, n], in -1..1. */
function centres(n: number): tf.Tensor2D {
  return tf.tensor2d(
    Float32Array.from({ length: n }, (_, i) => (2 * i + 1) / n - 1),
    [1, n],
  );
}

/** Normalised coordinate -> pixel coordinate, in which pixel i has its centre at i. */
function toPixels(u: tf.Tensor2D, side: number): tf.Tensor2D {
  return tf.sub(tf.mul(tf.add(u, 1), side / 2), 0.5);
}

/** Columns of z_where, each [B, 1]. */
function columns(zWhere: tf.Tensor2D): [s: tf.Tensor2D, x: tf.Tensor2D, y: tf.Tensor2D] {
  return tf.split(zWhere, 3, 1) as [tf.Tensor2D, tf.Tensor2D, tf.Tensor2D];
}

/** Distances of sampling points [B, n] from the pixels of a side: [B, n, side]. */
function distances(points: tf.Tensor2D, side: number): tf.Tensor3D {
  return tf.sub(tf.expandDims(points, 2), tf.reshape(tf.range(0, side), [1, 1, side]));
}

/** Bilinear weights of the pixels of a side for sampling points [B, n]: [B, n, side]. */
function hatWeights(points: tf.Tensor2D, side: number): tf.Tensor3D {
  return tf.relu(tf.sub(1, tf.abs(distances(points, side))));
}

/**
 * Derivatives of the bilinear weights by the sampling points: -1 from a pixel to the next, +1 from the one before up to it,
 * 0 beyond.
 */
function hatSlopes(points: tf.Tensor2D, side: number): tf.Tensor3D {
  const which = tf.add(tf.mul(tf.floor(distances(points, side)), 2), 1); // -1 or 1 within one pixel, odd beyond
  return tf.mul(tf.neg(which), tf.relu(tf.sub(2, tf.abs(which))));
}

/** out [B, n, m] = sum over pixels: rows [B, n, H] * source [B, H, W] * cols [B, m, W]. */
function resample(source: tf.Tensor3D, rows: tf.Tensor3D, cols: tf.Tensor3D): tf.Tensor3D {
  return tf.matMul(rows, tf.matMul(source, cols, false, true));
}

/** Where the pixels of a window look in an image: column and row coordinates in pixels, [B, w] and [B, h]. */
function readingPoints(zWhere: tf.Tensor2D, window: Size, image: Size, minScale: number): [tf.Tensor2D, tf.Tensor2D] {
  const [s, x, y] = columns(zWhere);
  const scale = tf.maximum(s, minScale);
  return [
    toPixels(tf.div(tf.sub(centres(window[1]), x), scale), image[1]),
    toPixels(tf.div(tf.sub(centres(window[0]), y), scale), image[0]),
  ];
}

/** Where the pixels of a canvas look in a window: [B, W] and [B, H]. */
function placingPoints(zWhere: tf.Tensor2D, window: Size, canvas: Size): [tf.Tensor2D, tf.Tensor2D] {
  const [s, x, y] = columns(zWhere);
  return [
    toPixels(tf.add(tf.mul(s, centres(canvas[1])), x), window[1]),
    toPixels(tf.add(tf.mul(s, centres(canvas[0])), y), window[0]),
  ];
}

/** Windows are [B, h w], row by row: what a perceptron reads and writes. */
type WindowAttrs = { height: number; width: number };
type ReadAttrs = WindowAttrs & { minScale: number };

const readWindowsOp = defineOp<{ images: tf.Tensor3D; zWhere: tf.Tensor2D }, ReadAttrs, [tf.Tensor2D]>({
  name: 'AirReadWindows',
  composite: ({ images, zWhere }, { height, width, minScale }) => {
    const [batch, imageHeight, imageWidth] = images.shape;
    const [colPoints, rowPoints] = readingPoints(zWhere, [height, width], [imageHeight, imageWidth], minScale);
    const windows = resample(images, hatWeights(rowPoints, imageHeight), hatWeights(colPoints, imageWidth));
    return [tf.reshape(windows, [batch, height * width])];
  },
});

/**
 * Read one window from each image: the "attend" half of attention.
 *
 *   images  [B, H, W]
 *   zWhere  [B, 3]      (s, x, y), see above; s below 0.2 reads as 0.2, with zero gradient
 *   returns [B, h w]
 */
export function readWindows(images: tf.Tensor3D, zWhere: tf.Tensor2D, [height, width]: Size): tf.Tensor2D {
  return readWindowsOp({ images, zWhere }, { height, width, minScale: MIN_SCALE })[0];
}

const readWindowsGradOp = defineOp<
  { dy: tf.Tensor2D; images: tf.Tensor3D; zWhere: tf.Tensor2D },
  ReadAttrs,
  [dZWhere: tf.Tensor2D]
>({
  name: 'AirReadWindowsGrad',
  composite: ({ dy, images, zWhere }, { height, width, minScale }) => {
    const [batch, imageHeight, imageWidth] = images.shape;
    const [colPoints, rowPoints] = readingPoints(zWhere, [height, width], [imageHeight, imageWidth], minScale);
    const [cols, rows] = [hatWeights(colPoints, imageWidth), hatWeights(rowPoints, imageHeight)];
    const dWindows = tf.reshape(dy, [batch, height, width]);
    const dCols = tf.sum(tf.mul(dWindows, resample(images, rows, hatSlopes(colPoints, imageWidth))), 1);
    const dRows = tf.sum(tf.mul(dWindows, resample(images, hatSlopes(rowPoints, imageHeight), cols)), 2);
    const [s, x, y] = columns(zWhere);
    const scale = tf.maximum(s, minScale);
    // points = ((centre - x)/s + 1) side/2 - 1/2
    const perCol = tf.mul(dCols, imageWidth / 2);
    const perRow = tf.mul(dRows, imageHeight / 2);
    const moved = (d: tf.Tensor, centre: tf.Tensor, shift: tf.Tensor) =>
      tf.sum(tf.mul(d, tf.sub(centre, shift)), 1, true);
    const dScale = tf.div(
      tf.add(moved(perCol, centres(width), x), moved(perRow, centres(height), y)),
      tf.neg(tf.square(scale)),
    );
    const free = tf.step(tf.sub(s, minScale));
    const dX = tf.neg(tf.div(tf.sum(perCol, 1, true), scale));
    const dY = tf.neg(tf.div(tf.sum(perRow, 1, true), scale));
    return [tf.concat([tf.mul(dScale, free), dX, dY], 1) as tf.Tensor2D];
  },
});

/** Gradient of `readWindows` by zWhere, [B, 3]; dy [B, h w]. */
export function readWindowsGrad(
  dy: tf.Tensor2D,
  images: tf.Tensor3D,
  zWhere: tf.Tensor2D,
  [height, width]: Size,
): tf.Tensor2D {
  return readWindowsGradOp({ dy, images, zWhere }, { height, width, minScale: MIN_SCALE })[0];
}

const placeWindowsOp = defineOp<
  { windows: tf.Tensor2D; zWhere: tf.Tensor2D; canvas: tf.Tensor3D },
  WindowAttrs,
  [tf.Tensor3D]
>({
  name: 'AirPlaceWindows',
  composite: ({ windows, zWhere, canvas }, { height, width }) => {
    const [batch, canvasHeight, canvasWidth] = canvas.shape;
    const [colPoints, rowPoints] = placingPoints(zWhere, [height, width], [canvasHeight, canvasWidth]);
    const sources: tf.Tensor3D = tf.reshape(windows, [batch, height, width]);
    return [tf.add(canvas, resample(sources, hatWeights(rowPoints, height), hatWeights(colPoints, width)))];
  },
});

/**
 * Place each decoded window on a canvas: the "write" half of attention. Where objects overlap, they add up.
 *
 *   windows [B, h w]    intensities; 0 leaves the canvas untouched
 *   zWhere  [B, 3]      (s, x, y), see above
 *   canvas  [B, H, W]
 *   returns [B, H, W]   the canvas itself, with zero gradient, where no window reaches
 */
export function placeWindows(
  windows: tf.Tensor2D,
  zWhere: tf.Tensor2D,
  [height, width]: Size,
  canvas: tf.Tensor3D,
): tf.Tensor3D {
  return placeWindowsOp({ windows, zWhere, canvas }, { height, width })[0];
}

const placeWindowsGradOp = defineOp<
  { dy: tf.Tensor3D; windows: tf.Tensor2D; zWhere: tf.Tensor2D },
  WindowAttrs,
  [dWindows: tf.Tensor2D, dZWhere: tf.Tensor2D]
>({
  name: 'AirPlaceWindowsGrad',
  composite: ({ dy, windows, zWhere }, { height, width }) => {
    const [batch, canvasHeight, canvasWidth] = dy.shape;
    const [colPoints, rowPoints] = placingPoints(zWhere, [height, width], [canvasHeight, canvasWidth]);
    const [cols, rows] = [hatWeights(colPoints, width), hatWeights(rowPoints, height)];
    const sources: tf.Tensor3D = tf.reshape(windows, [batch, height, width]);
    const dWindows: tf.Tensor2D = tf.reshape(tf.matMul(tf.matMul(rows, dy, true, false), cols), windows.shape);
    // points = (s centre + x + 1) side/2 - 1/2
    const dCols = tf.mul(tf.sum(tf.mul(dy, resample(sources, rows, hatSlopes(colPoints, width))), 1), width / 2);
    const dRows = tf.mul(tf.sum(tf.mul(dy, resample(sources, hatSlopes(rowPoints, height), cols)), 2), height / 2);
    const dScale = tf.add(
      tf.sum(tf.mul(dCols, centres(canvasWidth)), 1, true),
      tf.sum(tf.mul(dRows, centres(canvasHeight)), 1, true),
    );
    const dZWhere = tf.concat([dScale, tf.sum(dCols, 1, true), tf.sum(dRows, 1, true)], 1) as tf.Tensor2D;
    return [dWindows, dZWhere];
  },
});

/** Gradients of `placeWindows` by windows [B, h w] and zWhere [B, 3]; dy [B, H, W]. That by the canvas is dy itself. */
export function placeWindowsGrad(
  dy: tf.Tensor3D,
  windows: tf.Tensor2D,
  zWhere: tf.Tensor2D,
  [height, width]: Size,
): { dWindows: tf.Tensor2D; dZWhere: tf.Tensor2D } {
  const [dWindows, dZWhere] = placeWindowsGradOp({ dy, windows, zWhere }, { height, width });
  return { dWindows, dZWhere };
}

const residualOp = defineOp<{ images: tf.Tensor3D; canvas: tf.Tensor3D }, { pool: number }, [tf.Tensor2D]>({
  name: 'AirResidual',
  composite: ({ images, canvas }, { pool }) => {
    const rest = tf.sub(images, canvas) as tf.Tensor3D;
    const [batch] = rest.shape;
    if (pool === 1) return [tf.reshape(rest, [batch, -1])];
    return [tf.reshape(tf.avgPool(tf.expandDims(rest, 3) as tf.Tensor4D, pool, pool, 'valid'), [batch, -1])];
  },
});

/** What a canvas leaves unexplained, average-pooled: [B, floor(H/pool) * floor(W/pool)]. */
export function residual(images: tf.Tensor3D, canvas: tf.Tensor3D, pool: number): tf.Tensor2D {
  return residualOp({ images, canvas }, { pool })[0];
}
