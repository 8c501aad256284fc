/** What inference says of an image: the one shape it has from here through streams to scores and pictures. */
import type { ElboTerms } from './elbo.js';

/** Continuous pixels, top-left corner and size: pixel i covers [i, i + 1). */
export type Box = readonly [x: number, y: number, w: number, h: number];

/** One step of the guide: an object that may be there. */
export type LatentStep = {
  /** Where its window lies on the canvas. */
  box: Box;
  /** q(n >= t), the probability that it is there. */
  p: number;
  /** z_where [D], (s, x, y) or what else it is (see where.ts), and its standard deviation. */
  where: Float32Array;
  whereScale: Float32Array;
  /** z_what [Z], and its standard deviation. */
  what: Float32Array;
  whatScale: Float32Array;
  /** [h, w] uint8, the object as decoded. */
  window?: Uint8Array;
};

export type Latent = {
  /** argmax q */
  n: number;
  /** q(n), n = 0..N */
  q: number[];
  /** From draws, whatever the mode: the ELBO, nats; and the terms that it is made of. */
  elbo?: number;
  terms?: ElboTerms;
  /** From draws: log (1/S) sum_s p(x, z_s) / q(z_s), exact in n; a tighter bound on log p(x) than the ELBO. */
  bound?: number;
  /**
   * From draws: log (1/S) sum_s p(x, n, z_1..n) / q(z_1..n), n = 0..N, nats; -Infinity is a weight of 0. Their softmax estimates
   * p(n | x), their log-sum-exp is `bound`.
   */
  evidence?: number[];
  /** From two or more draws: argmax of `evidence`; one draw says too little to count by. */
  nEvidence?: number;
  /** N of them. */
  steps: LatentStep[];
  /** [H, W] uint8, the mean image of the first n objects. */
  reconstruction?: Uint8Array;
};

/**
 * Whether all of it are numbers, as they are not if a model's weights or settings are beyond what float32 holds. That a count has no
 * evidence, -Infinity, is none of that.
 */
export function hasNumbers(latent: Latent): boolean {
  const { q, elbo = 0, bound = 0, evidence = [], steps } = latent;
  return (
    areFinite([elbo, bound, ...q]) &&
    !evidence.some((value) => Number.isNaN(value) || value === Number.POSITIVE_INFINITY) &&
    steps.every(({ box, p, where, whereScale, what, whatScale }) =>
      [box, [p], where, whereScale, what, whatScale].every(areFinite),
    )
  );
}

/** A loop, as `every` of typed arrays takes five times as long: this is asked of every number of every image. */
function areFinite(values: ArrayLike<number>): boolean {
  for (let i = 0; i < values.length; i++) if (!Number.isFinite(values[i])) return false;
  return true;
}
