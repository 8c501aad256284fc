/**
 * z_where as the sides and the centre of a window, axis by axis: (sx, x, sy, y) maps the window to the canvas, X = sx u + x. What it
 * takes to read it off the guide's head, and to make a map from the canvas to the window of it (see sampling.ts), and back.
 *
 * A few numbers per image, so that all of it is in plain ops: rows of pairs (side, centre), one for each axis.
 */
import * as tf from '@tensorflow/tfjs';
import { defineOp } from './op.js';
import { MIN_SCALE } from './sampling.js';

/**
 * Sides are drawn from a normal, and any number comes: a negative one is a mirrored window. None is smaller in size than this, in
 * canvases, nor larger than the largest that can be read: the map to the window divides by them.
 */
export const MIN_SIDE = 0.1;
export const MAX_SIDE = 1 / MIN_SCALE;

/** [B, 4] -> sides and centres, [2 B, 1] each. */
function pairsOf(sides: tf.Tensor): [side: tf.Tensor2D, centre: tf.Tensor2D] {
  return tf.split(tf.reshape(sides, [-1, 2]), 2, 1) as [tf.Tensor2D, tf.Tensor2D];
}

/** Back again. */
function ofPairs(side: tf.Tensor2D, centre: tf.Tensor2D): tf.Tensor2D {
  return tf.reshape(tf.concat([side, centre], 1), [-1, 4]);
}

/** A head [B, 1 + 2 * 4] in its parts: a logit, locations, raw scales. */
function partsOf(head: tf.Tensor2D): [logit: tf.Tensor2D, locs: tf.Tensor2D, rawScales: tf.Tensor2D] {
  return tf.split(head, [1, 4, 4], 1) as [tf.Tensor2D, tf.Tensor2D, tf.Tensor2D];
}

const squashHeadOp = defineOp<{ head: tf.Tensor2D }, Record<string, never>, [tf.Tensor2D]>({
  name: 'AirSquashSides',
  composite: (ops, { head }) => {
    const [logit, locs, rawScales] = partsOf(head);
    const [side, centre] = pairsOf(locs);
    const squashed = ofPairs(ops.sigmoid(side) as tf.Tensor2D, ops.tanh(centre) as tf.Tensor2D);
    return [ops.concat([logit, squashed, rawScales], 1)];
  },
});

/** The head of z_pres and z_where [B, 9] with its locations squashed: sides in 0..1, centres in -1..1. */
export function squashSides(head: tf.Tensor2D): tf.Tensor2D {
  return squashHeadOp({ head }, {})[0];
}

const squashHeadGradOp = defineOp<{ dy: tf.Tensor2D; squashed: tf.Tensor2D }, Record<string, never>, [tf.Tensor2D]>({
  name: 'AirSquashSidesGrad',
  composite: (ops, { dy, squashed }) => {
    const [dLogit, dLocs, dRawScales] = partsOf(dy);
    const [dSide, dCentre] = pairsOf(dLocs);
    const [side, centre] = pairsOf(partsOf(squashed)[1]);
    const back = [ops.sigmoidGrad(dSide, side), ops.tanhGrad(dCentre, centre)] as [tf.Tensor2D, tf.Tensor2D];
    return [ops.concat([dLogit, ofPairs(...back), dRawScales], 1)];
  },
});

/** Gradient of `squashSides` by its head, [B, 9], given what it returned. */
export function squashSidesGrad(dy: tf.Tensor2D, squashed: tf.Tensor2D): tf.Tensor2D {
  return squashHeadGradOp({ dy, squashed }, {})[0];
}

/** Sides whose size is held within its bounds; those of 0 count as positive. */
function bounded(side: tf.Tensor2D): tf.Tensor2D {
  const [negative, positive] = [tf.clipByValue(side, -MAX_SIDE, -MIN_SIDE), tf.clipByValue(side, MIN_SIDE, MAX_SIDE)];
  return tf.where(tf.less(side, 0), negative, positive);
}

const sidesToAffineOp = defineOp<{ sides: tf.Tensor2D }, Record<string, never>, [tf.Tensor2D]>({
  name: 'AirSidesToAffine',
  composite: (ops, { sides }) => {
    const [side, centre] = pairsOf(sides);
    const held = bounded(side);
    return [ofPairs(ops.div(1, held) as tf.Tensor2D, ops.neg(ops.div(centre, held)) as tf.Tensor2D)];
  },
});

/**
 * The canvas -> window map of sides and centres, u = (X - x) / sx.
 *
 *   sides   [B, 4]  (sx, x, sy, y); |sx| below 0.1 is taken as 0.1, above 5 as 5, with zero gradient, its sign kept
 *   returns [B, 4]  (1/sx, -x/sx, 1/sy, -y/sy)
 */
export function sidesToAffine(sides: tf.Tensor2D): tf.Tensor2D {
  return sidesToAffineOp({ sides }, {})[0];
}

const sidesToAffineGradOp = defineOp<{ dy: tf.Tensor2D; sides: tf.Tensor2D }, Record<string, never>, [tf.Tensor2D]>({
  name: 'AirSidesToAffineGrad',
  composite: (ops, { dy, sides }) => {
    const [dScale, dShift] = pairsOf(dy);
    const [side, centre] = pairsOf(sides);
    const held = bounded(side);
    // by a side: -(dScale - dShift centre) / side^2
    const across = ops.div(ops.sub(ops.mul(dShift, centre), dScale), ops.square(held));
    const dSide = tf.where(tf.equal(side, held), across, tf.zerosLike(side));
    return [ofPairs(dSide as tf.Tensor2D, ops.neg(ops.div(dShift, held)) as tf.Tensor2D)];
  },
});

/** Gradient of `sidesToAffine` by the sides and centres, [B, 4]. */
export function sidesToAffineGrad(dy: tf.Tensor2D, sides: tf.Tensor2D): tf.Tensor2D {
  return sidesToAffineGradOp({ dy, sides }, {})[0];
}
