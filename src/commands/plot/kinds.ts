/** What can be plotted: the names that stand on the command line, and a module for each. Imports nothing heavy: help loads it. */
import type { Plot, PlotOptions } from './plot.js';

type Kind = {
  /** Keys of the options that only this kind has. */
  own: readonly (keyof PlotOptions)[];
  load(): Promise<Plot>;
};

export const KINDS = {
  training: { own: ['x', 'y'], load: async () => (await import('./training.js')).plotTraining },
  scan: { own: [], load: async () => (await import('./scan.js')).plotScan },
  confusion: { own: [], load: async () => (await import('./scores.js')).plotConfusion },
  calibration: { own: [], load: async () => (await import('./scores.js')).plotCalibration },
} as const satisfies { [what: string]: Kind };

export type What = keyof typeof KINDS;

export const WHATS = Object.keys(KINDS) as readonly What[];
