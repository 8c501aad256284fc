/** How z_where is read off the guide's head, one variant each. */
import * as tf from '@tensorflow/tfjs';
import type { WhereName } from './config.js';
import type { NormalBase, NormalPrior } from './ops/normal.js';

/** Where the head begins, given the prior of z_where; undefined: at the prior. Caller disposes. */
export type WhereBase = (prior: NormalPrior) => NormalBase | undefined;

export const whereBases: { readonly [name in WhereName]: WhereBase } = {
  /** As in Pyro's example: a network that says nothing says what the prior says. */
  offset: () => undefined,
  /** As in Pyro's tutorial: at 0, with scale 1. */
  absolute: ({ loc, scale }) => ({ shift: tf.neg(loc), ratio: tf.reciprocal(scale) }),
};
