/** What `air variance` compares, and its figures. */
import { ESTIMATORS, type EstimatorName, type EstimatorSettings } from '../../core/config.js';
import { logCountPrior } from '../../core/count.js';
import { makeEstimator } from '../../core/estimators/estimators.js';
import { gradientVariance } from '../../core/estimators/gradient-variance.js';
import { type ImageBatch, toIntensities } from '../../core/images.js';
import type { Model } from '../../core/model.js';
import { byPart, type ModelPart } from '../../core/model-parts.js';
import { Draws } from '../../core/rng.js';
import { makeNoise } from '../../core/unroll.js';

/** By part of the model. */
export type ByPart = { [part in ModelPart]?: number };

export type Figures = {
  images: number;
  draws: number;
  iwae_samples: number;
  /** What expects the costs, of estimators that have somebody. */
  baselines: { [estimator in EstimatorName]?: string };
  parameters: ByPart;
  variance: { [estimator in EstimatorName]?: ByPart };
  times_enumerate: { [estimator in EstimatorName]?: ByPart };
};

/** Every estimator, with the baseline that the model was trained with for it. */
export function comparedOf(training: EstimatorSettings): EstimatorSettings[] {
  const all = ESTIMATORS.map((estimator): EstimatorSettings => {
    const baseline = estimator === training.estimator ? training.baseline : 'none';
    return { ...training, estimator, baseline, masking: true };
  });
  return all.filter(({ estimator, baseline }) => estimator !== 'nvil' || baseline !== 'none');
}

type Plan = {
  draws: number;
  seed: number;
  settings: readonly EstimatorSettings[];
  /** Called with the number of draws so far, of all estimators. */
  onDraw(done: number): void;
};

/** The variances under each of the settings. Noise depends on the seed and an image's place in the batch. */
export async function measure(
  model: Model,
  batch: ImageBatch,
  { draws, seed, settings, onDraw }: Plan,
): Promise<Figures> {
  const { config, params } = model;
  const images = toIntensities(batch, config.canvas);
  const { iwaeSamples } = settings[0];
  const figures: Figures = {
    ...{ images: batch.size, draws, iwae_samples: iwaeSamples, baselines: {}, parameters: {} },
    ...{ variance: {}, times_enumerate: {} },
  };
  let done = 0;
  for (const each of settings) {
    const estimator = makeEstimator(each);
    const noise = (draw: number) => {
      onDraw(++done);
      const rows = Array.from({ length: batch.size * estimator.draws }, (_, row) => {
        const [i, k] = [Math.floor(row / estimator.draws), row % estimator.draws];
        return new Draws(seed, 'inferNoise', i, draw * estimator.draws + k);
      });
      return makeNoise(config, rows);
    };
    const task = { images, logPrior: logCountPrior(config), draws, noise };
    const parts = Object.entries(byPart(await gradientVariance(estimator, model, task), params));
    if (estimator.specs(config).length > 0) figures.baselines[each.estimator] = each.baseline;
    figures.parameters = Object.fromEntries(parts.map(([part, { parameters }]) => [part, parameters]));
    figures.variance[each.estimator] = Object.fromEntries(parts.map(([part, one]) => [part, one.variance]));
  }
  images.dispose();
  const exact = figures.variance.enumerate as { [part: string]: number };
  for (const [name, ofParts] of Object.entries(figures.variance)) {
    const ratios = Object.entries(ofParts).map(([part, value]) => [part, value / exact[part]]);
    figures.times_enumerate[name as EstimatorName] = Object.fromEntries(ratios);
  }
  return figures;
}
