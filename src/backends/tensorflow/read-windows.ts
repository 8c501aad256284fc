/** Reading windows from images, by CropAndResize. */
import * as tf from '@tensorflow/tfjs';
import type { Size } from '../../core/ops/sampling.js';
import { corners, crop, cropGradBoxes, fromWhere, toBoxes } from './crop.js';
import type { TensorflowKernel, TensorflowOps } from './ops.js';

type Reading = { window: Size; image: Size; minScale: number };

/**
 * The boxes [B, 4] that windows take up on images. Their corners are (corner - position) / scale, so the boxes are a constant
 * minus `offsets`: what zWhere gives by `positions` [3, 4], minus the corners, over the scale.
 */
function reading(ops: TensorflowOps, zWhere: tf.Tensor, { window, image, minScale }: Reading) {
  const { factors, shifts } = toBoxes(image);
  const positions = fromWhere([0, 0, 0, 0], factors);
  const own = tf.tensor1d(corners(window).map((corner, i) => -corner * factors[i]));
  const s = ops.slice(zWhere, [0, 0], [zWhere.shape[0], 1]);
  const scale = ops.maximum(s, minScale);
  const offsets = ops.div(ops.addBias(ops.matMul(zWhere, positions), own), scale);
  return { s, scale, offsets, factors, boxes: ops.sub(tf.tensor2d([shifts]), offsets) };
}

function readingOf(image: readonly number[], attrs: tf.NamedAttrMap): Reading {
  const window: Size = [Number(attrs.height), Number(attrs.width)];
  return { window, image: [image[1], image[2]], minScale: Number(attrs.minScale) };
}

export const airReadWindows: TensorflowKernel = (ops, { images, zWhere }, attrs) => {
  const given = readingOf(images.shape, attrs);
  const [height, width] = given.window;
  const { boxes } = reading(ops, zWhere, given);
  const windows = crop(ops, { pixels: images, size: given.image }, boxes, given.window);
  return ops.reshape(windows, [images.shape[0], height * width]);
};

export const airReadWindowsGrad: TensorflowKernel = (ops, { dy, images, zWhere }, attrs) => {
  const given = readingOf(images.shape, attrs);
  const { s, scale, offsets, factors, boxes } = reading(ops, zWhere, given);
  const dWindows = ops.reshape(dy, [images.shape[0], ...given.window, 1]);
  const dBoxes = cropGradBoxes(ops, dWindows, { pixels: images, size: given.image }, boxes);
  const d = ops.div(dBoxes, scale); // by minus the offsets before they are divided
  const dScale = ops.whereLess(given.minScale, s, ops.sum(ops.mul(d, offsets), 1, true), 0);
  const [y, x] = factors;
  const dPosition = ops.matMul(d, tf.tensor2d([0, -y, -x, 0, 0, -y, -x, 0], [4, 2]));
  return ops.concat([dScale, dPosition], 1);
};
