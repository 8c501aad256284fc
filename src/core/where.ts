/** How z_where is read off the guide's head, one variant each: z_where ~ N(base.loc + loc, base.scale * softplus(raw scale)). */
import * as tf from '@tensorflow/tfjs';
import type { WhereName } from './config.js';
import type { NormalPrior } from './ops/normal.js';

/** The base, given the prior of z_where; undefined: the prior itself. Caller disposes. */
export type WhereBase = (prior: NormalPrior) => NormalPrior | undefined;

export const whereBases: { readonly [name in WhereName]: WhereBase } = {
  /** As in Pyro's example: a network that says nothing says what the prior says. */
  offset: () => undefined,
  /** As in Pyro's tutorial: the head says it all. */
  absolute: ({ loc, scale }) => ({ loc: tf.zerosLike(loc), scale: tf.onesLike(scale) }),
};
