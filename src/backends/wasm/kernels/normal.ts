// A diagonal normal read off a network's output: the draw, its KL from the prior, and the gradient.
//
//   head [B, offset + 2D]: D raw locations at `offset`, then D raw scales
//   loc = raw + prior loc, scale = sp prior scale, sp = softplus(raw scale), sample = loc + scale noise
//   kl = sum over D of -log sp + (sp^2 + (raw / prior scale)^2) / 2 - 1/2
import { keepUpTo4, loadUpTo4, log4, sigmoid4, softplus4, storeUpTo4, sumLanes } from './vector';

/** Below this, softplus(x) = e^x to float32's last digit, so log softplus(x) = x and sigmoid / softplus = 1. */
const VERY_NEGATIVE: f32 = -15;

export function normalHead(
  head: usize, noise: usize, priorLoc: usize, priorScale: usize,
  sample: usize, loc: usize, scale: usize, kl: usize, batch: i32, size: i32, offset: i32,
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
      const raw = loadUpTo4(rawLocs + at, left);
      const rawScale = loadUpTo4(rawScales + at, left);
      const priorSd = loadUpTo4(priorScale + at, left);
      const unit = softplus4(rawScale);
      const location = f32x4.add(raw, loadUpTo4(priorLoc + at, left));
      const sd = f32x4.mul(unit, priorSd);
      storeUpTo4(loc + row + at, location, left);
      storeUpTo4(scale + row + at, sd, left);
      const moved = f32x4.add(location, f32x4.mul(sd, loadUpTo4(noise + row + at, left)));
      storeUpTo4(sample + row + at, moved, left);
      const isSmall = f32x4.lt(rawScale, f32x4.splat(VERY_NEGATIVE));
      const logUnit = v128.bitselect(rawScale, log4(unit), isSmall);
      const distance = f32x4.div(raw, priorSd);
      const squares = f32x4.add(f32x4.mul(unit, unit), f32x4.mul(distance, distance));
      const term = f32x4.sub(f32x4.sub(f32x4.mul(squares, half), half), logUnit);
      total = f32x4.add(total, keepUpTo4(term, left));
    }
    store<f32>(kl + (<usize>b << 2), sumLanes(total));
  }
}

/**
 * Gradients of the sample [B,D] and kl [B] -> dHead, which begins with dBefore [B, offset].
 * @param dSample1,dSample2 further parts of the gradient of the sample, or 0
 */
export function normalHeadGrad(
  dSample0: usize, dSample1: usize, dSample2: usize, dKl: usize, dBefore: usize,
  head: usize, noise: usize, priorScale: usize, dHead: usize, batch: i32, size: i32, offset: i32,
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
      const raw = loadUpTo4(head + rawLocs + at, left);
      const rawScale = loadUpTo4(head + rawScales + at, left);
      const priorSd = loadUpTo4(priorScale + at, left);
      let ofSample = loadUpTo4(dSample0 + row + at, left);
      if (dSample1) ofSample = f32x4.add(ofSample, loadUpTo4(dSample1 + row + at, left));
      if (dSample2) ofSample = f32x4.add(ofSample, loadUpTo4(dSample2 + row + at, left));
      const unit = softplus4(rawScale);
      const slope = sigmoid4(rawScale);
      const isSmall = f32x4.lt(rawScale, f32x4.splat(VERY_NEGATIVE));
      const slopeOfLog = v128.bitselect(f32x4.splat(1), f32x4.div(slope, unit), isSmall);

      const pull = f32x4.mul(ofKl, f32x4.div(raw, f32x4.mul(priorSd, priorSd)));
      storeUpTo4(dHead + rawLocs + at, f32x4.add(ofSample, pull), left);

      const noisy = f32x4.mul(ofSample, loadUpTo4(noise + row + at, left));
      const ofScale = f32x4.mul(noisy, f32x4.mul(priorSd, slope));
      const spread = f32x4.mul(ofKl, f32x4.sub(f32x4.mul(unit, slope), slopeOfLog));
      storeUpTo4(dHead + rawScales + at, f32x4.add(ofScale, spread), left);
    }
  }
}
