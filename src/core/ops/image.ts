/** Images against canvases: the likelihood with its gradient, and what a canvas leaves unexplained. */
import * as tf from '@tensorflow/tfjs';
import { defineOp } from './op.js';
import type { TensorOps } from './tensor-ops.js';

type Likelihood = { sd: number };

const imageLogLikOp = defineOp<{ images: tf.Tensor3D; canvas: tf.Tensor3D }, Likelihood, [tf.Tensor2D]>({
  name: 'AirImageLogLik',
  composite: (ops, { images, canvas }, { sd }) => {
    const [, height, width] = images.shape;
    // rows first: a float32 sum of thousands of terms in one go loses digits
    const distance = ops.sum(ops.sum(ops.squaredDifference(images, canvas), 2), 1, true);
    const constant = height * width * Math.log(sd * Math.sqrt(2 * Math.PI));
    return [ops.sub(ops.mul(distance, -1 / (2 * sd ** 2)), constant)];
  },
});

/**
 * log N(x; canvas, sd^2), summed over pixels.
 *
 *   images, canvas [B, H, W] -> [B, 1], nats
 */
export function imageLogLik(images: tf.Tensor3D, canvas: tf.Tensor3D, sd: number): tf.Tensor2D {
  return imageLogLikOp({ images, canvas }, { sd })[0];
}

const imageLogLikGradOp = defineOp<
  { dy: tf.Tensor2D; images: tf.Tensor3D; canvas: tf.Tensor3D; later: tf.Tensor3D | undefined },
  Likelihood,
  [tf.Tensor3D]
>({
  name: 'AirImageLogLikGrad',
  composite: (ops, { dy, images, canvas, later }, { sd }) => {
    const factor = ops.reshape(ops.div(dy, sd ** 2), [dy.size, 1, 1]);
    const dCanvas = ops.mul(factor, ops.sub(images, canvas));
    return [later === undefined ? dCanvas : ops.add(later, dCanvas)];
  },
});

/**
 * Gradient of the likelihood by the canvas, [B, H, W], added to that of what was drawn on it later, if anything was.
 *
 *   dy [B, 1]; images, canvas, later [B, H, W]
 */
export function imageLogLikGrad(
  dy: tf.Tensor2D,
  { images, canvas, later }: { images: tf.Tensor3D; canvas: tf.Tensor3D; later?: tf.Tensor3D | undefined },
  sd: number,
): tf.Tensor3D {
  return imageLogLikGradOp({ dy, images, canvas, later }, { sd })[0];
}

/** A canvas is taken to lie this far within 0..1, where its logarithms are finite. */
const NEARLY_CERTAIN = 1e-6;

function probabilities(ops: TensorOps, canvas: tf.Tensor): tf.Tensor {
  const [low, high] = [NEARLY_CERTAIN, 1 - NEARLY_CERTAIN];
  const notBelow = ops.whereLess(canvas, low, low, canvas);
  return ops.whereLess(notBelow, high, notBelow, high);
}

const bernoulliLogLikOp = defineOp<{ images: tf.Tensor3D; canvas: tf.Tensor3D }, Record<string, never>, [tf.Tensor2D]>({
  name: 'AirBernoulliLogLik',
  composite: (ops, { images, canvas }) => {
    const p = probabilities(ops, canvas);
    const ones = ops.mul(images, ops.log(p));
    const zeros = ops.mul(ops.sub(1, images), ops.log(ops.sub(1, p)));
    return [ops.sum(ops.sum(ops.add(ones, zeros), 2), 1, true)];
  },
});

/**
 * x log c + (1 - x) log (1 - c), summed over pixels, with c within 1e-6 of 0..1 taken as that far away.
 *
 *   images, canvas [B, H, W] -> [B, 1], nats
 */
export function bernoulliLogLik(images: tf.Tensor3D, canvas: tf.Tensor3D): tf.Tensor2D {
  return bernoulliLogLikOp({ images, canvas }, {})[0];
}

const bernoulliLogLikGradOp = defineOp<
  { dy: tf.Tensor2D; images: tf.Tensor3D; canvas: tf.Tensor3D; later: tf.Tensor3D | undefined },
  Record<string, never>,
  [tf.Tensor3D]
>({
  name: 'AirBernoulliLogLikGrad',
  composite: (ops, { dy, images, canvas, later }) => {
    const p = probabilities(ops, canvas);
    // x / c - (1 - x) / (1 - c) = (x - c) / (c (1 - c)); nothing where the canvas is held back
    const slope = ops.div(ops.sub(images, p), ops.mul(p, ops.sub(1, p)));
    const isFree = ops.whereLess(NEARLY_CERTAIN, canvas, ops.whereLess(canvas, 1 - NEARLY_CERTAIN, 1, 0), 0);
    const dCanvas = ops.mul(ops.reshape(dy, [dy.size, 1, 1]), ops.mul(isFree, slope));
    return [later === undefined ? dCanvas : ops.add(later, dCanvas)];
  },
});

/** Gradient of `bernoulliLogLik` by the canvas, as `imageLogLikGrad`. */
export function bernoulliLogLikGrad(
  dy: tf.Tensor2D,
  { images, canvas, later }: { images: tf.Tensor3D; canvas: tf.Tensor3D; later?: tf.Tensor3D | undefined },
): tf.Tensor3D {
  return bernoulliLogLikGradOp({ dy, images, canvas, later }, {})[0];
}

/** [pool W, W/pool]: times this, `pool` rows of pixels side by side become the means of their squares. */
function meansOfSquares(pool: number, width: number, across: number): tf.Tensor2D {
  const means = new Float32Array(pool * width * across);
  for (let i = 0; i < pool * width; i++) {
    const square = Math.floor((i % width) / pool);
    if (square < across) means[i * across + square] = 1 / (pool * pool);
  }
  return tf.tensor2d(means, [pool * width, across]);
}

const residualOp = defineOp<{ images: tf.Tensor3D; canvas: tf.Tensor3D }, { pool: number }, [tf.Tensor2D]>({
  name: 'AirResidual',
  composite: (ops, { images, canvas }, { pool }) => {
    const rest = ops.sub(images, canvas);
    const [batch, height, width] = images.shape;
    if (pool === 1) return [ops.reshape(rest, [batch, height * width])];
    const [down, across] = [Math.floor(height / pool), Math.floor(width / pool)];
    const [whole] = down * pool === height ? [rest] : ops.split(rest, [down * pool, height - down * pool], 1);
    // as one product, which libraries do faster than they pool images of one channel
    const rowsOfSquares = ops.reshape(whole, [batch * down, pool * width]);
    return [ops.reshape(ops.matMul(rowsOfSquares, meansOfSquares(pool, width, across)), [batch, down * across])];
  },
});

/** What a canvas leaves unexplained, average-pooled: [B, floor(H/pool) * floor(W/pool)]. */
export function residual(images: tf.Tensor3D, canvas: tf.Tensor3D, pool: number): tf.Tensor2D {
  return residualOp({ images, canvas }, { pool })[0];
}
