/** What a page says of one run: everything that is known of it, gathered, as plain data and as charts that are drawn already. */
import type { Scores } from '../../scores/scoreboard.js';
import type { Markup } from './markup.js';
import type { Shown } from './picture.js';

/** A chart, and what stands under it. */
export type Chart = { title: string; svg: Markup; caption: string };

/** A setting by the name of its flag; `preset` where that of the preset is another. */
export type ShownSetting = { name: string; value: string; preset?: string | undefined };

export type RunPage = {
  /** As it was named. */
  name: string;
  /** Size of the images, [H, W]. */
  canvas: readonly [number, number];
  step: number;
  steps: number;
  /** What it learnt with, in a few words: estimator, lessons, seed. */
  recipe: string;
  /** Of weights. */
  weights: number;
  isFinished: boolean;
  settings: {
    /** The preset that the settings are nearest to. */
    preset: string;
    rows: readonly ShownSetting[];
  };
  /** Curves of the training, and which log they are of; or why there are none. */
  curves: { charts: readonly Chart[]; log: string } | { absent: string };
  scores: Scores;
  /** How it fails to count, if it does. */
  collapse: string | undefined;
  calibration: Chart | undefined;
  scenes: ScenesOf;
  /** Draws of z_where and z_what an image that ELBO and evidence are means of. */
  samples: number;
  /** px that an image was moved by, each way, to be looked at again: 0 for one look. */
  shifts: number;
  seed: number;
  backend: string;
  reconstructions: readonly Shown[];
  /** Images counted wrong, most certain first: so many of `wrong`. */
  mistakes: readonly Shown[];
  wrong: number;
  provenance: {
    /** Command lines, oldest first. */
    lines: readonly string[];
    data: string;
    backend: string;
    digest: string;
    bytes: number;
    /** Last validation of the training, if there was one. */
    validation: string | undefined;
  };
};

/** What was scored on. */
export type ScenesOf = {
  /** In few words, and in more. */
  what: string;
  how: string;
  /** What to know before the scores are believed. */
  warning: string | undefined;
  images: number;
  provenance: readonly string[];
};
