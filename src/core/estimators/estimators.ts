/** The estimators there are. */
import type { EstimatorName, EstimatorSettings } from '../config.js';
import { enumerate } from './enumerate.js';
import type { Estimator } from './estimator.js';
import { iwae } from './iwae.js';
import { nvil, reinforce } from './nvil.js';
import { nvilAnalytic } from './nvil-analytic.js';

const estimators: { readonly [name in EstimatorName]: (settings: EstimatorSettings) => Estimator } = {
  enumerate: () => enumerate,
  nvil,
  reinforce,
  'nvil-analytic': nvilAnalytic,
  iwae,
};

/** The one that the settings name. */
export function makeEstimator(settings: EstimatorSettings): Estimator {
  return estimators[settings.estimator](settings);
}
