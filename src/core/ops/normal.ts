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

/** Where a head begins, relative to the prior: at prior.loc + shift, with scale prior.scale * ratio. */
export type NormalBase = { shift: tf.Tensor1D; ratio: tf.Tensor1D };

/** What a normal is read off and measured against. */
export type NormalHead = {
  /** [B, offset + 2D]: columns offset.. hold D locations, then D raw scales */
  head: tf.Tensor2D;
  /** [B, D], standard normal draws; zeros give the mean */
  noise: tf.Tensor2D;
  prior: NormalPrior;
  /** Undefined: at the prior, so that loc = prior.loc + raw loc, scale = prior.scale * softplus(raw scale). */
  base?: NormalBase | undefined;
  klKind: KlKind;
};

type HeadInputs = {
  head: tf.Tensor2D;
  noise: tf.Tensor2D;
  priorLoc: tf.Tensor1D;
  priorScale: tf.Tensor1D;
  shift: tf.Tensor1D | undefined;
  ratio: tf.Tensor1D | undefined;
};

type HeadAttrs = { offset: number; klKind: KlKind };

function inputsOf({ head, noise, prior, base }: NormalHead): HeadInputs {
  return { head, noise, priorLoc: prior.loc, priorScale: prior.scale, shift: base?.shift, ratio: base?.ratio };
}

/** Below this, softplus(x) = e^x to float32's last digit, so log softplus(x) = x and sigmoid / softplus = 1. */
const VERY_NEGATIVE = -15;

/** A normal [B, D] as it stands in columns offset.. of a head, relative to its prior. */
function readNormal(ops: TensorOps, { head, noise, shift, ratio }: HeadInputs, offset: number) {
  const size = noise.shape[1];
  const parts = ops.split(head, offset > 0 ? [offset, size, size] : [size, size], 1);
  const [rawLoc, rawScale] = parts.slice(-2);
  const unitScale = ops.softplus(rawScale);
  return {
    ...{ rawScale, unitScale },
    /** loc - prior.loc */
    distance: shift === undefined ? rawLoc : ops.add(rawLoc, shift),
    /** scale / prior.scale */
    relativeScale: ratio === undefined ? unitScale : ops.mul(unitScale, ratio),
  };
}

const normalHeadOp = defineOp<
  HeadInputs,
  HeadAttrs,
  [sample: tf.Tensor2D, loc: tf.Tensor2D, scale: tf.Tensor2D, kl: tf.Tensor2D]
>({
  name: 'AirNormalHead',
  composite: (ops, inputs, { offset, klKind }) => {
    const { noise, priorLoc, priorScale, ratio } = inputs;
    const { rawScale, unitScale, distance, relativeScale } = readNormal(ops, inputs, offset);
    const [loc, scale] = [ops.add(distance, priorLoc), ops.mul(relativeScale, priorScale)];
    const spread = ops.mul(scale, noise);
    const logUnitScale = ops.whereLess(rawScale, VERY_NEGATIVE, rawScale, ops.log(unitScale));
    const logRelativeScale = ratio === undefined ? logUnitScale : ops.add(logUnitScale, ops.log(ratio));
    const squared = (x: tf.Tensor) => ops.square(ops.div(x, priorScale));
    const twice =
      klKind === 'analytic'
        ? ops.sub(ops.add(ops.square(relativeScale), squared(distance)), 1)
        : ops.sub(squared(ops.add(distance, spread)), ops.square(noise));
    const kl = ops.sum(ops.sub(ops.mul(twice, 0.5), logRelativeScale), 1, true);
    return [ops.add(loc, spread), loc, scale, kl];
  },
});

/** Read a diagonal normal off a network's output and draw from it by reparameterisation (Kingma & Welling 2014). */
export function normalFromHead(given: NormalHead, offset = 0): NormalDraw {
  const [sample, loc, scale, kl] = normalHeadOp(inputsOf(given), { offset, klKind: given.klKind });
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
    const { noise, priorScale, ratio } = inputs;
    const { rawScale, unitScale, distance, relativeScale } = readNormal(ops, inputs, offset);
    const slope = ops.sigmoid(rawScale); // of softplus
    // sigmoid / softplus -> 1 for very negative x, where both vanish
    const slopeOfLog = ops.whereLess(rawScale, VERY_NEGATIVE, 1, ops.div(slope, unitScale));
    const slopeOfRelative = ratio === undefined ? slope : ops.mul(slope, ratio);
    const pull = (x: tf.Tensor) => ops.mul(dKl, ops.div(x, ops.square(priorScale)));
    const dUses = ops.addAll(listed<tf.Tensor2D>(inputs, 'dSample'));
    const joined = (dRawLoc: tf.Tensor, dRawScale: tf.Tensor) =>
      [ops.concat([...(dBefore ? [dBefore] : []), dRawLoc, dRawScale], 1)] as const;
    const throughSample = (dSample: tf.Tensor) =>
      ops.mul(ops.mul(ops.mul(dSample, noise), priorScale), slopeOfRelative);
    if (klKind === 'analytic') {
      const ofKl = ops.sub(ops.mul(relativeScale, slopeOfRelative), slopeOfLog);
      return joined(ops.add(dUses, pull(distance)), ops.add(throughSample(dUses), ops.mul(dKl, ofKl)));
    }
    // the KL of a draw pulls the draw, and so both what it is made of
    const spread = ops.mul(ops.mul(relativeScale, priorScale), noise);
    const dSample = ops.add(dUses, pull(ops.add(distance, spread)));
    return joined(dSample, ops.sub(throughSample(dSample), ops.mul(dKl, slopeOfLog)));
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
  const attrs = { offset: dBefore?.shape[1] ?? 0, klKind: given.klKind };
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
