/** Images against canvases: the likelihood with its gradient, and what a canvas leaves unexplained. */
import * as tf from '@tensorflow/tfjs';
import { defineOp } from './op.js';

type Likelihood = { sd: number };

const imageLogLikOp = defineOp<{ images: tf.Tensor3D; canvas: tf.Tensor3D }, Likelihood, [tf.Tensor2D]>({
  name: 'AirImageLogLik',
  composite: ({ images, canvas }, { sd }) => {
    const [, height, width] = images.shape;
    // rows first: a float32 sum of thousands of terms in one go loses digits
    const squares = tf.sum(tf.sum(tf.square(tf.sub(images, canvas)), 2), 1, true);
    const constant = height * width * Math.log(sd * Math.sqrt(2 * Math.PI));
    return [tf.sub(tf.mul(squares, -1 / (2 * sd ** 2)), constant) as tf.Tensor2D];
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
  composite: ({ dy, images, canvas, later }, { sd }) => {
    const factor = tf.reshape(tf.div(dy, sd ** 2), [-1, 1, 1]);
    const dCanvas = tf.mul(factor, tf.sub(images, canvas)) as tf.Tensor3D;
    return [later === undefined ? dCanvas : tf.add(later, dCanvas)];
  },
});

/**
 * Gradient of the likelihood by the canvas, [B, H, W], added to that of what was drawn on it later, if anything was.
 *
 *   dy [B, 1]; images, canvas, later [B, H, W]
 */
export function imageLogLikGrad(
  dy: tf.Tensor2D,
  images: tf.Tensor3D,
  canvas: tf.Tensor3D,
  sd: number,
  later: tf.Tensor3D | undefined,
): tf.Tensor3D {
  return imageLogLikGradOp({ dy, images, canvas, later }, { sd })[0];
}

const residualOp = defineOp<{ images: tf.Tensor3D; canvas: tf.Tensor3D }, { pool: number }, [tf.Tensor2D]>({
  name: 'AirResidual',
  composite: ({ images, canvas }, { pool }) => {
    const rest = tf.sub(images, canvas) as tf.Tensor3D;
    const [batch] = rest.shape;
    if (pool === 1) return [tf.reshape(rest, [batch, -1])];
    return [tf.reshape(tf.avgPool(tf.expandDims(rest, 3) as tf.Tensor4D, pool, pool, 'valid'), [batch, -1])];
  },
});

/** What a canvas leaves unexplained, average-pooled: [B, floor(H/pool) * floor(W/pool)]. */
export function residual(images: tf.Tensor3D, canvas: tf.Tensor3D, pool: number): tf.Tensor2D {
  return residualOp({ images, canvas }, { pool })[0];
}
