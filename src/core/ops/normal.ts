/** Reparameterised normals: those of z_where and z_what. */
import * as tf from '@tensorflow/tfjs';
import { defineOp, listed, numbered } from './op.js';
import type { TensorOps } from './tensor-ops.js';

/** A diagonal normal in D dimensions. */
export type NormalPrior = { loc: tf.Tensor1D; scale: tf.Tensor1D };

/** A draw from a diagonal normal posterior, and what it costs. */
export type NormalDraw = {
  /** [B, D], loc + scale * noise */
  sample: tf.Tensor2D;
  loc: tf.Tensor2D;
  scale: tf.Tensor2D;
  /** [B, 1], KL(posterior || prior), analytic, summed over D */
  kl: tf.Tensor2D;
};

type HeadInputs = { head: tf.Tensor2D; noise: tf.Tensor2D; priorLoc: tf.Tensor1D; priorScale: tf.Tensor1D };

/** Below this, softplus(x) = e^x to float32's last digit, so log softplus(x) = x and sigmoid / softplus = 1. */
const VERY_NEGATIVE = -15;

/** The raw location and scale [B, D] in columns offset.. of a head, and the unit scale: softplus of the raw one. */
function partsOf(ops: TensorOps, head: tf.Tensor2D, offset: number, size: number) {
  const parts = ops.split(head, offset > 0 ? [offset, size, size] : [size, size], 1);
  const [rawLoc, rawScale] = parts.slice(-2);
  return { rawLoc, rawScale, unitScale: ops.softplus(rawScale) };
}

const normalHeadOp = defineOp<
  HeadInputs,
  { offset: number },
  [sample: tf.Tensor2D, loc: tf.Tensor2D, scale: tf.Tensor2D, kl: tf.Tensor2D]
>({
  name: 'AirNormalHead',
  composite: (ops, { head, noise, priorLoc, priorScale }, { offset }) => {
    const { rawLoc, rawScale, unitScale } = partsOf(ops, head, offset, noise.shape[1]);
    const [loc, scale] = [ops.add(rawLoc, priorLoc), ops.mul(unitScale, priorScale)];
    const squares = ops.add(ops.square(unitScale), ops.square(ops.div(rawLoc, priorScale)));
    const logUnitScale = ops.whereLess(rawScale, VERY_NEGATIVE, rawScale, ops.log(unitScale));
    const kl = ops.sum(ops.sub(ops.mul(ops.sub(squares, 1), 0.5), logUnitScale), 1, true);
    return [ops.add(loc, ops.mul(scale, noise)), loc, scale, kl];
  },
});

/**
 * Read a diagonal normal off a network's output and draw from it by reparameterisation (Kingma & Welling 2014).
 *
 *   head  [B, offset + 2D]   columns offset.. hold D locations, then D raw scales
 *   noise [B, D]             standard normal draws; zeros give the mean
 *   loc = prior.loc + raw loc, scale = prior.scale * softplus(raw scale)
 */
export function normalFromHead(head: tf.Tensor2D, noise: tf.Tensor2D, prior: NormalPrior, offset = 0): NormalDraw {
  const [sample, loc, scale, kl] = normalHeadOp(
    { head, noise, priorLoc: prior.loc, priorScale: prior.scale },
    { offset },
  );
  return { sample, loc, scale, kl };
}

/** dSample0, dSample1, ...: gradients by the sample, which add up. */
const normalHeadGradOp = defineOp<
  {
    dKl: tf.Tensor2D;
    dBefore: tf.Tensor2D | undefined;
    head: tf.Tensor2D;
    noise: tf.Tensor2D;
    priorScale: tf.Tensor1D;
    [use: string]: tf.Tensor | undefined;
  },
  { offset: number },
  [dHead: tf.Tensor2D]
>({
  name: 'AirNormalHeadGrad',
  composite: (ops, { dKl, dBefore, head, noise, priorScale, ...uses }, { offset }) => {
    const dSample = ops.addAll(listed<tf.Tensor2D>(uses, 'dSample'));
    const { rawLoc, rawScale, unitScale } = partsOf(ops, head, offset, noise.shape[1]);
    const slope = ops.sigmoid(rawScale); // of softplus
    // sigmoid / softplus -> 1 for very negative x, where both vanish
    const slopeOfLog = ops.whereLess(rawScale, VERY_NEGATIVE, 1, ops.div(slope, unitScale));
    const dRawLoc = ops.add(dSample, ops.mul(dKl, ops.div(rawLoc, ops.square(priorScale))));
    const dRawScale = ops.add(
      ops.mul(ops.mul(ops.mul(dSample, noise), priorScale), slope),
      ops.mul(dKl, ops.sub(ops.mul(unitScale, slope), slopeOfLog)),
    );
    return [ops.concat([...(dBefore ? [dBefore] : []), dRawLoc, dRawScale], 1)];
  },
});

/**
 * Back through a draw: the gradient by the head, [B, offset + 2D].
 *
 *   dSamples  gradients by the sample [B, D], which add up; dKl [B, 1]
 *   dBefore   [B, offset], by the columns before the normal's; none if there are none
 */
export function normalFromHeadGrad(
  head: tf.Tensor2D,
  noise: tf.Tensor2D,
  prior: NormalPrior,
  { dSamples, dKl, dBefore }: { dSamples: readonly tf.Tensor2D[]; dKl: tf.Tensor2D; dBefore?: tf.Tensor2D },
): tf.Tensor2D {
  const inputs = { ...numbered('dSample', dSamples), dKl, dBefore, head, noise, priorScale: prior.scale };
  return normalHeadGradOp(inputs, { offset: dBefore?.shape[1] ?? 0 })[0];
}

/**
 * log p(z) - log q(z) of a draw, summed over D: what the draw itself says of its KL.
 *
 *   returns [B]; `noise` is the one the draw was made with
 */
export function logRatio(draw: NormalDraw, noise: tf.Tensor2D, prior: NormalPrior): tf.Tensor1D {
  return tf.tidy(() => {
    const fromPrior = tf.square(tf.div(tf.sub(draw.sample, prior.loc), prior.scale));
    const logScales = tf.log(tf.div(draw.scale, prior.scale));
    return tf.sum(tf.add(tf.mul(0.5, tf.sub(tf.square(noise), fromPrior)), logScales), 1) as tf.Tensor1D;
  });
}
