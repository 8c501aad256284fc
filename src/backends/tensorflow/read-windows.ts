/** Reading windows from images, by CropAndResize. */
import * as tf from '@tensorflow/tfjs';
import { type Size, sharesScale } from '../../core/ops/sampling.js';
import { corners, crop, cropGradBoxes, fromAffine, toBoxes } from './crop.js';
import type { TensorflowKernel, TensorflowOps } from './ops.js';

type Reading = { window: Size; image: Size; minScale: number };

/**
 * The boxes [B, 4] that windows take up on images. Their corners are (corner - shift) / scale, so the boxes are a constant
 * minus `offsets`: what `affine` gives by `positions` [3 or 4, 4], minus the corners, over the scale, which is [B, 1], or
 * [B, 4] where each axis has its own.
 */
function reading(ops: TensorflowOps, affine: tf.Tensor, { window, image, minScale }: Reading) {
  const { factors, shifts } = toBoxes(image);
  const positions = fromAffine(sharesScale(affine), [0, 0, 0, 0], factors);
  const own = tf.tensor1d(corners(window).map((corner, i) => -corner * factors[i]));
  const column = (i: number) => ops.slice(affine, [0, i], [affine.shape[0], 1]);
  const scale = sharesScale(affine)
    ? ops.maximum(column(0), minScale)
    : ops.concat([column(2), column(0), column(2), column(0)], 1);
  const offsets = ops.div(ops.addBias(ops.matMul(affine, positions), own), scale);
  return { s: column(0), scale, offsets, factors, boxes: ops.sub(tf.tensor2d([shifts]), offsets) };
}

function readingOf(image: readonly number[], attrs: tf.NamedAttrMap): Reading {
  const window: Size = [Number(attrs.height), Number(attrs.width)];
  return { window, image: [image[1], image[2]], minScale: Number(attrs.minScale) };
}

export const airReadWindows: TensorflowKernel = (ops, { images, affine }, attrs) => {
  const given = readingOf(images.shape, attrs);
  const [height, width] = given.window;
  const { boxes } = reading(ops, affine, given);
  const windows = crop(ops, { pixels: images, size: given.image }, boxes, given.window);
  return ops.reshape(windows, [images.shape[0], height * width]);
};

export const airReadWindowsGrad: TensorflowKernel = (ops, { dy, images, affine }, attrs) => {
  const given = readingOf(images.shape, attrs);
  const { s, scale, offsets, factors, boxes } = reading(ops, affine, given);
  const dWindows = ops.reshape(dy, [images.shape[0], ...given.window, 1]);
  const dBoxes = cropGradBoxes(ops, dWindows, { pixels: images, size: given.image }, boxes);
  const d = ops.div(dBoxes, scale); // by minus the offsets before they are divided
  const byScale = ops.mul(d, offsets); // corner by corner
  const [y, x] = factors;
  if (!sharesScale(affine)) {
    const ofScales = tf.tensor2d([0, 0, 1, 0, 1, 0, 0, 0, 0, 0, 1, 0, 1, 0, 0, 0], [4, 4]);
    const ofShifts = tf.tensor2d([0, 0, 0, -y, 0, -x, 0, 0, 0, 0, 0, -y, 0, -x, 0, 0], [4, 4]);
    return ops.add(ops.matMul(byScale, ofScales), ops.matMul(d, ofShifts));
  }
  const dScale = ops.whereLess(given.minScale, s, ops.sum(byScale, 1, true), 0);
  const dPosition = ops.matMul(d, tf.tensor2d([0, -y, -x, 0, 0, -y, -x, 0], [4, 2]));
  return ops.concat([dScale, dPosition], 1);
};
