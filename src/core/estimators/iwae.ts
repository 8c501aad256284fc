/**
 * The importance-weighted bound of K passes an image (IWAE, Burda et al. 2016), tighter than the ELBO and another objective even
 * for one pass: the count is summed over inside the logarithm, and q(n) learns from the weights of the counts.
 */
import type { EstimatorSettings } from '../config.js';
import { iwaeGradOp } from '../ops/iwae.js';
import type { Estimator } from './estimator.js';

export function iwae({ iwaeSamples: draws }: EstimatorSettings): Estimator {
  return {
    klKind: 'sampled',
    draws,
    drawsCount: false,
    masking: true,
    specs: () => [],
    gradients(_model, { outcome }, { logPrior, scale, countWeights }) {
      const [zPresLogits, logLik, kl] = iwaeGradOp({ ...outcome, countWeights }, { logPrior, scale, draws });
      return { outcome: { zPresLogits, logLik, kl }, own: {} };
    },
  };
}
