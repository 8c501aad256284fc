/**
 * Analytic KLs, and the score function for the reconstruction only: the KL of the count is summed exactly, those of z_where and
 * z_what are weighted with q(n >= t), and the drawn count answers for log p(x | z_1..n) alone, less a baseline. As in A.
 * Kosiorek's implementation of AIR. Unbiased for the same gradient as the enumeration.
 */
import * as tf from '@tensorflow/tfjs';
import type { EstimatorSettings } from '../config.js';
import { enumeratedElboGrad } from '../elbo.js';
import { reconstructionScoreOp } from '../ops/reconstruction-score.js';
import { makeBaseline } from './baseline.js';
import type { Estimator } from './estimator.js';

export function nvilAnalytic(settings: EstimatorSettings): Estimator {
  const baseline = makeBaseline(settings);
  return {
    klKind: 'analytic',
    draws: 1,
    drawsCount: true,
    masking: true,
    specs: baseline.specs,
    gradients(model, pass, { logPrior, scale, uniforms, countWeights }) {
      const { zPresLogits, logLik } = pass.outcome;
      const expected = baseline.expect(model, pass);
      const [byScore, dLogLik, dBaseline, returns, active] = reconstructionScoreOp(
        { zPresLogits, logLik, uniforms: uniforms(), baseline: expected?.values },
        { scale },
      );
      const blind = { ...pass.outcome, logLik: tf.zerosLike(logLik) };
      const ofKls = enumeratedElboGrad(blind, logPrior, scale, countWeights);
      return {
        outcome: { zPresLogits: tf.add(byScore, ofKls.zPresLogits), logLik: dLogLik, kl: ofKls.kl },
        own: expected?.backward(dBaseline) ?? {},
        ...(expected ? { fit: { returns, baseline: expected.values, active } } : {}),
      };
    },
  };
}
