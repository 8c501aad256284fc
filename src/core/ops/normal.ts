/** Reparameterised normals: those of z_where and z_what. */
import * as tf from '@tensorflow/tfjs';
import { defineOp, listed, numbered } from './op.js';

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
export const VERY_NEGATIVE = -15;

/** log softplus(x) without losing its digits: softplus(x) -> exp(x), so its logarithm -> x, for very negative x. */
function logSoftplus(x: tf.Tensor): tf.Tensor {
  const small = tf.relu(tf.sub(VERY_NEGATIVE, x));
  return tf.sub(tf.log(tf.softplus(tf.maximum(x, VERY_NEGATIVE))), small);
}

const normalHeadOp = defineOp<
  HeadInputs,
  { offset: number },
  [sample: tf.Tensor2D, loc: tf.Tensor2D, scale: tf.Tensor2D, kl: tf.Tensor2D]
>({
  name: 'AirNormalHead',
  composite: ({ head, noise, priorLoc, priorScale }, { offset }) => {
    const [b, d] = noise.shape;
    const rawLoc = tf.slice(head, [0, offset], [b, d]);
    const rawScale = tf.slice(head, [0, offset + d], [b, d]);
    const unitScale = tf.softplus(rawScale);
    const loc = tf.add(rawLoc, priorLoc) as tf.Tensor2D;
    const scale = tf.mul(unitScale, priorScale) as tf.Tensor2D;
    const squares = tf.add(tf.square(unitScale), tf.square(tf.div(rawLoc, priorScale)));
    const kl = tf.sum(tf.sub(tf.sub(tf.div(squares, 2), 0.5), logSoftplus(rawScale)), 1, true) as tf.Tensor2D;
    return [tf.add(loc, tf.mul(scale, noise)), loc, scale, kl];
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
  composite: ({ dKl, dBefore, head, noise, priorScale, ...uses }, { offset }) => {
    const [b, d] = noise.shape;
    const dSample = tf.addN(listed<tf.Tensor2D>(uses, 'dSample'));
    const rawLoc = tf.slice(head, [0, offset], [b, d]);
    const rawScale = tf.slice(head, [0, offset + d], [b, d]);
    const unitScale = tf.softplus(rawScale);
    const slope = tf.sigmoid(rawScale); // of softplus
    // sigmoid / softplus -> 1 for very negative x, where both vanish
    const slopeOfLog = tf.where(
      tf.less(rawScale, VERY_NEGATIVE),
      tf.onesLike(slope),
      tf.div(slope, tf.maximum(unitScale, 1e-30)),
    );
    const dRawLoc = tf.add(dSample, tf.mul(dKl, tf.div(rawLoc, tf.square(priorScale))));
    const dRawScale = tf.add(
      tf.mul(tf.mul(tf.mul(dSample, noise), priorScale), slope),
      tf.mul(dKl, tf.sub(tf.mul(unitScale, slope), slopeOfLog)),
    );
    return [tf.concat([...(dBefore ? [dBefore] : []), dRawLoc, dRawScale], 1) as tf.Tensor2D];
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
