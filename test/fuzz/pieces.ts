/** Bytes as they may arrive: at once, or in pieces, of which there are some hundreds at most. */
import { chunksOf } from '../support/samples.js';
import type { Choices } from './choices.js';

export function pieces(bytes: Uint8Array, c: Choices): AsyncGenerator<Uint8Array> {
  return chunksOf(bytes, Math.max(c.pick([bytes.length, 100, 7, 1]), Math.ceil(bytes.length / 300), 1));
}
