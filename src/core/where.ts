/** What z_where is, one variant each: its numbers and their prior, how it is read off the guide's head, and where it puts a window. */
import * as tf from '@tensorflow/tfjs';
import type { ModelConfig, WhereName } from './config.js';
import { boxOf, boxOfSides } from './images.js';
import type { Box } from './latent.js';
import type { NormalBase, NormalPrior } from './ops/normal.js';
import type { Size } from './ops/sampling.js';
import { sidesToAffine, sidesToAffineGrad, squashSides, squashSidesGrad } from './ops/sides.js';

type PriorSettings = Pick<ModelConfig, 'scalePriorMean' | 'scalePriorSd' | 'posPriorMean' | 'posPriorSd'>;

export type Where = {
  /** D, how many numbers it is. */
  size: number;
  /** Means and standard deviations of its prior, D each. */
  prior(settings: PriorSettings): { loc: number[]; scale: number[] };
  /** Where the head begins, given the prior; undefined: at the prior. Caller disposes. */
  base(prior: NormalPrior): NormalBase | undefined;
  /** What the perceptron said [B, 1 + 2 D], logit of z_pres first, as it is read from there on; and back. */
  head(said: tf.Tensor2D): tf.Tensor2D;
  headGrad(dHead: tf.Tensor2D, head: tf.Tensor2D): tf.Tensor2D;
  /** z_where [B, D] -> the canvas -> window map; see ops/sampling.ts. */
  affine(zWhere: tf.Tensor2D): tf.Tensor2D;
  /** Gradients by z_where that add up, of those by the map that do. */
  affineGrad(dAffines: readonly tf.Tensor2D[], zWhere: tf.Tensor2D): tf.Tensor2D[];
  /** Of the D numbers of one object: where it lies on the canvas. */
  box(zWhere: ArrayLike<number>, canvas: Size): Box;
};

/** At 0, with scale 1, wherever the prior is. */
function fromZero({ loc, scale }: NormalPrior): NormalBase {
  return { shift: tf.neg(loc), ratio: tf.reciprocal(scale) };
}

/** (s, x, y): the map itself, with one scale for both axes, as in Pyro's example. */
const map: Omit<Where, 'base'> = {
  size: 3,
  prior: ({ scalePriorMean, scalePriorSd, posPriorMean, posPriorSd }) => ({
    loc: [scalePriorMean, posPriorMean, posPriorMean],
    scale: [scalePriorSd, posPriorSd, posPriorSd],
  }),
  head: (said) => said,
  headGrad: (dHead) => dHead,
  affine: (zWhere) => zWhere,
  affineGrad: (dAffines) => [...dAffines],
  box: boxOf,
};

export const wheres: { readonly [name in WhereName]: Where } = {
  /** As in Pyro's example: a network that says nothing says what the prior says. */
  offset: { ...map, base: () => undefined },
  /** As in Pyro's tutorial: at 0, with scale 1. */
  absolute: { ...map, base: fromZero },
  /**
   * (sx, x, sy, y): sides of the window, in canvases, and its centre, as in A. Kosiorek's implementation. Means of sides go through a
   * sigmoid, those of centres through a tanh; what is drawn is not squashed, so that sides may be negative or near 0.
   */
  sides: {
    size: 4,
    prior: ({ scalePriorMean, scalePriorSd, posPriorMean, posPriorSd }) => ({
      loc: [scalePriorMean, posPriorMean, scalePriorMean, posPriorMean],
      scale: [scalePriorSd, posPriorSd, scalePriorSd, posPriorSd],
    }),
    base: fromZero,
    head: squashSides,
    headGrad: squashSidesGrad,
    affine: sidesToAffine,
    affineGrad: (dAffines, zWhere) => [sidesToAffineGrad(tf.addN([...dAffines]), zWhere)],
    box: boxOfSides,
  },
};
