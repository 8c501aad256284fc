/** The default estimator: the ELBO summed exactly over the count n, its gradient by backpropagation alone. */
import { enumeratedElboGrad } from '../elbo.js';
import type { Estimator } from './estimator.js';

export const enumerate: Estimator = {
  klKind: 'analytic',
  draws: 1,
  drawsCount: false,
  masking: true,
  specs: () => [],
  gradients: (_model, { outcome }, { logPrior, scale, countWeights }) => ({
    outcome: enumeratedElboGrad(outcome, logPrior, scale, countWeights),
    own: {},
  }),
};
