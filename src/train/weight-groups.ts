/** The weights that are trained, in groups that share a learning rate: the model's, and the estimator's own. */
import { makeEstimator } from '../core/estimators/estimators.js';
import type { ParamSpec } from '../core/ops/weights.js';
import { paramSpecs } from '../core/parameters.js';
import type { Settings } from './config.js';

export type GroupName = 'model' | 'baseline';

export type WeightGroup = { name: GroupName; specs: ParamSpec[] };

/** The model's weights first; every group has some. */
export function weightGroups({ config, training }: Settings): WeightGroup[] {
  const own = makeEstimator(training).specs(config);
  const groups: WeightGroup[] = [
    { name: 'model', specs: paramSpecs(config) },
    { name: 'baseline', specs: own },
  ];
  return groups.filter(({ specs }) => specs.length > 0);
}
