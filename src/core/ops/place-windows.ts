/** Placing windows on canvases: the "write" half of attention (see sampling.ts). */
import * as tf from '@tensorflow/tfjs';
import { defineOp } from './op.js';
import {
  axesOf,
  centres,
  hatSlopes,
  hatWeights,
  joinAxes,
  resample,
  type Size,
  sharesScale,
  toPixels,
  type WindowAttrs,
} from './sampling.js';

/** Where the pixels of a canvas look in a window: [B, W] and [B, H]. */
function placingPoints(affine: tf.Tensor2D, window: Size, canvas: Size): [tf.Tensor2D, tf.Tensor2D] {
  const [x, y] = axesOf(affine);
  return [
    toPixels(tf.add(tf.mul(x.scale, centres(canvas[1])), x.shift), window[1]),
    toPixels(tf.add(tf.mul(y.scale, centres(canvas[0])), y.shift), window[0]),
  ];
}

const placeWindowsOp = defineOp<
  { windows: tf.Tensor2D; affine: tf.Tensor2D; canvas: tf.Tensor3D },
  WindowAttrs,
  [tf.Tensor3D]
>({
  name: 'AirPlaceWindows',
  composite: (_, { windows, affine, canvas }, { height, width }) => {
    const [batch, canvasHeight, canvasWidth] = canvas.shape;
    const [colPoints, rowPoints] = placingPoints(affine, [height, width], [canvasHeight, canvasWidth]);
    const sources: tf.Tensor3D = tf.reshape(windows, [batch, height, width]);
    return [tf.add(canvas, resample(sources, hatWeights(rowPoints, height), hatWeights(colPoints, width)))];
  },
});

/**
 * Place each decoded window on a canvas: the "write" half of attention. Where objects overlap, they add up.
 *
 *   windows [B, h w]    intensities; 0 leaves the canvas untouched
 *   affine  [B, 3]      (s, x, y), or [B, 4], (sx, x, sy, y), see sampling.ts
 *   canvas  [B, H, W]
 *   returns [B, H, W]   the canvas itself, with zero gradient, where no window reaches
 */
export function placeWindows(
  windows: tf.Tensor2D,
  affine: tf.Tensor2D,
  [height, width]: Size,
  canvas: tf.Tensor3D,
): tf.Tensor3D {
  return placeWindowsOp({ windows, affine, canvas }, { height, width })[0];
}

const placeWindowsGradOp = defineOp<
  { dy: tf.Tensor3D; windows: tf.Tensor2D; affine: tf.Tensor2D },
  WindowAttrs,
  [dWindows: tf.Tensor2D, dAffine: tf.Tensor2D]
>({
  name: 'AirPlaceWindowsGrad',
  composite: (_, { dy, windows, affine }, { height, width }) => {
    const [batch, canvasHeight, canvasWidth] = dy.shape;
    const [colPoints, rowPoints] = placingPoints(affine, [height, width], [canvasHeight, canvasWidth]);
    const [cols, rows] = [hatWeights(colPoints, width), hatWeights(rowPoints, height)];
    const sources: tf.Tensor3D = tf.reshape(windows, [batch, height, width]);
    const dWindows: tf.Tensor2D = tf.reshape(tf.matMul(tf.matMul(rows, dy, true, false), cols), windows.shape);
    // points = (scale centre + shift + 1) side/2 - 1/2
    const dCols = tf.mul(tf.sum(tf.mul(dy, resample(sources, rows, hatSlopes(colPoints, width))), 1), width / 2);
    const dRows = tf.mul(tf.sum(tf.mul(dy, resample(sources, hatSlopes(rowPoints, height), cols)), 2), height / 2);
    const byX = tf.sum(tf.mul(dCols, centres(canvasWidth)), 1, true);
    const byY = tf.sum(tf.mul(dRows, centres(canvasHeight)), 1, true);
    const dScales = sharesScale(affine) ? [tf.add(byX, byY)] : [byX, byY];
    return [dWindows, joinAxes(dScales, [tf.sum(dCols, 1, true), tf.sum(dRows, 1, true)])];
  },
});

/** Gradients of `placeWindows` by windows [B, h w] and by `affine`, of its shape; dy [B, H, W]. That by the canvas is dy itself. */
export function placeWindowsGrad(
  dy: tf.Tensor3D,
  windows: tf.Tensor2D,
  affine: tf.Tensor2D,
  [height, width]: Size,
): { dWindows: tf.Tensor2D; dAffine: tf.Tensor2D } {
  const [dWindows, dAffine] = placeWindowsGradOp({ dy, windows, affine }, { height, width });
  return { dWindows, dAffine };
}
