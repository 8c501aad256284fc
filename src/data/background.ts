/** What is behind the digits of a scene: names, and settings with the values of SuPAIR. Imports nothing: help loads it. */

/**
 *   none   black: 0
 *   noise  .8 x + .1 + N(0, noiseSd^2) in place of every intensity x of 0 .. 1, clipped to them
 *   grid   lines a pixel wide, one in gridSpacing along either axis, with their own offsets in each scene: where an intensity is
 *          below gridLevel it is that
 *
 * Source: Stelzner et al. 2019, "Faster attend-infer-repeat with tractable probabilistic models", and their datasets.py.
 */
export const BACKGROUNDS = ['none', 'noise', 'grid'] as const;

export type Background = (typeof BACKGROUNDS)[number];

export type BackgroundSettings = {
  /** Standard deviation of the noise, of intensities 0 .. 1. */
  noiseSd: number;
  /** From one line to the next, px. */
  gridSpacing: number;
  /** Intensity of the lines, 0 .. 1. */
  gridLevel: number;
};

/** Those of SuPAIR. */
export const BACKGROUND_DEFAULTS: BackgroundSettings = { noiseSd: 0.2, gridSpacing: 5, gridLevel: 0.4 };

/** Which settings each background has. */
export const SETTINGS_OF: { readonly [background in Background]: readonly (keyof BackgroundSettings)[] } = {
  none: [],
  noise: ['noiseSd'],
  grid: ['gridSpacing', 'gridLevel'],
};
