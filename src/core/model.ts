/** The model: its weights and priors, and the generative side, p(x, z): decode each object, place it where it is, add noise. */
import * as tf from '@tensorflow/tfjs';
import { type ModelConfig, windowSizeOf } from './config.js';
import { type LinearTape, type MlpPass, mlp, mlpGrad } from './ops/linear.js';
import type { NormalBase, NormalPrior } from './ops/normal.js';
import { placeWindows, placeWindowsGrad } from './ops/place-windows.js';
import type { Params } from './ops/weights.js';
import { whereBases } from './where.js';

export type Priors = { where: NormalPrior; what: NormalPrior };

/** A model in use. */
export type Model = {
  config: ModelConfig;
  params: Params;
  priors: Priors;
  /** Where the head of z_where begins; see where.ts. */
  whereBase: NormalBase | undefined;
};

/** @param params all weights of the model, by name; others may be among them */
export function makeModel(config: ModelConfig, params: Params): Model {
  const priors = makePriors(config);
  return { config, params, priors, whereBase: whereBases[config.zWhere](priors.where) };
}

/** z_where ~ N([scale, pos, pos], ...), z_what ~ N(0, I). Caller disposes. */
export function makePriors(config: ModelConfig): Priors {
  const { scalePriorMean, scalePriorSd, posPriorMean, posPriorSd, zWhatSize } = config;
  return {
    where: {
      loc: tf.tensor1d([scalePriorMean, posPriorMean, posPriorMean]),
      scale: tf.tensor1d([scalePriorSd, posPriorSd, posPriorSd]),
    },
    what: { loc: tf.zeros([zWhatSize]), scale: tf.ones([zWhatSize]) },
  };
}

/** What objects look like: z_what [B, Z] -> mean intensities [B, h w] in 0..1. */
export function decode({ config, params }: Model, zWhat: tf.Tensor2D): MlpPass {
  const { activation: hidden, decoderOutputBias: shift } = config;
  return mlp(params, 'decode.mlp', zWhat, { hidden, output: 'sigmoid', shift });
}

/** An object drawn: how it was decoded, where it was placed, and the canvas [B, H, W] with it on top. */
export type DrawnObject = { decoded: MlpPass; zWhere: tf.Tensor2D; canvas: tf.Tensor3D };

/** One more object per canvas: z_where [B, 3], z_what [B, Z], canvas [B, H, W]. */
export function drawObject(
  model: Model,
  { zWhere, zWhat }: { zWhere: tf.Tensor2D; zWhat: tf.Tensor2D },
  canvas: tf.Tensor3D,
): DrawnObject {
  const decoded = decode(model, zWhat);
  return { decoded, zWhere, canvas: placeWindows(decoded.y, zWhere, windowSizeOf(model.config), canvas) };
}

/** Back through drawing, from dCanvas [B, H, W], which is also the gradient by the canvas before. */
export function drawObjectGrad(
  { config, params }: Model,
  { decoded, zWhere }: DrawnObject,
  dCanvas: tf.Tensor3D,
  tape: LinearTape,
): { dZWhere: tf.Tensor2D; dZWhat: tf.Tensor2D } {
  const { dWindows, dZWhere } = placeWindowsGrad(dCanvas, decoded.y, zWhere, windowSizeOf(config));
  return { dZWhere, dZWhat: mlpGrad(params, decoded, dWindows, tape) };
}
