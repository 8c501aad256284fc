/**
 * What the ops of air run as on libtensorflow, where an op costs 10-15 us before it computes anything: composites over its own
 * ops, and kernels where another algorithm takes fewer of them. Attention is TensorFlow's own CropAndResize, which samples
 * bilinearly at evenly spaced points, the first and last of which a box names; images get a border of zeros first, since it
 * has no zero padding.
 */
import * as tf from '@tensorflow/tfjs';
import { registerOwnKernel } from '../../core/ops/op.js';
import { useTensorOps } from '../../core/ops/tensor-ops.js';
import { type TensorflowBackend, TensorflowOps } from './ops.js';

/** Tensors of any rank; what their axes are, core says where it defines the op. */
type Inputs = { readonly [name: string]: tf.Tensor & { readonly shape: number[] } };

type Kernel = (
  ops: TensorflowOps,
  inputs: Inputs,
  attrs: { readonly [name: string]: unknown },
) => tf.Tensor | tf.Tensor[];

/**
 * Index of the last pixel of a side with its border: one zero before, one or more after. A power of two, so that the
 * multiplications and divisions by it that make sampling points of boxes and boxes of points are exact.
 */
function lastOf(side: number): number {
  return 2 ** Math.ceil(Math.log2(side + 1));
}

/** [1, 4] of what a box holds, (y first, x first, y last, x last): a value by side, height first. */
function perCorner(height: number, width: number): tf.Tensor2D {
  return tf.tensor2d([[height, width, height, width]]);
}

/** [1, 4] centres of the first and last pixel of a side on normalised coordinates, in the order of a box. */
function corners(height: number, width: number): tf.Tensor2D {
  const [y, x] = [1 - 1 / height, 1 - 1 / width];
  return tf.tensor2d([[-y, -x, y, x]]);
}

/** [3, 4], zWhere -> (y, x, y, x). */
function positions(): tf.Tensor2D {
  return tf.tensor2d([0, 0, 0, 0, 0, 1, 0, 1, 1, 0, 1, 0], [3, 4]);
}

/** [3, 4], zWhere -> s (y, x, y, x of the corners of a canvas) + (y, x, y, x of zWhere). */
function placing(height: number, width: number): tf.Tensor2D {
  const [y, x] = [1 - 1 / height, 1 - 1 / width];
  return tf.tensor2d([-y, -x, y, x, 0, 1, 0, 1, 1, 0, 1, 0], [3, 4]);
}

/**
 * Normalised coordinates [B, 4] to CropAndResize's boxes, in which 0 and 1 are the centres of the first and the last
 * pixel of an image with its border: ((u + 1) side/2 - 1/2 + 1) / last.
 */
function boxesOf(ops: TensorflowOps, coordinates: tf.Tensor, height: number, width: number): tf.Tensor {
  const [y, x] = [lastOf(height), lastOf(width)];
  const shift = perCorner((height + 1) / 2 / y, (width + 1) / 2 / x);
  return ops.add(ops.mul(coordinates, perCorner(height / 2 / y, width / 2 / x)), shift);
}

/** Gradient by the normalised coordinates, from that by the boxes. */
function throughBoxes(ops: TensorflowOps, dBoxes: tf.Tensor, height: number, width: number): tf.Tensor {
  return ops.mul(dBoxes, perCorner(height / 2 / lastOf(height), width / 2 / lastOf(width)));
}

/** [B, H, W] with its border, as an image of one channel. */
function bordered(ops: TensorflowOps, images: tf.Tensor, [batch, height, width]: readonly number[]): tf.Tensor {
  const image = ops.reshape(images, [batch, height, width, 1]);
  const sides = [height, width].map((side): [number, number] => [1, lastOf(side) - side]);
  return ops.pad(image, [[0, 0], ...sides, [0, 0]]);
}

/** Which image each box looks into: its own. */
function each(batch: number): tf.Tensor1D {
  return tf.tensor1d(
    Int32Array.from({ length: batch }, (_, b) => b),
    'int32',
  );
}

const BILINEAR = { method: 'bilinear' };

/** Bilinear samples of each image [B, H, W]: [B, height, width, 1]. */
function crop(
  ops: TensorflowOps,
  images: tf.Tensor,
  shape: readonly number[],
  boxes: tf.Tensor,
  size: readonly [height: number, width: number],
): tf.Tensor {
  const inputs = [bordered(ops, images, shape), boxes, each(shape[0]), tf.tensor1d([...size], 'int32')];
  return ops.run('CropAndResize', inputs, { ...BILINEAR, extrapolation_value: 0 });
}

/** Gradient of `crop` by the boxes, [B, 4]; dy [B, height, width, 1]. */
function cropGradBoxes(
  ops: TensorflowOps,
  dy: tf.Tensor,
  images: tf.Tensor,
  shape: readonly number[],
  boxes: tf.Tensor,
): tf.Tensor {
  return ops.run('CropAndResizeGradBoxes', [dy, bordered(ops, images, shape), boxes, each(shape[0])], BILINEAR);
}

/** Gradient of `crop` by the images, [B, H, W, 1]. */
function cropGradImage(ops: TensorflowOps, dy: tf.Tensor, boxes: tf.Tensor, shape: readonly number[]): tf.Tensor {
  const [batch, height, width] = shape;
  const size = tf.tensor1d([batch, lastOf(height) + 1, lastOf(width) + 1, 1], 'int32');
  const grad = ops.run('CropAndResizeGradImage', [dy, boxes, each(batch), size], BILINEAR);
  return ops.slice(grad, [0, 1, 1, 0], [batch, height, width, 1]);
}

/** (corner of the window - position) / scale: where the corners of a window lie in the image, [B, 4]. */
function reading(ops: TensorflowOps, zWhere: tf.Tensor, height: number, width: number, minScale: number) {
  const s = ops.slice(zWhere, [0, 0], [zWhere.shape[0], 1]);
  const scale = ops.maximum(s, minScale);
  const coordinates = ops.div(ops.sub(corners(height, width), ops.matMul(zWhere, positions())), scale);
  return { s, scale, coordinates };
}

function sizeOf(attrs: { readonly [name: string]: unknown }): [height: number, width: number] {
  return [Number(attrs.height), Number(attrs.width)];
}

const kernels: { [name: string]: Kernel } = {
  AirReadWindows(ops, { images, zWhere }, attrs) {
    const [height, width] = sizeOf(attrs);
    const { coordinates } = reading(ops, zWhere, height, width, Number(attrs.minScale));
    const boxes = boxesOf(ops, coordinates, images.shape[1], images.shape[2]);
    return ops.reshape(crop(ops, images, images.shape, boxes, [height, width]), [images.shape[0], height * width]);
  },

  AirReadWindowsGrad(ops, { dy, images, zWhere }, attrs) {
    const [batch, imageHeight, imageWidth] = images.shape;
    const [height, width] = sizeOf(attrs);
    const minScale = Number(attrs.minScale);
    const { s, scale, coordinates } = reading(ops, zWhere, height, width, minScale);
    const boxes = boxesOf(ops, coordinates, imageHeight, imageWidth);
    const dWindows = ops.reshape(dy, [batch, height, width, 1]);
    const dBoxes = cropGradBoxes(ops, dWindows, images, images.shape, boxes);
    const d = ops.div(throughBoxes(ops, dBoxes, imageHeight, imageWidth), scale); // by corner - position
    const dPosition = ops.matMul(d, positions(), false, true); // 0, x, y
    const dScale = ops.sum(ops.mul(d, coordinates), 1, true);
    const free = ops.relu(ops.run('Sign', [ops.sub(s, minScale)]));
    return ops.neg(ops.add(dPosition, ops.mul(ops.mul(dScale, free), tf.tensor2d([[1, 0, 0]]))));
  },

  AirPlaceWindows(ops, { windows, zWhere, canvas }, attrs) {
    const [height, width] = sizeOf(attrs);
    const [batch, canvasHeight, canvasWidth] = canvas.shape;
    const coordinates = ops.matMul(zWhere, placing(canvasHeight, canvasWidth));
    const boxes = boxesOf(ops, coordinates, height, width);
    const placed = crop(ops, windows, [batch, height, width], boxes, [canvasHeight, canvasWidth]);
    return ops.add(canvas, ops.reshape(placed, canvas.shape));
  },

  AirPlaceWindowsGrad(ops, { dy, windows, zWhere }, attrs) {
    const [height, width] = sizeOf(attrs);
    const [batch, canvasHeight, canvasWidth] = dy.shape;
    const place = placing(canvasHeight, canvasWidth);
    const boxes = boxesOf(ops, ops.matMul(zWhere, place), height, width);
    const dCanvas = ops.reshape(dy, [batch, canvasHeight, canvasWidth, 1]);
    const shape = [batch, height, width];
    const dBoxes = cropGradBoxes(ops, dCanvas, windows, shape, boxes);
    const dWindows = ops.reshape(cropGradImage(ops, dCanvas, boxes, shape), windows.shape);
    return [dWindows, ops.matMul(throughBoxes(ops, dBoxes, height, width), place, false, true)];
  },
};

/** Gives a backend its tensor ops and kernels, in place of those of one before it. */
export function registerTensorflowOps(backend: TensorflowBackend): void {
  const ops = new TensorflowOps(backend);
  useTensorOps('tensorflow', ops);
  for (const [name, kernel] of Object.entries(kernels)) {
    registerOwnKernel(name, 'tensorflow', {
      kernelFunc: ({ inputs, attrs }) => tf.tidy(() => kernel(ops, inputs as unknown as Inputs, attrs ?? {})),
    });
  }
}
