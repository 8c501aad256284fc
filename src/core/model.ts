/** The generative side, p(x, z): decode what each object looks like, place it where it is, add noise. */
import * as tf from '@tensorflow/tfjs';
import { type ModelConfig, windowSizeOf } from './config.js';
import { defineOp } from './kernel.js';
import { type LinearNotes, type MlpPass, mlp, mlpGrad, type Params } from './nn.js';
import { placeWindows, placeWindowsGrad } from './spatial.js';

/** What objects look like: z_what [B, Z] -> mean intensities [B, h w] in 0..1. */
export function decode(params: Params, config: ModelConfig, zWhat: tf.Tensor2D): MlpPass {
  return mlp(params, 'decode.mlp', zWhat, { activation: 'sigmoid', shift: config.decoderOutputBias });
}

/** An object drawn: how it was decoded, and the canvas [B, H, W] with it on top. */
export type DrawnObject = { decoded: MlpPass; canvas: tf.Tensor3D };

/** One more object per canvas: zWhere [B, 3], zWhat [B, Z], canvas [B, H, W]. */
export function drawObject(
  params: Params,
  config: ModelConfig,
  zWhere: tf.Tensor2D,
  zWhat: tf.Tensor2D,
  canvas: tf.Tensor3D,
): DrawnObject {
  const decoded = decode(params, config, zWhat);
  return { decoded, canvas: placeWindows(decoded.y, zWhere, windowSizeOf(config), canvas) };
}

/** Back through drawing, from dCanvas [B, H, W], which is also the gradient by the canvas before. */
export function drawObjectGrad(
  params: Params,
  config: ModelConfig,
  zWhere: tf.Tensor2D,
  { decoded }: DrawnObject,
  dCanvas: tf.Tensor3D,
  notes: LinearNotes,
): { dZWhere: tf.Tensor2D; dZWhat: tf.Tensor2D } {
  const { dWindows, dZWhere } = placeWindowsGrad(dCanvas, decoded.y, zWhere, windowSizeOf(config));
  return { dZWhere, dZWhat: mlpGrad(params, decoded, dWindows, notes, true) as tf.Tensor2D };
}

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
