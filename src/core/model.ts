/** The model: its weights and priors, and the generative side, p(x, z): decode each object, place it where it is, add noise. */
import * as tf from '@tensorflow/tfjs';
import { type ModelConfig, windowSizeOf } from './config.js';
import { type LinearTape, type MlpPass, mlp, mlpGrad } from './ops/linear.js';
import type { NormalBase, NormalPrior } from './ops/normal.js';
import { placeWindows, placeWindowsGrad } from './ops/place-windows.js';
import type { Params } from './ops/weights.js';
import { wheres } from './where.js';

export type Priors = { where: NormalPrior; what: NormalPrior };

/** A model in use. */
export type Model = {
  config: ModelConfig;
  params: Params;
  priors: Priors;
  /** Where the head of z_where begins; see where.ts. */
  whereBase: NormalBase | undefined;
  headShifts: HeadShifts;
};

/** What is added to the guide's heads of z_pres and z_where, [1 + 2 D], and of z_what, [2 Z]; undefined: nothing. */
export type HeadShifts = { predict: tf.Tensor1D | undefined; encode: tf.Tensor1D | undefined };

/** @param params all weights of the model, by name; others may be among them */
export function makeModel(config: ModelConfig, params: Params): Model {
  const priors = makePriors(config);
  const whereBase = wheres[config.zWhere].base(priors.where);
  return { config, params, priors, whereBase, headShifts: makeHeadShifts(config) };
}

function makeHeadShifts({ zPresBias, zScaleBias, zWhatSize, zWhere }: ModelConfig): HeadShifts {
  const ofNormal = (size: number) => [...Array(size).fill(0), ...Array(size).fill(zScaleBias)];
  const isNone = zPresBias === 0 && zScaleBias === 0;
  return {
    predict: isNone ? undefined : tf.tensor1d([zPresBias, ...ofNormal(wheres[zWhere].size)]),
    encode: zScaleBias === 0 ? undefined : tf.tensor1d(ofNormal(zWhatSize)),
  };
}

/** z_where as its variant has it, z_what ~ N(0, I). Caller disposes. */
export function makePriors(config: ModelConfig): Priors {
  const { zWhere, zWhatSize } = config;
  const { loc, scale } = wheres[zWhere].prior(config);
  return {
    where: { loc: tf.tensor1d(loc), scale: tf.tensor1d(scale) },
    what: { loc: tf.zeros([zWhatSize]), scale: tf.ones([zWhatSize]) },
  };
}

/** Objects as decoded: the perceptron's pass, and what it draws, [B, h w]. */
export type Decoded = { pass: MlpPass; windows: tf.Tensor2D };

/** What objects look like: z_what [B, Z] -> mean intensities [B, h w], in 0..1 after a sigmoid. */
export function decode({ config, params }: Model, zWhat: tf.Tensor2D): Decoded {
  const { activation: hidden, decoderOutput: output, decoderOutputBias: shift, decoderScale } = config;
  const pass = mlp(params, 'decode.mlp', zWhat, { hidden, output, shift });
  return { pass, windows: scaled(pass.y, decoderScale) };
}

/** Times a number; itself for 1. */
function scaled(x: tf.Tensor2D, factor: number): tf.Tensor2D {
  return factor === 1 ? x : tf.mul(x, factor);
}

/** The map by which an object is placed; its gate [B, 1] is 0 where it is not there, undefined if it is in every image. */
type Placed = { affine: tf.Tensor2D; gate?: tf.Tensor2D | undefined };

/** An object drawn: how it was decoded, where it was placed, and the canvas [B, H, W] with it on top. */
export type DrawnObject = Placed & { decoded: Decoded; canvas: tf.Tensor3D };

/** Windows [B, h w], all 0 of objects that are not there. */
function gated(windows: tf.Tensor2D, gate: tf.Tensor2D | undefined): tf.Tensor2D {
  return gate === undefined ? windows : tf.mul(windows, gate);
}

/** One more object per canvas: the map of its z_where (see where.ts), z_what [B, Z], canvas [B, H, W]. */
export function drawObject(
  model: Model,
  { affine, zWhat, gate }: Placed & { zWhat: tf.Tensor2D },
  canvas: tf.Tensor3D,
): DrawnObject {
  const decoded = decode(model, zWhat);
  const windows = gated(decoded.windows, gate);
  return { decoded, affine, gate, canvas: placeWindows(windows, affine, windowSizeOf(model.config), canvas) };
}

/** Back through drawing, from dCanvas [B, H, W], which is also the gradient by the canvas before. */
export function drawObjectGrad(
  { config, params }: Model,
  { decoded, affine, gate }: DrawnObject,
  dCanvas: tf.Tensor3D,
  tape: LinearTape,
): { dAffine: tf.Tensor2D; dZWhat: tf.Tensor2D } {
  const windows = gated(decoded.windows, gate);
  const { dWindows, dAffine } = placeWindowsGrad(dCanvas, windows, affine, windowSizeOf(config));
  const dDecoded = scaled(gated(dWindows, gate), config.decoderScale);
  return { dAffine, dZWhat: mlpGrad(params, decoded.pass, dDecoded, tape) };
}
