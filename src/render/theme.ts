/** Colours and distances that all pictures share: quiet, light on dark, as the scenes themselves are. */
import type { Color } from './draw.js';

export const PAGE: Color = [24, 26, 31];
export const PANEL: Color = [33, 36, 43];
export const RULE: Color = [52, 56, 66];
export const TEXT: Color = [222, 225, 231];
export const MUTED: Color = [138, 144, 157];
/** What is wrong. */
export const WRONG: Color = [255, 176, 32];
/** The true boxes of a scene. */
export const TRUTH: Color = [110, 200, 220];

/**
 * Steps: red, green and blue, shifted towards vermilion, bluish green and sky blue and apart in lightness, so that
 * they stay distinct with red-green blindness (after Okabe and Ito 2008); then others.
 */
const STEPS: readonly Color[] = [
  [255, 84, 70],
  [40, 214, 140],
  [78, 156, 255],
  [206, 130, 255],
  [240, 228, 66],
  [255, 160, 200],
];

/** The colour of step t = 0, 1, ... */
export function stepColor(t: number): Color {
  return STEPS[t % STEPS.length];
}

/** Between the picture's edge and anything on it. */
export const MARGIN = 14;
