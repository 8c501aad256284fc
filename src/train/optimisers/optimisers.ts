/** The optimisers there are. */
import type { OptimiserName } from '../config.js';
import { adam } from './adam.js';
import type { Optimiser } from './optimiser.js';
import { rmsprop } from './rmsprop.js';

export const optimisers: { readonly [name in OptimiserName]: Optimiser } = { adam, rmsprop };

/** Where a checkpoint keeps a moment of a weight: `adam.m.rnn.weight_ih`. */
export function momentPrefix(optimiser: OptimiserName, moment: string): string {
  return `${optimiser}.${moment}.`;
}
