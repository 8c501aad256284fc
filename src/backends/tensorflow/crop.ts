/**
 * TensorFlow's CropAndResize, of which both halves of attention are made here: a few ops in place of the many that hat
 * weights take. It samples bilinearly at evenly spaced points, the first and last of which a box names; images get a border
 * of zeros first, since it has no zero padding.
 */
import * as tf from '@tensorflow/tfjs';
import type { Size } from '../../core/ops/sampling.js';
import type { TensorflowOps } from './ops.js';

/** [B, H, W], or [B, H W], with their sides. */
export type Pictures = { pixels: tf.Tensor; size: Size };

/** Numbers in the order of a box: y first, x first, y last, x last. */
export type Corners = [number, number, number, number];

/**
 * Index of the last pixel of a side with its border: one zero before, one or more after. A power of two, so that
 * multiplications and divisions by it are exact.
 */
function lastOf(side: number): number {
  return 2 ** Math.ceil(Math.log2(side + 1));
}

/**
 * What makes boxes of normalised coordinates u on pictures of this size, u factor + shift. In a box, 0 and 1 are the centres
 * of the first and the last pixel of a side with its border: ((u + 1) side/2 - 1/2 + 1) / last.
 */
export function toBoxes([height, width]: Size): { factors: Corners; shifts: Corners } {
  const perSide = (of: (side: number) => number): Corners => [of(height), of(width), of(height), of(width)];
  return {
    factors: perSide((side) => side / 2 / lastOf(side)),
    shifts: perSide((side) => (side + 1) / 2 / lastOf(side)),
  };
}

/** Normalised centres of the first and the last pixel of a picture of this size. */
export function corners([height, width]: Size): Corners {
  const [y, x] = [1 - 1 / height, 1 - 1 / width];
  return [-y, -x, y, x];
}

/** [3, 4] or [4, 4], a map -> boxes: its scales times `ofScale`, and its shifts times `factors`. */
export function fromAffine(isShared: boolean, ofScale: Corners, [y, x]: Corners): tf.Tensor2D {
  const [firstY, firstX, lastY, lastX] = ofScale;
  const shifts = [
    [0, x, 0, x],
    [y, 0, y, 0],
  ];
  if (isShared) return tf.tensor2d([ofScale, ...shifts]);
  return tf.tensor2d([[0, firstX, 0, lastX], shifts[0], [firstY, 0, lastY, 0], shifts[1]]);
}

/** With its border, as an image of one channel. */
function bordered(ops: TensorflowOps, { pixels, size }: Pictures): tf.Tensor {
  const batch = pixels.shape[0];
  const sides = size.map((side): [number, number] => [1, lastOf(side) - side]);
  // the axis of channels comes last of all: with it a row is no longer one piece, and copied number by number
  const wider = ops.pad(ops.reshape(pixels, [batch, ...size]), [[0, 0], ...sides]);
  return ops.reshape(wider, [batch, ...wider.shape.slice(1), 1]);
}

/** Which image each box looks into: its own. */
function each(batch: number): tf.Tensor1D {
  return tf.tensor1d(
    Int32Array.from({ length: batch }, (_, b) => b),
    'int32',
  );
}

const BILINEAR = { method: 'bilinear' };

/** Bilinear samples of each picture in its box [B, 4]: [B, height, width, 1]. */
export function crop(ops: TensorflowOps, pictures: Pictures, boxes: tf.Tensor, size: Size): tf.Tensor {
  const inputs = [bordered(ops, pictures), boxes, each(boxes.shape[0]), tf.tensor1d([...size], 'int32')];
  return ops.run('CropAndResize', inputs, { ...BILINEAR, extrapolation_value: 0 });
}

/** Gradient of `crop` by the boxes, [B, 4]; dy [B, height, width, 1]. */
export function cropGradBoxes(ops: TensorflowOps, dy: tf.Tensor, pictures: Pictures, boxes: tf.Tensor): tf.Tensor {
  const inputs = [dy, bordered(ops, pictures), boxes, each(boxes.shape[0])];
  return ops.run('CropAndResizeGradBoxes', inputs, BILINEAR);
}

/** Gradient of `crop` by pictures of this size, [B, H, W]; dy [B, height, width, 1]. */
export function cropGradPixels(ops: TensorflowOps, dy: tf.Tensor, boxes: tf.Tensor, [height, width]: Size): tf.Tensor {
  const batch = boxes.shape[0];
  const sides = tf.tensor1d([batch, lastOf(height) + 1, lastOf(width) + 1, 1], 'int32');
  const grad = ops.run('CropAndResizeGradImage', [dy, boxes, each(batch), sides], BILINEAR);
  const pixels = ops.reshape(grad, [batch, lastOf(height) + 1, lastOf(width) + 1]);
  return ops.slice(pixels, [0, 1, 1], [batch, height, width]);
}
