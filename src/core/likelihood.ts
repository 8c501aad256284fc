/** What a canvas says of an image, log p(x | canvas), one variant each. */
import type * as tf from '@tensorflow/tfjs';
import type { LikelihoodName, ModelConfig } from './config.js';
import { bernoulliLogLik, bernoulliLogLikGrad, imageLogLik, imageLogLikGrad } from './ops/image.js';

/** Images and the mean images they are compared with, [B, H, W] each. */
export type Compared = { images: tf.Tensor3D; canvas: tf.Tensor3D };

export type Likelihood = {
  /** Summed over pixels: [B, 1], nats. */
  logProb(compared: Compared, config: ModelConfig): tf.Tensor2D;
  /**
   * Gradient by the canvas, [B, H, W], added to that of what was drawn on it later, if anything was.
   *
   *   dy [B, 1]
   */
  grad(dy: tf.Tensor2D, compared: Compared, later: tf.Tensor3D | undefined, config: ModelConfig): tf.Tensor3D;
};

/** N(x; canvas, sd^2) of every pixel. */
const gaussian: Likelihood = {
  logProb: ({ images, canvas }, { likelihoodSd }) => imageLogLik(images, canvas, likelihoodSd),
  grad: (dy, { images, canvas }, later, { likelihoodSd }) =>
    imageLogLikGrad(dy, { images, canvas, later }, likelihoodSd),
};

/** A pixel x in 0..1 as a share of ones, whose probability the canvas is: x log c + (1 - x) log (1 - c). */
const bernoulli: Likelihood = {
  logProb: ({ images, canvas }) => bernoulliLogLik(images, canvas),
  grad: (dy, { images, canvas }, later) => bernoulliLogLikGrad(dy, { images, canvas, later }),
};

export const likelihoods: { readonly [name in LikelihoodName]: Likelihood } = { gaussian, bernoulli };
