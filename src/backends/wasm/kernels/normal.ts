// A diagonal normal read off a network's output: the draw, its KL from the prior, and the gradient.
//
//   head [B, offset + 2D]: D raw locations at `offset`, then D raw scales
//   distance = raw + shift, relative = softplus(raw scale) ratio, where both begin elsewhere than at the prior
//   loc = distance + prior loc, scale = relative prior scale, sample = loc + scale noise
//   kl = sum over D of -log relative + (relative^2 + (distance / prior scale)^2) / 2 - 1/2, or, sampled,
//        sum over D of -log relative + (((sample - prior loc) / prior scale)^2 - noise^2) / 2
import { keepUpTo4, loadUpTo4, log4, sigmoid4, softplus4, storeUpTo4, sumLanes } from './vector';

/** Below this, softplus(x) = e^x to float32's last digit, so log softplus(x) = x and sigmoid / softplus = 1. */
const VERY_NEGATIVE: f32 = -15;

/** @param shift,ratio [D], or 0: the head begins at the prior  @param sampled whether kl is that of the draw */
export function normalHead(
  head: usize, noise: usize, priorLoc: usize, priorScale: usize, shift: usize, ratio: usize,
  sample: usize, loc: usize, scale: usize, kl: usize, batch: i32, size: i32, offset: i32, sampled: bool,
): void {
  const width = offset + 2 * size;
  const half = f32x4.splat(0.5);
  for (let b = 0; b < batch; b++) {
    const rawLocs = head + (<usize>(b * width + offset) << 2);
    const rawScales = rawLocs + (<usize>size << 2);
    const row = <usize>(b * size) << 2;
    let total = f32x4.splat(0);
    for (let d = 0; d < size; d += 4) {
      const left = size - d;
      const at = <usize>d << 2;
      let distance = loadUpTo4(rawLocs + at, left);
      if (shift) distance = f32x4.add(distance, loadUpTo4(shift + at, left));
      const rawScale = loadUpTo4(rawScales + at, left);
      const priorSd = loadUpTo4(priorScale + at, left);
      const unit = softplus4(rawScale);
      const isSmall = f32x4.lt(rawScale, f32x4.splat(VERY_NEGATIVE));
      let logRelative = v128.bitselect(rawScale, log4(unit), isSmall);
      let relative = unit;
      if (ratio) {
        const factor = loadUpTo4(ratio + at, left);
        relative = f32x4.mul(unit, factor);
        logRelative = f32x4.add(logRelative, log4(factor));
      }
      const location = f32x4.add(distance, loadUpTo4(priorLoc + at, left));
      const sd = f32x4.mul(relative, priorSd);
      storeUpTo4(loc + row + at, location, left);
      storeUpTo4(scale + row + at, sd, left);
      const epsilon = loadUpTo4(noise + row + at, left);
      const spread = f32x4.mul(sd, epsilon);
      storeUpTo4(sample + row + at, f32x4.add(location, spread), left);
      let term: v128;
      if (sampled) {
        const far = f32x4.div(f32x4.add(distance, spread), priorSd);
        const squares = f32x4.sub(f32x4.mul(far, far), f32x4.mul(epsilon, epsilon));
        term = f32x4.sub(f32x4.mul(squares, half), logRelative);
      } else {
        const far = f32x4.div(distance, priorSd);
        const squares = f32x4.add(f32x4.mul(relative, relative), f32x4.mul(far, far));
        term = f32x4.sub(f32x4.sub(f32x4.mul(squares, half), half), logRelative);
      }
      total = f32x4.add(total, keepUpTo4(term, left));
    }
    store<f32>(kl + (<usize>b << 2), sumLanes(total));
  }
}

/**
 * Gradients of the sample [B,D] and kl [B] -> dHead, which begins with dBefore [B, offset].
 * @param dSample1,dSample2 further parts of the gradient of the sample, or 0  @param shift,ratio,sampled as above
 */
export function normalHeadGrad(
  dSample0: usize, dSample1: usize, dSample2: usize, dKl: usize, dBefore: usize,
  head: usize, noise: usize, priorScale: usize, shift: usize, ratio: usize,
  dHead: usize, batch: i32, size: i32, offset: i32, sampled: bool,
): void {
  const width = offset + 2 * size;
  for (let b = 0; b < batch; b++) {
    const start = <usize>(b * width) << 2;
    const rawLocs = start + (<usize>offset << 2);
    const rawScales = rawLocs + (<usize>size << 2);
    const row = <usize>(b * size) << 2;
    const ofKl = f32x4.splat(load<f32>(dKl + (<usize>b << 2)));
    memory.copy(dHead + start, dBefore + (<usize>(b * offset) << 2), <usize>offset << 2);
    for (let d = 0; d < size; d += 4) {
      const left = size - d;
      const at = <usize>d << 2;
      let distance = loadUpTo4(head + rawLocs + at, left);
      if (shift) distance = f32x4.add(distance, loadUpTo4(shift + at, left));
      const rawScale = loadUpTo4(head + rawScales + at, left);
      const priorSd = loadUpTo4(priorScale + at, left);
      let ofSample = loadUpTo4(dSample0 + row + at, left);
      if (dSample1) ofSample = f32x4.add(ofSample, loadUpTo4(dSample1 + row + at, left));
      if (dSample2) ofSample = f32x4.add(ofSample, loadUpTo4(dSample2 + row + at, left));
      const unit = softplus4(rawScale);
      const slope = sigmoid4(rawScale);
      const isSmall = f32x4.lt(rawScale, f32x4.splat(VERY_NEGATIVE));
      const slopeOfLog = v128.bitselect(f32x4.splat(1), f32x4.div(slope, unit), isSmall);

      let relative = unit;
      let slopeOfRelative = slope;
      if (ratio) {
        const factor = loadUpTo4(ratio + at, left);
        relative = f32x4.mul(unit, factor);
        slopeOfRelative = f32x4.mul(slope, factor);
      }
      const epsilon = loadUpTo4(noise + row + at, left);
      const variance = f32x4.mul(priorSd, priorSd);
      let ofLoc: v128;
      let ofRelative: v128; // by the KL, besides what it does to the sample
      if (sampled) {
        const spread = f32x4.mul(f32x4.mul(relative, priorSd), epsilon);
        ofSample = f32x4.add(ofSample, f32x4.mul(ofKl, f32x4.div(f32x4.add(distance, spread), variance)));
        ofLoc = ofSample;
        ofRelative = f32x4.neg(slopeOfLog);
      } else {
        ofLoc = f32x4.add(ofSample, f32x4.mul(ofKl, f32x4.div(distance, variance)));
        ofRelative = f32x4.sub(f32x4.mul(relative, slopeOfRelative), slopeOfLog);
      }
      storeUpTo4(dHead + rawLocs + at, ofLoc, left);
      const ofScale = f32x4.mul(f32x4.mul(ofSample, epsilon), f32x4.mul(priorSd, slopeOfRelative));
      storeUpTo4(dHead + rawScales + at, f32x4.add(ofScale, f32x4.mul(ofKl, ofRelative)), left);
    }
  }
}
