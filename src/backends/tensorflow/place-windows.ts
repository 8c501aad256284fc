/** Placing windows on canvases, by CropAndResize. */
import * as tf from '@tensorflow/tfjs';
import { type Size, sharesScale } from '../../core/ops/sampling.js';
import { type Corners, corners, crop, cropGradBoxes, cropGradPixels, fromAffine, toBoxes } from './crop.js';
import type { TensorflowKernel, TensorflowOps } from './ops.js';

/**
 * The boxes [B, 4] that canvases take up on windows. Their corners are scale corner + shift, so the boxes are `affine`
 * times `places` [3 or 4, 4] plus a constant.
 */
function placing(ops: TensorflowOps, affine: tf.Tensor, window: Size, canvas: Size) {
  const { factors, shifts } = toBoxes(window);
  const ofScale = corners(canvas).map((corner, i) => corner * factors[i]) as Corners;
  const places = fromAffine(sharesScale(affine), ofScale, factors);
  return { places, boxes: ops.addBias(ops.matMul(affine, places), tf.tensor1d(shifts)) };
}

export const airPlaceWindows: TensorflowKernel = (ops, { windows, affine, canvas }, attrs) => {
  const size: Size = [Number(attrs.height), Number(attrs.width)];
  const canvasSize: Size = [canvas.shape[1], canvas.shape[2]];
  const { boxes } = placing(ops, affine, size, canvasSize);
  return ops.add(canvas, ops.reshape(crop(ops, { pixels: windows, size }, boxes, canvasSize), canvas.shape));
};

export const airPlaceWindowsGrad: TensorflowKernel = (ops, { dy, windows, affine }, attrs) => {
  const size: Size = [Number(attrs.height), Number(attrs.width)];
  const { places, boxes } = placing(ops, affine, size, [dy.shape[1], dy.shape[2]]);
  const dCanvas = ops.reshape(dy, [...dy.shape, 1]);
  const dBoxes = cropGradBoxes(ops, dCanvas, { pixels: windows, size }, boxes);
  const dWindows = ops.reshape(cropGradPixels(ops, dCanvas, boxes, size), windows.shape);
  return [dWindows, ops.matMul(dBoxes, places, false, true)];
};
