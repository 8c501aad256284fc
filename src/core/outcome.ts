/** What a pass says of each image: all that an objective is made of. */
import type * as tf from '@tensorflow/tfjs';

/** Of a batch of images, on tensors. */
export type PassOutcome = {
  /** [B, N], logits of the probabilities that there is one more object */
  zPresLogits: tf.Tensor2D;
  /** [B, N+1], log p(x | z_1..n), n = 0..N */
  logLik: tf.Tensor2D;
  /** [B, N] each: KL of z_where and of z_what of object t */
  whereKl: tf.Tensor2D;
  whatKl: tf.Tensor2D;
};

/** The same of one image, on the host: `takeRows` of the tensors. */
export type Outcome = { readonly [name in keyof PassOutcome]: ArrayLike<number> };

/** Gradients by what a pass says of each image: [B, N], [B, N+1], [B, N], which both KLs share. */
export type OutcomeGradients = { zPresLogits: tf.Tensor2D; logLik: tf.Tensor2D; kl: tf.Tensor2D };
