/** Reparameterised normals: those of z_where and z_what. */
import * as tf from '@tensorflow/tfjs';
import { defineOp, listed, numbered } from './op.js';
import type { TensorOps } from './tensor-ops.js';

/** A diagonal normal in D dimensions. */
export type NormalPrior = { loc: tf.Tensor1D; scale: tf.Tensor1D };

/** What is said of KL(posterior || prior): its value, or log q(z) - log p(z) of the draw, whose mean it is. */
export type KlKind = 'analytic' | 'sampled';

/** A draw from a diagonal normal posterior, and what it costs. */
export type NormalDraw = {
  /** [B, D], loc + scale * noise */
  sample: tf.Tensor2D;
  loc: tf.Tensor2D;
  scale: tf.Tensor2D;
  /** [B, 1], summed over D; of either kind */
  kl: tf.Tensor2D;
};

/** What a normal is read off and measured against. */
export type NormalHead = {
  /** [B, offset + 2D]: columns offset.. hold D locations, then D raw scales */
  head: tf.Tensor2D;
  /** [B, D], standard normal draws; zeros give the mean */
  noise: tf.Tensor2D;
  prior: NormalPrior;
  /** loc = base.loc + raw loc, scale = base.scale * softplus(raw scale); undefined: the prior */
  base?: NormalPrior | undefined;
  klKind: KlKind;
};

type HeadInputs = {
  head: tf.Tensor2D;
  noise: tf.Tensor2D;
  priorLoc: tf.Tensor1D;
  priorScale: tf.Tensor1D;
  baseLoc: tf.Tensor1D | undefined;
  baseScale: tf.Tensor1D | undefined;
};

/** `hasBase`: whether the base is another than the prior. */
type HeadAttrs = { offset: number; klKind: KlKind; hasBase: boolean };

function inputsOf({ head, noise, prior, base }: NormalHead): HeadInputs {
  return {
    ...{ head, noise, priorLoc: prior.loc, priorScale: prior.scale },
    ...{ baseLoc: base?.loc, baseScale: base?.scale },
  };
}

/** Below this, softplus(x) = e^x to float32's last digit, so log softplus(x) = x and sigmoid / softplus = 1. */
const VERY_NEGATIVE = -15;

/** What both ops begin with: raw and unit scales (softplus of the raw ones), the normal [B, D], and its distance from the prior. */
function readNormal(ops: TensorOps, inputs: HeadInputs, offset: number) {
  const { head, noise, priorLoc, priorScale, baseLoc, baseScale = priorScale } = inputs;
  const size = noise.shape[1];
  const parts = ops.split(head, offset > 0 ? [offset, size, size] : [size, size], 1);
  const [rawLoc, rawScale] = parts.slice(-2);
  const unitScale = ops.softplus(rawScale);
  const loc = () => ops.add(rawLoc, baseLoc ?? priorLoc);
  return {
    ...{ rawScale, unitScale, baseScale },
    loc,
    /** loc - prior.loc */
    distance: () => (baseLoc === undefined ? rawLoc : ops.sub(loc(), priorLoc)),
    scale: () => ops.mul(unitScale, baseScale),
    /** scale / prior.scale, and what it is of the unit scale */
    relativeScale: () => (baseLoc === undefined ? unitScale : ops.mul(unitScale, ops.div(baseScale, priorScale))),
    relativeBase: () => (baseLoc === undefined ? undefined : ops.div(baseScale, priorScale)),
  };
}

const normalHeadOp = defineOp<
  HeadInputs,
  HeadAttrs,
  [sample: tf.Tensor2D, loc: tf.Tensor2D, scale: tf.Tensor2D, kl: tf.Tensor2D]
>({
  name: 'AirNormalHead',
  composite: (ops, inputs, { offset, klKind }) => {
    const { noise, priorScale } = inputs;
    const normal = readNormal(ops, inputs, offset);
    const { rawScale, unitScale } = normal;
    const [loc, scale] = [normal.loc(), normal.scale()];
    const spread = ops.mul(scale, noise);
    const logUnitScale = ops.whereLess(rawScale, VERY_NEGATIVE, rawScale, ops.log(unitScale));
    const relativeBase = normal.relativeBase();
    const logScale = relativeBase === undefined ? logUnitScale : ops.add(logUnitScale, ops.log(relativeBase));
    const squared = (x: tf.Tensor) => ops.square(ops.div(x, priorScale));
    const twice =
      klKind === 'analytic'
        ? ops.sub(ops.add(ops.square(normal.relativeScale()), squared(normal.distance())), 1)
        : ops.sub(squared(ops.add(normal.distance(), spread)), ops.square(noise));
    const kl = ops.sum(ops.sub(ops.mul(twice, 0.5), logScale), 1, true);
    return [ops.add(loc, spread), loc, scale, kl];
  },
});

/** Read a diagonal normal off a network's output and draw from it by reparameterisation (Kingma & Welling 2014). */
export function normalFromHead(given: NormalHead, offset = 0): NormalDraw {
  const { klKind, base } = given;
  const attrs = { offset, klKind, hasBase: base !== undefined };
  const [sample, loc, scale, kl] = normalHeadOp(inputsOf(given), attrs);
  return { sample, loc, scale, kl };
}

/** dSample0, dSample1, ...: gradients by the sample, which add up. */
const normalHeadGradOp = defineOp<
  HeadInputs & {
    dKl: tf.Tensor2D;
    dBefore: tf.Tensor2D | undefined;
    [use: string]: tf.Tensor | undefined;
  },
  HeadAttrs,
  [dHead: tf.Tensor2D]
>({
  name: 'AirNormalHeadGrad',
  composite: (ops, { dKl, dBefore, ...inputs }, { offset, klKind }) => {
    const { noise, priorScale } = inputs;
    const normal = readNormal(ops, inputs, offset);
    const { rawScale, unitScale, baseScale } = normal;
    const slope = ops.sigmoid(rawScale); // of softplus
    // sigmoid / softplus -> 1 for very negative x, where both vanish
    const slopeOfLog = ops.whereLess(rawScale, VERY_NEGATIVE, 1, ops.div(slope, unitScale));
    const fromPrior = (x: tf.Tensor) => ops.mul(dKl, ops.div(x, ops.square(priorScale)));
    const dUses = ops.addAll(listed<tf.Tensor2D>(inputs, 'dSample'));
    const spread = () => ops.mul(normal.scale(), noise);
    // the analytic KL pulls the location; the KL of a draw pulls the draw, and so the scale as well
    const dSample = klKind === 'analytic' ? dUses : ops.add(dUses, fromPrior(ops.add(normal.distance(), spread())));
    const dRawLoc = klKind === 'analytic' ? ops.add(dSample, fromPrior(normal.distance())) : dSample;
    const relativeBase = normal.relativeBase();
    const relative = relativeBase === undefined ? unitScale : ops.mul(unitScale, ops.square(relativeBase));
    const ofKl = klKind === 'analytic' ? ops.sub(ops.mul(relative, slope), slopeOfLog) : ops.neg(slopeOfLog);
    const dRawScale = ops.add(ops.mul(ops.mul(ops.mul(dSample, noise), baseScale), slope), ops.mul(dKl, ofKl));
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
  given: NormalHead,
  { dSamples, dKl, dBefore }: { dSamples: readonly tf.Tensor2D[]; dKl: tf.Tensor2D; dBefore?: tf.Tensor2D },
): tf.Tensor2D {
  const attrs = { offset: dBefore?.shape[1] ?? 0, klKind: given.klKind, hasBase: given.base !== undefined };
  return normalHeadGradOp({ ...numbered('dSample', dSamples), dKl, dBefore, ...inputsOf(given) }, attrs)[0];
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
