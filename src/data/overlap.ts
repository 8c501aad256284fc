/** When digits that touch spoil a scene. Imports nothing: help loads it. */

/**
 * When is a scene redrawn?
 *   saturate  when the sum of the digits exceeds 255 somewhere, so that frames may overlap and digits may touch (Pyro's)
 *   ink       when a pixel belongs to two digits
 *   boxes     when the boxes of two digits' ink share a pixel
 *   any       never; sums are clipped at 255
 */
export const OVERLAPS = ['saturate', 'ink', 'boxes', 'any'] as const;

export type Overlap = (typeof OVERLAPS)[number];
