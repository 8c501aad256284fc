/**
 * Bilinear sampling, of which both halves of attention are made: read a window from an image, place a window on a canvas.
 * Zero outside, pixel centres (align_corners=False), so both equal PyTorch's affine_grid + grid_sample.
 *
 * Where a window lies is said by the map from the canvas to it, on normalised coordinates: u = sx X + x, v = sy Y + y. So the
 * box on a canvas of side W is W/sx wide, centred at W/2 (1 - x/sx). Reading uses the inverse map X = (u - x)/sx. What makes
 * such a map of z_where is in where.ts. It comes as `affine`, in one of two forms:
 *
 *   [B, 3]  (s, x, y): one scale for both axes
 *   [B, 4]  (sx, x, sy, y): a scale for each, which may be negative (a mirrored window); none may be near 0
 *
 * Source: spatial transformer networks, Jaderberg et al. 2015; their use in AIR, Eslami et al. 2016, section 3.
 *
 * Both maps are separable, so in plain ops each is two matrix products with hat weights relu(1 - |u - i|). These are ops of
 * tfjs: a backend for which that is too slow samples in another way altogether.
 */
import * as tf from '@tensorflow/tfjs';

export type Size = readonly [height: number, width: number];

/** A scale for both axes that is below this is read as this: the inverse map divides by it. */
export const MIN_SCALE = 0.2;

/** Normalised pixel centres, [1, n], in -1..1. */
export function centres(n: number): tf.Tensor2D {
  return tf.tensor2d(
    Float32Array.from({ length: n }, (_, i) => (2 * i + 1) / n - 1),
    [1, n],
  );
}

/** Normalised coordinate -> pixel coordinate, in which pixel i has its centre at i. */
export function toPixels(u: tf.Tensor2D, side: number): tf.Tensor2D {
  return tf.sub(tf.mul(tf.add(u, 1), side / 2), 0.5);
}

/** One axis of a map, u = scale X + shift; each [B, 1]. */
export type Axis = { scale: tf.Tensor2D; shift: tf.Tensor2D };

/** Whether one scale serves both axes. */
export function sharesScale(affine: tf.TensorInfo): boolean {
  return affine.shape[1] === 3;
}

/** Both axes of a map; a scale that serves both is one tensor. */
export function axesOf(affine: tf.Tensor2D): [x: Axis, y: Axis] {
  const columns = tf.split(affine, affine.shape[1], 1) as tf.Tensor2D[];
  const [sx, x, sy, y] = sharesScale(affine) ? [columns[0], columns[1], columns[0], columns[2]] : columns;
  return [
    { scale: sx, shift: x },
    { scale: sy, shift: y },
  ];
}

/** The columns of a map, or of a gradient by it, side by side: one or two scales, two shifts. */
export function joinAxes(
  [first, ...second]: readonly tf.Tensor[],
  [x, y]: readonly [tf.Tensor, tf.Tensor],
): tf.Tensor2D {
  return tf.concat([first, x, ...second, y], 1) as tf.Tensor2D;
}

/** Distances of sampling points [B, n] from the pixels of a side: [B, n, side]. */
export function distances(points: tf.Tensor2D, side: number): tf.Tensor3D {
  return tf.sub(tf.expandDims(points, 2), tf.reshape(tf.range(0, side), [1, 1, side]));
}

/** Bilinear weights of the pixels of a side for sampling points [B, n]: [B, n, side]. */
export function hatWeights(points: tf.Tensor2D, side: number): tf.Tensor3D {
  return tf.relu(tf.sub(1, tf.abs(distances(points, side))));
}

/**
 * Derivatives of the bilinear weights by the sampling points: -1 from a pixel to the next, +1 from the one before up to it,
 * 0 beyond.
 */
export function hatSlopes(points: tf.Tensor2D, side: number): tf.Tensor3D {
  const which = tf.add(tf.mul(tf.floor(distances(points, side)), 2), 1); // -1 or 1 within one pixel, odd beyond
  return tf.mul(tf.neg(which), tf.relu(tf.sub(2, tf.abs(which))));
}

/** out [B, n, m] = sum over pixels: rows [B, n, H] * source [B, H, W] * cols [B, m, W]. */
export function resample(source: tf.Tensor3D, rows: tf.Tensor3D, cols: tf.Tensor3D): tf.Tensor3D {
  return tf.matMul(rows, tf.matMul(source, cols, false, true));
}

/** Windows are [B, h w], row by row: what a perceptron reads and writes. */
export type WindowAttrs = { height: number; width: number };
