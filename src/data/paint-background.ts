/** Puts what is behind the digits into an image that holds them: one function for each name in background.ts. */
import type { Draws } from '../core/rng.js';
import type { Background, BackgroundSettings } from './background.js';

/**
 * Changes an image in place.
 *
 *   image   [canvas, canvas], uint8, digits on black
 *   draws   a sequence for this image alone
 */
export type PaintBackground = (
  image: Uint8Array,
  canvas: number,
  settings: BackgroundSettings,
  draws: Pick<Draws, 'normal' | 'integer'>,
) => void;

/** Room below and above the intensities of the digits, so that most of the noise is not clipped: half an sd as SuPAIR has it. */
const CONTRAST = 0.8;
const FLOOR = 0.1;

const addNoise: PaintBackground = (image, _canvas, { noiseSd }, draws) => {
  for (let p = 0; p < image.length; p++) {
    const value = (CONTRAST * image[p]) / 255 + FLOOR + noiseSd * draws.normal();
    image[p] = Math.round(255 * Math.min(Math.max(value, 0), 1));
  }
};

const drawGrid: PaintBackground = (image, canvas, { gridSpacing, gridLevel }, draws) => {
  const level = Math.round(255 * gridLevel);
  const left = draws.integer(gridSpacing);
  const top = draws.integer(gridSpacing);
  for (let y = 0, p = 0; y < canvas; y++) {
    const isLine = y % gridSpacing === top;
    for (let x = 0; x < canvas; x++, p++) {
      if ((isLine || x % gridSpacing === left) && image[p] < level) image[p] = level;
    }
  }
};

export const PAINT_BACKGROUND: { readonly [background in Background]: PaintBackground } = {
  none: () => {},
  noise: addNoise,
  grid: drawGrid,
};
