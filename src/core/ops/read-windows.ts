/** Reading windows from images: the "attend" half of attention (see sampling.ts). */
import * as tf from '@tensorflow/tfjs';
import { defineOp } from './op.js';
import {
  centres,
  columns,
  hatSlopes,
  hatWeights,
  MIN_SCALE,
  resample,
  type Size,
  toPixels,
  type WindowAttrs,
} from './sampling.js';

/** Where the pixels of a window look in an image: column and row coordinates in pixels, [B, w] and [B, h]. */
function readingPoints(zWhere: tf.Tensor2D, window: Size, image: Size, minScale: number): [tf.Tensor2D, tf.Tensor2D] {
  const [s, x, y] = columns(zWhere);
  const scale = tf.maximum(s, minScale);
  return [
    toPixels(tf.div(tf.sub(centres(window[1]), x), scale), image[1]),
    toPixels(tf.div(tf.sub(centres(window[0]), y), scale), image[0]),
  ];
}

type ReadAttrs = WindowAttrs & { minScale: number };

const readWindowsOp = defineOp<{ images: tf.Tensor3D; zWhere: tf.Tensor2D }, ReadAttrs, [tf.Tensor2D]>({
  name: 'AirReadWindows',
  composite: (_, { images, zWhere }, { height, width, minScale }) => {
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
 *   zWhere  [B, 3]      (s, x, y), see sampling.ts; s below 0.2 reads as 0.2, with zero gradient
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
  composite: (_, { dy, images, zWhere }, { height, width, minScale }) => {
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
