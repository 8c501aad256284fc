/** The generative side, p(x, z): decode what each object looks like, place it where it is, add noise. */
import type * as tf from '@tensorflow/tfjs';
import { type ModelConfig, windowSizeOf } from './config.js';
import { type LinearTape, type MlpPass, mlp, mlpGrad } from './ops/linear.js';
import { placeWindows, placeWindowsGrad } from './ops/place-windows.js';
import type { Params } from './ops/weights.js';

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
  tape: LinearTape,
): { dZWhere: tf.Tensor2D; dZWhat: tf.Tensor2D } {
  const { dWindows, dZWhere } = placeWindowsGrad(dCanvas, decoded.y, zWhere, windowSizeOf(config));
  return { dZWhere, dZWhat: mlpGrad(params, decoded, dWindows, tape, true) as tf.Tensor2D };
}
