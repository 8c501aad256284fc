/** The gradient of the ELBO in WGSL. */
import { WORTH_NOTHING } from '../../core/ops/vanish.js';
import { SIGMOID, SOFTPLUS } from './functions.js';
import type { Named, WebgpuKernel } from './gpu.js';

/**
 * An image a thread, summed over the count n = 0..N, which is part of the source.
 *
 *   log q(n) = sum over t <= n of log sigmoid(l_t), + log sigmoid(-l_{n+1}) for n < N
 *   f(n) = log p(x | z_1..n) + log p(n) - log q(n) - sum over t <= n of KL_t,   ELBO = sum over n of q(n) f(n)
 *   d/dl_t = sum over n of q(n) (f(n) - ELBO) d log q(n): 1 - p_t where n >= t, -p_t where n = t - 1
 */
const elboGrad = (steps: number, hasWeights: boolean): string => `
  ${SIGMOID}
  ${SOFTPLUS}
  fn worth(x : f32) -> f32 { return select(x, 0.0, abs(x) < ${WORTH_NOTHING}); }
  fn main(b : i32) {
    if (b >= uniforms.batch) { return; }
    var prior = array<f32, ${steps + 1}>(${Array.from({ length: steps + 1 }, (_, n) => `uniforms.prior${n}`).join(', ')});
    var q : array<f32, ${steps + 1}>;
    var f : array<f32, ${steps + 1}>;
    let row = b * ${steps};
    let wide = b * ${steps + 1};
    var goOn = 0.0;
    var cost = 0.0;
    var elbo = 0.0;
    for (var n = 0; n <= ${steps}; n = n + 1) {
      var logQ = goOn;
      if (n < ${steps}) { logQ = logQ - softplus(zPresLogits[row + n]); }
      q[n] = exp(logQ);
      f[n] = logLik[wide + n] + prior[n] - logQ - cost;
      elbo = elbo + q[n] * f[n];
      if (n < ${steps}) {
        goOn = goOn - softplus(-zPresLogits[row + n]);
        cost = cost + (whereKl[row + n] + whatKl[row + n]);
      }
    }
    // from N down: \`weighted\` sums what has n >= t
    var present = 0.0;
    var weighted = 0.0;
    for (var n = ${steps}; n >= 0; n = n - 1) {
      let here = q[n] * (f[n] - elbo)${hasWeights ? ' + countWeights[wide + n]' : ''};
      dLogLik[wide + n] = worth(uniforms.scale * q[n]);
      if (n < ${steps}) {
        let logit = zPresLogits[row + n];
        dLogits[row + n] = worth(uniforms.scale * (sigmoid(-logit) * weighted - sigmoid(logit) * here));
        dKl[row + n] = worth(-uniforms.scale * present);
      }
      weighted = weighted + here;
      present = present + q[n];
    }
  }`;

export const airEnumeratedElboGrad: WebgpuKernel = (gpu, inputs, attrs) => {
  const { zPresLogits, logLik, whereKl, whatKl, countWeights } = inputs;
  const [batch, steps] = zPresLogits.shape;
  const each = [batch, steps];
  const logPrior = attrs.logPrior as number[];
  const numbers: Named<number> = {
    scale: Number(attrs.scale),
    ...Object.fromEntries(logPrior.map((prior, n) => [`prior${n}`, prior])),
  };
  return gpu.run({
    reads: { zPresLogits, logLik, whereKl, whatKl, ...(countWeights === undefined ? {} : { countWeights }) },
    writes: { dLogits: each, dLogLik: [batch, steps + 1], dKl: each },
    ...{ counts: { batch }, numbers, code: elboGrad(steps, countWeights !== undefined), threads: batch },
  });
};
