// One step of an LSTM, gates in the order i, f, g, o: c' = f c + i g, h' = o tanh(c').
import { FROM_BIAS, FROM_OUTPUT, gemmBlocked, gemmScratchBytes } from './gemm';
import { FORGOTTEN, gate4, loadUpTo4, storeUpTo4, tanh4, vanishBelow } from './vector';

/** Bytes of scratch for `lstmCell`: that of its products, and a row of the sum of both biases. */
export function lstmScratchBytes(batch: i32, inputs: i32, hidden: i32): usize {
  return gemmScratchBytes(batch, 4 * hidden, max(inputs, hidden), false) + (<usize>hidden << 4);
}

/**
 * x [B,I], h and c [B,H], weights [4H,I] and [4H,H], biases [4H], or in their place `start` [B,4H], if it is not 0 -> next h and c [B,H], and the gates [B,4H] after
 * their sigmoids and tanh.
 */
export function lstmCell(
  x: usize, h: usize, c: usize, weightIh: usize, weightHh: usize, biasIh: usize, biasHh: usize, start: usize,
  hNext: usize, cNext: usize, gates: usize, batch: i32, inputs: i32, hidden: i32, scratch: usize,
): void {
  const width = 4 * hidden;
  if (start) {
    memory.copy(gates, start, <usize>(batch * width) << 2);
    gemmBlocked(x, weightIh, gates, batch, width, inputs, false, true, FROM_OUTPUT, 0, scratch);
  } else {
    const bias = scratch + gemmScratchBytes(batch, width, max(inputs, hidden), false);
    for (let j = 0; j < width; j += 4) {
      const at = <usize>j << 2;
      v128.store(bias + at, f32x4.add(v128.load(biasIh + at), v128.load(biasHh + at)));
    }
    gemmBlocked(x, weightIh, gates, batch, width, inputs, false, true, FROM_BIAS, bias, scratch);
  }
  gemmBlocked(h, weightHh, gates, batch, width, hidden, false, true, FROM_OUTPUT, 0, scratch);
  const row = <usize>hidden << 2;
  for (let b = 0; b < batch; b++) {
    const gate = gates + <usize>b * 4 * row;
    const at = <usize>b * row;
    for (let j = 0; j < hidden; j += 4) {
      const left = hidden - j;
      const offset = <usize>j << 2;
      const iAt = gate + offset;
      const fAt = iAt + row;
      const gAt = fAt + row;
      const oAt = gAt + row;
      const i = gate4(loadUpTo4(iAt, left));
      const g = tanh4(loadUpTo4(gAt, left));
      const kept = f32x4.mul(i, g);
      storeUpTo4(iAt, i, left);
      storeUpTo4(gAt, g, left);
      const f = gate4(loadUpTo4(fAt, left));
      storeUpTo4(fAt, f, left);
      const next = f32x4.add(f32x4.mul(f, loadUpTo4(c + at + offset, left)), kept);
      storeUpTo4(cNext + at + offset, next, left);
      const o = gate4(loadUpTo4(oAt, left));
      storeUpTo4(oAt, o, left);
      storeUpTo4(hNext + at + offset, f32x4.mul(o, tanh4(next)), left);
    }
  }
}

/**
 * dh, dc of the next state -> dPre [B,4H] of the gates before their sigmoids and tanh, and dc of the state before.
 * @param dhMore a second part of dh, or 0  @param dc 0 where there is none
 */
export function lstmCellGrad(
  dh: usize, dhMore: usize, dc: usize, gates: usize, c: usize, cNext: usize,
  dPre: usize, dcPrevious: usize, batch: i32, hidden: i32,
): void {
  const one = f32x4.splat(1);
  const row = <usize>hidden << 2;
  for (let b = 0; b < batch; b++) {
    const wide = <usize>b * 4 * row;
    const narrow = <usize>b * row;
    for (let j = 0; j < hidden; j += 4) {
      const left = hidden - j;
      const offset = <usize>j << 2;
      const at = narrow + offset;
      const gate = gates + wide + offset;
      const out = dPre + wide + offset;
      const i = loadUpTo4(gate, left);
      const f = loadUpTo4(gate + row, left);
      const g = loadUpTo4(gate + 2 * row, left);
      const o = loadUpTo4(gate + 3 * row, left);
      const t = tanh4(loadUpTo4(cNext + at, left));
      let d = loadUpTo4(dh + at, left);
      if (dhMore) d = f32x4.add(d, loadUpTo4(dhMore + at, left));
      let total = f32x4.mul(f32x4.mul(d, o), f32x4.sub(one, f32x4.mul(t, t)));
      if (dc) total = f32x4.add(loadUpTo4(dc + at, left), total);
      const dI = f32x4.mul(f32x4.mul(total, g), f32x4.mul(i, f32x4.sub(one, i)));
      const dF = f32x4.mul(f32x4.mul(total, loadUpTo4(c + at, left)), f32x4.mul(f, f32x4.sub(one, f)));
      const dG = f32x4.mul(f32x4.mul(total, i), f32x4.sub(one, f32x4.mul(g, g)));
      const dO = f32x4.mul(f32x4.mul(d, t), f32x4.mul(o, f32x4.sub(one, o)));
      // behind gates that are shut, object after object, less and less is left
      storeUpTo4(out, vanishBelow(dI, FORGOTTEN), left);
      storeUpTo4(out + row, vanishBelow(dF, FORGOTTEN), left);
      storeUpTo4(out + 2 * row, vanishBelow(dG, FORGOTTEN), left);
      storeUpTo4(out + 3 * row, vanishBelow(dO, FORGOTTEN), left);
      storeUpTo4(dcPrevious + at, vanishBelow(f32x4.mul(total, f), FORGOTTEN), left);
    }
  }
}
