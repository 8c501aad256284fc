/** Reading windows from images: the "attend" half of attention (see sampling.ts). */
import * as tf from '@tensorflow/tfjs';
import { defineOp } from './op.js';
import {
  type Axis,
  axesOf,
  centres,
  hatSlopes,
  hatWeights,
  joinAxes,
  MIN_SCALE,
  resample,
  type Size,
  sharesScale,
  toPixels,
  type WindowAttrs,
} from './sampling.js';

/** The axes of a map as they are read: a scale that serves both is no less than the least. */
function readingAxes(affine: tf.Tensor2D, minScale: number): [x: Axis, y: Axis] {
  const [x, y] = axesOf(affine);
  if (!sharesScale(affine)) return [x, y];
  const scale: tf.Tensor2D = tf.maximum(x.scale, minScale);
  return [
    { scale, shift: x.shift },
    { scale, shift: y.shift },
  ];
}

/** Where the pixels of a window look in an image: column and row coordinates in pixels, [B, w] and [B, h]. */
function readingPoints([x, y]: readonly [Axis, Axis], window: Size, image: Size): [tf.Tensor2D, tf.Tensor2D] {
  return [
    toPixels(tf.div(tf.sub(centres(window[1]), x.shift), x.scale), image[1]),
    toPixels(tf.div(tf.sub(centres(window[0]), y.shift), y.scale), image[0]),
  ];
}

type ReadAttrs = WindowAttrs & { minScale: number };

const readWindowsOp = defineOp<{ images: tf.Tensor3D; affine: tf.Tensor2D }, ReadAttrs, [tf.Tensor2D]>({
  name: 'AirReadWindows',
  composite: (_, { images, affine }, { height, width, minScale }) => {
    const [batch, imageHeight, imageWidth] = images.shape;
    const axes = readingAxes(affine, minScale);
    const [colPoints, rowPoints] = readingPoints(axes, [height, width], [imageHeight, imageWidth]);
    const windows = resample(images, hatWeights(rowPoints, imageHeight), hatWeights(colPoints, imageWidth));
    return [tf.reshape(windows, [batch, height * width])];
  },
});

/**
 * Read one window from each image: the "attend" half of attention.
 *
 *   images  [B, H, W]
 *   affine  [B, 3]      (s, x, y), see sampling.ts; s below 0.2 reads as 0.2, with zero gradient
 *        or [B, 4]      (sx, x, sy, y), as they are
 *   returns [B, h w]
 */
export function readWindows(images: tf.Tensor3D, affine: tf.Tensor2D, [height, width]: Size): tf.Tensor2D {
  return readWindowsOp({ images, affine }, { height, width, minScale: MIN_SCALE })[0];
}

const readWindowsGradOp = defineOp<
  { dy: tf.Tensor2D; images: tf.Tensor3D; affine: tf.Tensor2D },
  ReadAttrs,
  [dAffine: tf.Tensor2D]
>({
  name: 'AirReadWindowsGrad',
  composite: (_, { dy, images, affine }, { height, width, minScale }) => {
    const [batch, imageHeight, imageWidth] = images.shape;
    const axes = readingAxes(affine, minScale);
    const [colPoints, rowPoints] = readingPoints(axes, [height, width], [imageHeight, imageWidth]);
    const [cols, rows] = [hatWeights(colPoints, imageWidth), hatWeights(rowPoints, imageHeight)];
    const dWindows = tf.reshape(dy, [batch, height, width]);
    const dCols = tf.sum(tf.mul(dWindows, resample(images, rows, hatSlopes(colPoints, imageWidth))), 1);
    const dRows = tf.sum(tf.mul(dWindows, resample(images, hatSlopes(rowPoints, imageHeight), cols)), 2);
    const [x, y] = axes;
    // points = ((centre - shift)/scale + 1) side/2 - 1/2
    const perCol = tf.mul(dCols, imageWidth / 2);
    const perRow = tf.mul(dRows, imageHeight / 2);
    const moved = (d: tf.Tensor, centre: tf.Tensor, { shift }: Axis) =>
      tf.sum(tf.mul(d, tf.sub(centre, shift)), 1, true);
    const [acrossX, acrossY] = [moved(perCol, centres(width), x), moved(perRow, centres(height), y)];
    const byScale = (across: tf.Tensor, { scale }: Axis) => tf.div(across, tf.neg(tf.square(scale)));
    const byShift = (d: tf.Tensor, { scale }: Axis) => tf.neg(tf.div(tf.sum(d, 1, true), scale));
    const isFree = () => tf.step(tf.sub(axesOf(affine)[0].scale, minScale));
    const dScales = sharesScale(affine)
      ? [tf.mul(byScale(tf.add(acrossX, acrossY), x), isFree())]
      : [byScale(acrossX, x), byScale(acrossY, y)];
    return [joinAxes(dScales, [byShift(perCol, x), byShift(perRow, y)])];
  },
});

/** Gradient of `readWindows` by `affine`, of its shape; dy [B, h w]. */
export function readWindowsGrad(
  dy: tf.Tensor2D,
  images: tf.Tensor3D,
  affine: tf.Tensor2D,
  [height, width]: Size,
): tf.Tensor2D {
  return readWindowsGradOp({ dy, images, affine }, { height, width, minScale: MIN_SCALE })[0];
}
