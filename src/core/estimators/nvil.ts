/**
 * NVIL (Mnih & Gregor 2014), the paper's way and Pyro's: the count is drawn, its score weighted with what it brought, less
 * a learned baseline. Unbiased for the same gradient as the enumeration, with far more variance.
 *
 * With masking, every step up to the stop has z_pres = 1, so that a drawn count just picks the first n objects of the
 * all-present path. Without (Pyro's --no-masking) the pass follows the drawn count: objects after the stop are drawn from guide and
 * prior, and cost what they differ there, but are not placed.
 */
import type { EstimatorSettings } from '../config.js';
import { nvilGradOp } from '../ops/nvil.js';
import { makeBaseline } from './baseline.js';
import type { Estimator } from './estimator.js';

export function nvil(settings: EstimatorSettings): Estimator {
  const baseline = makeBaseline(settings);
  const { masking } = settings;
  return {
    klKind: 'sampled',
    draws: 1,
    drawsCount: true,
    masking,
    specs: baseline.specs,
    gradients(model, pass, { logPrior, scale, uniforms, countWeights }) {
      const expected = baseline.expect(model, pass);
      const [zPresLogits, logLik, kl, dBaseline, returns, active] = nvilGradOp(
        { ...pass.outcome, uniforms: uniforms(), baseline: expected?.values, countWeights },
        { logPrior, scale, masking },
      );
      return {
        outcome: { zPresLogits, logLik, kl },
        own: expected?.backward(dBaseline) ?? {},
        ...(expected ? { fit: { returns, baseline: expected.values, active } } : {}),
      };
    },
  };
}

/** REINFORCE (Williams 1992): the score of the count alone, with nothing that expects its return. NVIL without a baseline. */
export function reinforce(settings: EstimatorSettings): Estimator {
  return nvil({ ...settings, baseline: 'none' });
}
