// The gradient of the ELBO of one image, summed over the count n: by N continue logits, N + 1 likelihoods and 2 N KLs.
//
//   log q(n) = sum over t <= n of log sigmoid(l_t), + log sigmoid(-l_{n+1}) for n < N
//   f(n) = log p(x | z_1..n) + log p(n) - log q(n) - sum over t <= n of KL_t,   ELBO = sum over n of q(n) f(n)
//
// A handful of numbers per image, so one at a time; sums in float64.
import { exp4, sigmoid4, softplus4 } from './vector';

function softplus(x: f32): f64 {
  return <f64>f32x4.extract_lane(softplus4(f32x4.splat(x)), 0);
}

function exp(x: f32): f64 {
  return <f64>f32x4.extract_lane(exp4(f32x4.splat(x)), 0);
}

function sigmoid(x: f32): f64 {
  return <f64>f32x4.extract_lane(sigmoid4(f32x4.splat(x)), 0);
}

/** As in core/ops/vanish.ts. */
const WORTH_NOTHING: f64 = 1e-20;

/** A gradient as it is stored: 0 if it is worth nothing. */
function gradient(x: f64): f32 {
  return abs(x) < WORTH_NOTHING ? 0 : <f32>x;
}

/** Bytes of scratch for the q(n) and f(n) of one image. */
export function elboScratchBytes(steps: i32): usize {
  return <usize>(steps + 1) << 4;
}

/** q(n) and f(n), n = 0..N, of one image, 16 bytes apart; returns their ELBO. */
function objectivePerCount(
  logits: usize, logLik: usize, whereKl: usize, whatKl: usize, logPrior: usize, steps: i32, out: usize,
): f64 {
  let goOn: f64 = 0;
  let cost: f64 = 0;
  let elbo: f64 = 0;
  for (let n = 0; n <= steps; n++) {
    const at = <usize>n << 2;
    const logQ = n < steps ? goOn - softplus(load<f32>(logits + at)) : goOn;
    const q = exp(<f32>logQ);
    const f = <f64>load<f32>(logLik + at) + load<f64>(logPrior + (at << 1)) - logQ - cost;
    store<f64>(out + (at << 2), q);
    store<f64>(out + (at << 2), f, 8);
    elbo += q * f;
    if (n < steps) {
      goOn -= softplus(-load<f32>(logits + at));
      cost += <f64>(load<f32>(whereKl + at) + load<f32>(whatKl + at));
    }
  }
  return elbo;
}

/**
 * logits [B,N], logLik [B,N+1], whereKl and whatKl [B,N], logPrior float64 [N+1] -> gradients of scale times
 * [ELBO + sum over n of countWeights(n) log q(n)]; dKl [B,N] is that by either KL.
 * @param countWeights [B,N+1], or 0
 */
export function enumeratedElboGrad(
  logits: usize, logLik: usize, whereKl: usize, whatKl: usize, countWeights: usize, logPrior: usize, scale: f64,
  dLogits: usize, dLogLik: usize, dKl: usize, batch: i32, steps: i32, scratch: usize,
): void {
  for (let b = 0; b < batch; b++) {
    const row = <usize>(b * steps) << 2;
    const wide = row + (<usize>b << 2);
    const elbo = objectivePerCount(logits + row, logLik + wide, whereKl + row, whatKl + row, logPrior, steps, scratch);
    // d/d logit_t = sum over n of q(n) (f(n) - ELBO) d log q(n): 1 - p_t where n >= t, -p_t where n = t - 1. Any
    // constant may be taken off f; the ELBO, its mean, keeps the digits. From N down: `weighted` sums what has n >= t.
    let present: f64 = 0;
    let weighted: f64 = 0;
    for (let n = steps; n >= 0; n--) {
      const at = <usize>n << 2;
      const q = load<f64>(scratch + (at << 2));
      let here = q * (load<f64>(scratch + (at << 2), 8) - elbo);
      if (countWeights) here += <f64>load<f32>(countWeights + wide + at);
      store<f32>(dLogLik + wide + at, gradient(scale * q));
      if (n < steps) {
        const logit = load<f32>(logits + row + at);
        store<f32>(dLogits + row + at, gradient(scale * (sigmoid(-logit) * weighted - sigmoid(logit) * here)));
        store<f32>(dKl + row + at, gradient(-scale * present));
      }
      weighted += here;
      present += q;
    }
  }
}
