/**
 * Kernels for libtensorflow, where an op costs 10-15 us before it computes anything: fewer and larger ones than those of
 * the plain composites. Attention is TensorFlow's own CropAndResize, which samples bilinearly at evenly spaced points, the
 * first and last of which a box names; images get a border of zeros first, since it has no zero padding.
 */
import * as tf from '@tensorflow/tfjs';
import { VERY_NEGATIVE } from '../../core/ops/normal.js';
import { listed } from '../../core/ops/op.js';
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
  const scale = ops.run('Maximum', [s, tf.scalar(minScale)]);
  const coordinates = ops.div(ops.sub(corners(height, width), ops.matMul(zWhere, positions())), scale);
  return { s, scale, coordinates };
}

function sizeOf(attrs: { readonly [name: string]: unknown }): [height: number, width: number] {
  return [Number(attrs.height), Number(attrs.width)];
}

function rows(ops: TensorflowOps, x: tf.Tensor): tf.Tensor {
  return x.shape.length === 2 ? x : ops.reshape(x, [x.shape[0], x.size / x.shape[0]]);
}

/** The draw's raw location and scale, after `offset` other columns; and the unit scale, softplus of the raw one. */
function normalOf(ops: TensorflowOps, head: tf.Tensor, offset: number, size: number) {
  const parts = ops.split(head, offset > 0 ? [offset, size, size] : [size, size], 1);
  const [rawLoc, rawScale] = parts.slice(-2);
  return { rawLoc, rawScale, unit: ops.softplus(rawScale) };
}

const kernels: { [name: string]: Kernel } = {
  AirMlp(ops, { x, ...layers }, { activation, shift }) {
    const [weights, biases] = [listed<tf.Tensor>(layers, 'weight'), listed<tf.Tensor>(layers, 'bias')];
    const ys: tf.Tensor[] = [];
    weights.forEach((weight, i) => {
      const isLast = i === weights.length - 1;
      const bias = isLast && shift !== 0 ? ops.add(biases[i], tf.scalar(Number(shift))) : biases[i];
      const pre = ops.addBias(ops.matMul(ys.at(-1) ?? rows(ops, x), weight, false, true), bias);
      const kind = isLast ? activation : 'relu';
      ys.push(kind === 'relu' ? ops.relu(pre) : kind === 'sigmoid' ? ops.sigmoid(pre) : pre);
    });
    return ys;
  },

  AirMlpGrad(ops, { dy, ...layers }, { activation, wantsDx }) {
    const [ys, weights] = [listed<tf.Tensor>(layers, 'y'), listed<tf.Tensor>(layers, 'weight')];
    const dPres: tf.Tensor[] = [];
    let d = dy;
    for (let i = ys.length - 1; i >= 0; i--) {
      const kind = i === ys.length - 1 ? activation : 'relu';
      const dPre = kind === 'relu' ? ops.reluGrad(d, ys[i]) : kind === 'sigmoid' ? ops.sigmoidGrad(d, ys[i]) : d;
      dPres.unshift(dPre === dy ? dy.clone() : dPre);
      if (i > 0 || wantsDx === true) d = ops.matMul(dPre, weights[i]);
    }
    return wantsDx === true ? [...dPres, d] : dPres;
  },

  AirLinearGrad(ops, inputs) {
    const d = ops.concat(listed<tf.Tensor>(inputs, 'd'), 0);
    const x = listed<tf.Tensor>(inputs, 'x').map((input) => rows(ops, input));
    return [ops.matMul(d, ops.concat(x, 0), true), ops.biasGrad(d)];
  },

  AirLstmCell(ops, { h, c, weightIh, weightHh, biasIh, biasHh, ...parts }) {
    const x = ops.concat(listed<tf.Tensor>(parts, 'x'), 1);
    const products = ops.add(ops.matMul(x, weightIh, false, true), ops.matMul(h, weightHh, false, true));
    const pre = ops.addBias(products, ops.add(biasIh, biasHh));
    const hidden = h.shape[1];
    const [preI, preF, preG, preO] = ops.split(pre, [hidden, hidden, hidden, hidden], 1);
    const [i, f, g, o] = [ops.sigmoid(preI), ops.sigmoid(preF), ops.tanh(preG), ops.sigmoid(preO)];
    const cNext = ops.add(ops.mul(f, c), ops.mul(i, g));
    return [ops.mul(o, ops.tanh(cNext)), cNext, ops.concat([i, f, g, o], 1), x];
  },

  AirLstmCellGrad(ops, { dc, gates, c, cNext, weightIh, weightHh, ...uses }, { sizes }) {
    const dh = ops.addAll(listed<tf.Tensor>(uses, 'dh'));
    const hidden = c.shape[1];
    const [i, f, g, o] = ops.split(gates, [hidden, hidden, hidden, hidden], 1);
    const tanhC = ops.tanh(cNext);
    const through = ops.tanhGrad(ops.mul(dh, o), tanhC);
    const dcTotal = dc === undefined ? through : ops.add(dc, through);
    const dPre = ops.concat(
      [
        ops.sigmoidGrad(ops.mul(dcTotal, g), i),
        ops.sigmoidGrad(ops.mul(dcTotal, c), f),
        ops.tanhGrad(ops.mul(dcTotal, i), g),
        ops.sigmoidGrad(ops.mul(dh, tanhC), o),
      ],
      1,
    );
    const wanted = sizes as number[];
    const rest = weightIh.shape[1] - wanted.reduce((sum, size) => sum + size, 0);
    const parts = ops.split(ops.matMul(dPre, weightIh), rest > 0 ? [...wanted, rest] : wanted, 1);
    return [dPre, ops.matMul(dPre, weightHh), ops.mul(dcTotal, f), ...parts.slice(0, wanted.length)];
  },

  AirNormalHead(ops, { head, noise, priorLoc, priorScale }, { offset }) {
    const size = noise.shape[1];
    const { rawLoc, rawScale, unit } = normalOf(ops, head, Number(offset), size);
    const [loc, scale] = [ops.add(rawLoc, priorLoc), ops.mul(unit, priorScale)];
    const squares = ops.add(ops.square(unit), ops.square(ops.div(rawLoc, priorScale)));
    const logUnit = ops.whereLess(rawScale, VERY_NEGATIVE, rawScale, ops.log(unit));
    const perDimension = ops.sub(ops.mul(ops.sub(squares, tf.scalar(1)), tf.scalar(0.5)), logUnit);
    return [ops.add(loc, ops.mul(scale, noise)), loc, scale, ops.sum(perDimension, 1, true)];
  },

  AirNormalHeadGrad(ops, { dKl, dBefore, head, noise, priorScale, ...uses }, { offset }) {
    const dSample = ops.addAll(listed<tf.Tensor>(uses, 'dSample'));
    const { rawLoc, rawScale, unit } = normalOf(ops, head, Number(offset), noise.shape[1]);
    const slope = ops.sigmoid(rawScale);
    const slopeOfLog = ops.whereLess(rawScale, VERY_NEGATIVE, tf.scalar(1), ops.div(slope, unit));
    const dRawLoc = ops.add(dSample, ops.mul(dKl, ops.div(rawLoc, ops.square(priorScale))));
    const dRawScale = ops.add(
      ops.mul(ops.mul(ops.mul(dSample, noise), priorScale), slope),
      ops.mul(dKl, ops.sub(ops.mul(unit, slope), slopeOfLog)),
    );
    return ops.concat([...(dBefore ? [dBefore] : []), dRawLoc, dRawScale], 1);
  },

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
    const free = ops.relu(ops.run('Sign', [ops.sub(s, tf.scalar(minScale))]));
    return ops.run('Neg', [ops.add(dPosition, ops.mul(ops.mul(dScale, free), tf.tensor2d([[1, 0, 0]])))]);
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

  AirImageLogLik(ops, { images, canvas }, { sd }) {
    const [, height, width] = images.shape;
    const deviation = Number(sd);
    const squares = ops.run('SquaredDifference', [images, canvas]);
    // rows first: a float32 sum of thousands of terms in one go loses digits
    const distance = ops.sum(ops.sum(squares, 2), 1, true);
    const constant = height * width * Math.log(deviation * Math.sqrt(2 * Math.PI));
    return ops.sub(ops.mul(distance, tf.scalar(-1 / (2 * deviation ** 2))), tf.scalar(constant));
  },

  AirImageLogLikGrad(ops, { dy, images, canvas, later }, { sd }) {
    const factor = ops.mul(ops.reshape(dy, [dy.size, 1, 1]), tf.scalar(1 / Number(sd) ** 2));
    const dCanvas = ops.mul(factor, ops.sub(images, canvas));
    return later === undefined ? dCanvas : ops.add(later, dCanvas);
  },

  AirResidual(ops, { images, canvas }, attrs) {
    const pool = Number(attrs.pool);
    const rest = ops.sub(images, canvas);
    const [batch, height, width] = images.shape;
    if (pool === 1) return rows(ops, rest);
    // the rows of one row of squares are one row here; a product with 1/pool^2 where a pixel belongs to a square
    const [down, across] = [Math.floor(height / pool), Math.floor(width / pool)];
    const means = new Float32Array(pool * width * across);
    for (let i = 0; i < pool * width; i++) {
      const square = Math.floor((i % width) / pool);
      if (square < across) means[i * across + square] = 1 / (pool * pool);
    }
    const whole = down * pool === height ? rest : ops.slice(rest, [0, 0, 0], [batch, down * pool, width]);
    const squares = ops.reshape(whole, [batch * down, pool * width]);
    return ops.reshape(ops.matMul(squares, tf.tensor2d(means, [pool * width, across])), [batch, down * across]);
  },

  AirAdam(ops, { m, v, ...weights }, attrs) {
    const { rate, beta1, beta2, epsilon, correction1, correction2 } = attrs as { [name: string]: number };
    const params = listed<tf.Tensor>(weights, 'param');
    const grads = listed<tf.Tensor>(weights, 'grad').map((grad) => ops.reshape(grad, [grad.size]));
    const grad = ops.concat(grads, 0);
    const towards = (moment: tf.Tensor, value: tf.Tensor, share: number) =>
      ops.add(moment, ops.mul(ops.sub(value, moment), tf.scalar(share)));
    const [mNext, vNext] = [towards(m, grad, 1 - beta1), towards(v, ops.square(grad), 1 - beta2)];
    // as in the composite: both corrections in one factor
    const root = Math.sqrt(correction2);
    const direction = ops.div(mNext, ops.add(ops.sqrt(vNext), tf.scalar(root * epsilon)));
    const step = ops.mul(direction, tf.scalar((rate * root) / correction1));
    const parts = ops.split(
      step,
      params.map(({ size }) => size),
      0,
    );
    return [mNext, vNext, ...params.map((param, i) => ops.sub(param, ops.reshape(parts[i], param.shape)))];
  },
};

/** Registers the kernels, once; those of core that are not among them run as plain ops. */
export function registerKernels(): void {
  let ops: TensorflowOps | undefined;
  for (const [kernelName, kernel] of Object.entries(kernels)) {
    tf.registerKernel({
      kernelName,
      backendName: 'tensorflow',
      kernelFunc({ inputs, attrs, backend }) {
        ops ??= new TensorflowOps(backend as TensorflowBackend);
        return tf.tidy(() => kernel(ops as TensorflowOps, inputs as unknown as Inputs, attrs ?? {}));
      },
    });
  }
}
