/** What defines a training run. Names are those of the command line, in camelCase. Imports tables of constants only: help loads it. */
import {
  BASELINES,
  COUNT_PRIORS,
  ESTIMATORS,
  type EstimatorSettings,
  LAYERS,
  type ModelConfig,
} from '../core/config.js';
import type { SettingsTable } from '../core/settings.js';

export const ANNEALS = ['none', 'lin', 'exp'] as const;

export type Anneal = (typeof ANNEALS)[number];

export const SCHEDULES = ['constant', 'cosine'] as const;

export type ScheduleName = (typeof SCHEDULES)[number];

export const OPTIMISERS = ['adam', 'rmsprop'] as const;

export type OptimiserName = (typeof OPTIMISERS)[number];

/** Where the images of a sum are put: moved close together, or each where it is, as scenes come about. */
export const SUM_PLACES = ['near', 'own'] as const;

export type SumPlaces = (typeof SUM_PLACES)[number];

/** What of the prior is annealed: its number, or the probability of each trial, from those of a prior of some kind on. */
export const ANNEALED_TRIALS = ['none', ...COUNT_PRIORS] as const;

/** How to train: none of it is needed to use the model. */
export type TrainConfig = EstimatorSettings & {
  steps: number;
  batchSize: number;
  learningRate: number;
  /** Of the estimator's own weights. */
  baselineLearningRate: number;
  /** How learning rates go on after the warm-up: as they are, or down to 0 as a cosine. */
  schedule: ScheduleName;
  /** Steps over which learning rates rise linearly from 0. */
  warmup: number;
  optimiser: OptimiserName;
  adamBeta1: number;
  adamBeta2: number;
  adamEpsilon: number;
  rmspropDecay: number;
  rmspropMomentum: number;
  rmspropEpsilon: number;
  /** The longest gradient: a longer one, of all weights of a group together, is shortened to it; 0: as long as it is. */
  clipNorm: number;
  /** k moves from annealPriorFrom to zPresPrior over annealPriorDuration steps: annealed in, it does not empty the model. */
  annealPrior: Anneal;
  annealPriorFrom: number;
  annealPriorDuration: number;
  /** So many steps k stays where it begins. */
  annealPriorBegin: number;
  /**
   * Whose trials are annealed in place of k, each by itself: they begin as those of this kind of prior at annealPriorFrom, and
   * end as those of the model's.
   */
  annealTrialsOf: (typeof ANNEALED_TRIALS)[number];
  /** Sums of images as lessons in counting, so many a step (see image-sums.ts); 0 leaves them out. */
  sumPairs: number;
  /** Sums of three images, so many a step: for data that holds no three objects. */
  sumTriples: number;
  /** Nats per nat: what log q(known count) weighs beside the ELBO. */
  sumWeight: number;
  /** The first step with sums: the model must be able to tell one object from two. */
  sumFrom: number;
  /** Where the two are. */
  sumPlaces: SumPlaces;
  /** Of `near`: the largest distance between the two, px. */
  sumReach: number;
  seed: number;
  /** Digest of the model whose weights it begins with; '': with the initial values of the seed. */
  init: string;
};

/** A model and how it is trained. */
export type Settings = { config: ModelConfig; training: TrainConfig };

/** Two centres closer than this, px, are one object drawn twice: no sum of images brings them nearer. */
export const NEAREST_SUM_PX = 6;

/**
 * Every setting, in the order of files, with what it may be. One that is added here has a `before`. Two may be more than can be asked
 * for: an imported model has been trained for no steps, and a run that is tried again has a later seed.
 */
export const TRAIN_SETTINGS: SettingsTable<TrainConfig> = {
  steps: { kind: 'number', isWhole: true, min: 0 },
  batchSize: { kind: 'number', isWhole: true, min: 1, max: 65536 },
  learningRate: { kind: 'number', above: 0 },
  warmup: { kind: 'number', isWhole: true, min: 0 },
  adamBeta1: { kind: 'number', min: 0, below: 1 },
  adamBeta2: { kind: 'number', min: 0, below: 1 },
  adamEpsilon: { kind: 'number', above: 0 },
  annealPrior: { kind: ANNEALS },
  annealPriorFrom: { kind: 'number', above: 0, max: 1 },
  annealPriorDuration: { kind: 'number', isWhole: true, min: 0 },
  sumPairs: { kind: 'number', isWhole: true, min: 0, max: 65536 },
  sumWeight: { kind: 'number', min: 0 },
  sumFrom: { kind: 'number', isWhole: true, min: 1 },
  sumReach: { kind: 'number', min: NEAREST_SUM_PX },
  seed: { kind: 'number', isWhole: true, min: 0 },
  schedule: { kind: SCHEDULES, before: 'cosine' },
  estimator: { kind: ESTIMATORS, before: 'enumerate' },
  baseline: { kind: BASELINES, before: 'lstm' },
  baselineScalar: { kind: 'number', above: 0, before: 100 },
  blPredictNet: { ...LAYERS, before: [200] },
  baselineLearningRate: { kind: 'number', above: 0, before: 1e-3 },
  optimiser: { kind: OPTIMISERS, before: 'adam' },
  rmspropDecay: { kind: 'number', min: 0, below: 1, before: 0.9 },
  rmspropMomentum: { kind: 'number', min: 0, below: 1, before: 0.9 },
  rmspropEpsilon: { kind: 'number', above: 0, before: 1e-10 },
  clipNorm: { kind: 'number', min: 0, before: 0 },
  annealPriorBegin: { kind: 'number', isWhole: true, min: 0, before: 0 },
  annealTrialsOf: { kind: ANNEALED_TRIALS, before: 'none' },
  init: { kind: 'text', before: '' },
  iwaeSamples: { kind: 'number', isWhole: true, min: 1, max: 100, before: 5 },
  masking: { kind: 'flag', before: true },
  sumTriples: { kind: 'number', isWhole: true, min: 0, max: 65536, before: 0 },
  sumPlaces: { kind: SUM_PLACES, before: 'near' },
};
