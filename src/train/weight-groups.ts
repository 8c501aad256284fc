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

/** Bytes that a run holds of each weight, a float32: itself, two moments, its gradient, and that of a part of the batch. */
const BYTES_PER_WEIGHT = 4 * 5;

/** The most that weights may take while they are trained. A wasm heap holds 4 GiB, and images need some of it. */
export const MOST_BYTES = 3 * 2 ** 30;

/** What training takes, known before anything is there: bytes for all weights, and the largest of these. */
export function memoryOf(settings: Settings): { weights: number; bytes: number; largest: ParamSpec } {
  const specs = weightGroups(settings).flatMap((group) => group.specs);
  const sizeOf = ({ shape }: ParamSpec): number => shape.reduce((size, side) => size * side, 1);
  const weights = specs.reduce((sum, spec) => sum + sizeOf(spec), 0);
  const largest = specs.reduce((most, spec) => (sizeOf(spec) > sizeOf(most) ? spec : most));
  return { weights, bytes: BYTES_PER_WEIGHT * weights, largest };
}
