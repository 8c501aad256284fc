/** What changes from step to step: the learning rates, and the prior over the count. Steps count from 1. */
import { chainLogProbs, countPriors, trialProbs } from '../core/count.js';
import type { Anneal, ScheduleName, Settings, TrainConfig } from './config.js';
import type { GroupName } from './weight-groups.js';

/** What is left of the learning rate, 0..1. */
const schedules: { readonly [name in ScheduleName]: (step: number, steps: number) => number } = {
  constant: () => 1,
  cosine: (step, steps) => 0.5 + 0.5 * Math.cos((Math.PI * step) / steps),
};

/** A learning rate at a step: a linear rise from 0 over `warmup` steps, times the schedule. */
export function learningRateAt({ schedule, warmup, steps }: TrainConfig, rate: number, step: number): number {
  const rise = warmup === 0 ? 1 : Math.min(1, step / warmup);
  return rate * rise * schedules[schedule](step, steps);
}

/** Of each group of weights. */
export function learningRatesAt(training: TrainConfig, step: number): { [group in GroupName]: number } {
  return {
    model: learningRateAt(training, training.learningRate, step),
    baseline: learningRateAt(training, training.baselineLearningRate, step),
  };
}

/** From one value to another, when so much of the way is done, 0..1. */
const anneals: { readonly [name in Anneal]: (from: number, to: number, done: number) => number } = {
  none: (_from, to) => to,
  lin: (from, to, done) => from + (to - from) * done,
  exp: (from, to, done) => from * (to / from) ** done,
};

/** How much of the way the prior has gone, 0..1. */
function annealed({ annealPriorBegin, annealPriorDuration }: TrainConfig, step: number): number {
  if (step <= annealPriorBegin) return annealPriorDuration === 0 ? 1 : 0;
  return annealPriorDuration === 0 ? 1 : Math.min(1, (step - annealPriorBegin) / annealPriorDuration);
}

/** k of the prior over n: from `annealPriorFrom` to `zPresPrior`, then constant. */
export function zPresPriorAt({ config, training }: Settings, step: number): number {
  return anneals[training.annealPrior](training.annealPriorFrom, config.zPresPrior, annealed(training, step));
}

/** log P(n), n = 0..N, of that prior; or of the chain of trials on their way, which need not be of one number. */
export function logPriorAt(settings: Settings, step: number): number[] {
  const { config, training } = settings;
  const { countPrior, modelSteps } = config;
  const { annealPrior, annealPriorFrom, annealTrialsOf } = training;
  const done = annealed(training, step);
  if (annealTrialsOf === 'none' || annealPrior === 'none' || done === 1) {
    return countPriors[countPrior](zPresPriorAt(settings, step), modelSteps);
  }
  const from = trialProbs(countPriors[annealTrialsOf](annealPriorFrom, modelSteps));
  const to = trialProbs(countPriors[countPrior](config.zPresPrior, modelSteps));
  return chainLogProbs(from.map((p, t) => anneals[annealPrior](p, to[t], done)));
}
