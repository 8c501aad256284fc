/** The generative side, p(x, z): decode what each object looks like, place it where it is, add noise. */
import * as tf from '@tensorflow/tfjs';
import type { ModelConfig } from './config.js';
import { defineOp } from './kernel.js';
import { mlp, type Params } from './nn.js';
import { placeWindows } from './spatial.js';

/** What objects look like: z_what [B, Z] -> mean intensities [B, h, w] in 0..1. */
export function decode(params: Params, config: ModelConfig, zWhat: tf.Tensor2D): tf.Tensor3D {
  const { windowSize, decoderOutputBias } = config;
  const pixels = mlp(params, 'decode.mlp', zWhat, { activation: 'sigmoid', shift: decoderOutputBias });
  return tf.reshape(pixels, [zWhat.shape[0], windowSize, windowSize]);
}

/** One more object per canvas: decoded [B, h, w], and placed on an empty canvas [B, H, W]. */
export function drawObject(
  params: Params,
  config: ModelConfig,
  zWhere: tf.Tensor2D,
  zWhat: tf.Tensor2D,
): { decoded: tf.Tensor3D; placed: tf.Tensor3D } {
  const decoded = decode(params, config, zWhat);
  return { decoded, placed: placeWindows(decoded, zWhere, config.canvas) };
}

const imageLogLikGradOp = defineOp<
  { dy: tf.Tensor1D; images: tf.Tensor3D; canvas: tf.Tensor3D },
  { sd: number },
  [tf.Tensor3D]
>({
  name: 'AirImageLogLikGrad',
  composite: ({ dy, images, canvas }, { sd }) => [
    tf.mul(tf.reshape(dy, [-1, 1, 1]), tf.div(tf.sub(images, canvas), sd ** 2)),
  ],
});

const imageLogLikOp = defineOp<{ images: tf.Tensor3D; canvas: tf.Tensor3D }, { sd: number }, [tf.Tensor1D]>({
  name: 'AirImageLogLik',
  composite: ({ images, canvas }, { sd }) => {
    const [, height, width] = images.shape;
    // rows first: a float32 sum of thousands of terms in one go loses digits
    const squares = tf.sum(tf.sum(tf.square(tf.sub(images, canvas)), 2), 1);
    const constant = height * width * Math.log(sd * Math.sqrt(2 * Math.PI));
    return [tf.sub(tf.mul(squares, -1 / (2 * sd ** 2)), constant) as tf.Tensor1D];
  },
  saves: { inputs: ['images', 'canvas'] },
  gradient: ([dy], [images, canvas], attrs) => ({
    canvas: () => imageLogLikGradOp({ dy, images: images as tf.Tensor3D, canvas: canvas as tf.Tensor3D }, attrs)[0],
  }),
});

/**
 * log N(x; canvas, sd^2), summed over pixels.
 *
 *   images, canvas [B, H, W] -> [B], nats; no gradient flows to the images
 */
export function imageLogLik(images: tf.Tensor3D, canvas: tf.Tensor3D, sd: number): tf.Tensor1D {
  return imageLogLikOp({ images, canvas }, { sd })[0];
}
