// Matrix product C[M,N] = init + op(A) op(B), float32, row-major, for the shapes of a dense layer and its gradients.
//
//   A  [M,K], or stored [K,M] when transposeA          B  [K,N], or stored [N,K] when transposeB
//   init  0, or a row of N values added to every row of C (a bias), or C itself (accumulate)
//
// Eight columns of B at a time are copied into a panel [K,8] that stays in the first-level cache; every four rows of A
// then meet it in a tile of 4 x 8 sums held in registers. 4 x 8 is what fits: V8 puts all loads of a loop body before
// its arithmetic, so the 8 sums, 2 + 4 operands and 1 temporary take the 15 registers it allocates; larger tiles spill
// and run at half the speed, and so does a loop body unrolled by hand (V8 unrolls this one itself, four times).
//
// Each element of C is summed over k in one order that depends on K only: not on M or N, nor on its place in the tile.
// So an image gets the same numbers whatever else is in its batch.
//
// Ragged edges: rows past M are read from, and written to, row M - 1 again (the same numbers twice); columns past N are
// zeros in the panel, and their tile goes through `edge`.

import { packedBytes, packPanel, packRows, TILE_COLUMNS, TILE_ROWS } from './packing';

/** The longest run of k summed in one go: a panel of 512 x 8 is 16 KiB, half of a small first-level cache. */
const BLOCK: i32 = 512;

/** Where C starts from. */
export const FROM_ZERO: i32 = 0;
export const FROM_BIAS: i32 = 1;
export const FROM_OUTPUT: i32 = 2;

const PANEL_BYTES: usize = BLOCK * TILE_COLUMNS * 4;
const EDGE_BYTES: usize = TILE_ROWS * TILE_COLUMNS * 4;

/** a * b + c: in the plain build two roundings, the same everywhere; in the relaxed one fused if the machine can. */
// @ts-ignore: decorator
@inline
export function multiplyAdd(a: v128, b: v128, c: v128): v128 {
  if (ASC_FEATURE_RELAXED_SIMD) return f32x4.relaxed_madd(a, b, c);
  return f32x4.add(c, f32x4.mul(a, b));
}

/** Bytes of scratch `gemm` needs: a panel, an edge tile, a padded row of bias, and A repacked when it is transposed. */
export function gemmScratchBytes(m: i32, n: i32, k: i32, transposeA: bool): usize {
  return PANEL_BYTES + EDGE_BYTES + biasBytes(n) + (transposeA ? packedBytes(m, k) : 0);
}

// @ts-ignore: decorator
@inline
function biasBytes(n: i32): usize {
  return (<usize>(n + TILE_COLUMNS - 1) / TILE_COLUMNS) * (TILE_COLUMNS * 4);
}

/**
 * One tile: four rows of A, each contiguous over k, times a panel. The sums start from `init`, its rows initStride
 * bytes apart; rows past `last` repeat it.
 */
function tileOfRows(
  a0: usize, a1: usize, a2: usize, a3: usize, panel: usize, kb: i32,
  init: usize, initStride: usize, last: usize, c: usize, stride: usize,
): void {
  const i1 = init + min(last, 1) * initStride;
  const i2 = init + min(last, 2) * initStride;
  const i3 = init + min(last, 3) * initStride;
  let s00 = v128.load(init), s01 = v128.load(init, 16);
  let s10 = v128.load(i1), s11 = v128.load(i1, 16);
  let s20 = v128.load(i2), s21 = v128.load(i2, 16);
  let s30 = v128.load(i3), s31 = v128.load(i3, 16);
  for (let p = 0; p < kb; p++) {
    const b0 = v128.load(panel), b1 = v128.load(panel, 16);
    const x0 = v128.load32_splat(a0), x1 = v128.load32_splat(a1);
    const x2 = v128.load32_splat(a2), x3 = v128.load32_splat(a3);
    s00 = multiplyAdd(x0, b0, s00); s01 = multiplyAdd(x0, b1, s01);
    s10 = multiplyAdd(x1, b0, s10); s11 = multiplyAdd(x1, b1, s11);
    s20 = multiplyAdd(x2, b0, s20); s21 = multiplyAdd(x2, b1, s21);
    s30 = multiplyAdd(x3, b0, s30); s31 = multiplyAdd(x3, b1, s31);
    panel += 32;
    a0 += 4; a1 += 4; a2 += 4; a3 += 4;
  }
  const c1 = c + min(last, 1) * stride;
  const c2 = c + min(last, 2) * stride;
  const c3 = c + min(last, 3) * stride;
  v128.store(c, s00); v128.store(c, s01, 16);
  v128.store(c1, s10); v128.store(c1, s11, 16);
  v128.store(c2, s20); v128.store(c2, s21, 16);
  v128.store(c3, s30); v128.store(c3, s31, 16);
}

/** The same with four rows of A interleaved: [kb,4]. */
function tileOfPacked(
  a: usize, panel: usize, kb: i32,
  init: usize, initStride: usize, last: usize, c: usize, stride: usize,
): void {
  const i1 = init + min(last, 1) * initStride;
  const i2 = init + min(last, 2) * initStride;
  const i3 = init + min(last, 3) * initStride;
  let s00 = v128.load(init), s01 = v128.load(init, 16);
  let s10 = v128.load(i1), s11 = v128.load(i1, 16);
  let s20 = v128.load(i2), s21 = v128.load(i2, 16);
  let s30 = v128.load(i3), s31 = v128.load(i3, 16);
  for (let p = 0; p < kb; p++) {
    const b0 = v128.load(panel), b1 = v128.load(panel, 16);
    const x0 = v128.load32_splat(a), x1 = v128.load32_splat(a, 4);
    const x2 = v128.load32_splat(a, 8), x3 = v128.load32_splat(a, 12);
    s00 = multiplyAdd(x0, b0, s00); s01 = multiplyAdd(x0, b1, s01);
    s10 = multiplyAdd(x1, b0, s10); s11 = multiplyAdd(x1, b1, s11);
    s20 = multiplyAdd(x2, b0, s20); s21 = multiplyAdd(x2, b1, s21);
    s30 = multiplyAdd(x3, b0, s30); s31 = multiplyAdd(x3, b1, s31);
    panel += 32;
    a += 16;
  }
  const c1 = c + min(last, 1) * stride;
  const c2 = c + min(last, 2) * stride;
  const c3 = c + min(last, 3) * stride;
  v128.store(c, s00); v128.store(c, s01, 16);
  v128.store(c1, s10); v128.store(c1, s11, 16);
  v128.store(c2, s20); v128.store(c2, s21, 16);
  v128.store(c3, s30); v128.store(c3, s31, 16);
}

/** Copies a tile's valid part between C and the edge tile. */
function copyTile(from: usize, fromStride: usize, to: usize, toStride: usize, rows: i32, columns: i32): void {
  for (let r = 0; r < rows; r++) {
    for (let q = 0; q < columns; q++) store<f32>(to + (<usize>q << 2), load<f32>(from + (<usize>q << 2)));
    from += fromStride;
    to += toStride;
  }
}

/**
 * @param a rows of A [M,K]; or, when `packed`, what `packRows` made of A stored [K,M]
 * @param from one of FROM_ZERO, FROM_BIAS (`bias` [N]), FROM_OUTPUT
 * @param scratch room as told by gemmScratchBytes; the packed A is not in it
 */
export function gemmBlocked(
  a: usize, b: usize, c: usize, m: i32, n: i32, k: i32, packed: bool, transposeB: bool,
  from: i32, bias: usize, scratch: usize,
): void {
  const panel = scratch;
  const edge = panel + PANEL_BYTES;
  const paddedBias = edge + EDGE_BYTES;
  memory.fill(edge, 0, EDGE_BYTES);
  memory.fill(paddedBias, 0, biasBytes(n));
  if (from == FROM_BIAS) memory.copy(paddedBias, bias, <usize>n << 2);
  const stride = <usize>n << 2;
  const rowBytes = <usize>k << 2;
  const blocks = max(1, (k + BLOCK - 1) / BLOCK);
  const block = max(4, (k + blocks - 1) / blocks + 3 & ~3);
  for (let j = 0; j < n; j += TILE_COLUMNS) {
    const columns = min(TILE_COLUMNS, n - j);
    const whole = columns == TILE_COLUMNS;
    for (let k0 = 0; k0 == 0 || k0 < k; k0 += block) {
      const kb = min(block, k - k0);
      packPanel(b, panel, n, k, transposeB, k0, kb, j);
      const fromRow = k0 == 0 && from != FROM_OUTPUT;
      for (let i = 0; i < m; i += TILE_ROWS) {
        const last = min(TILE_ROWS, m - i) - 1;
        const out = c + (<usize>i * n + j << 2);
        if (!whole && !fromRow) copyTile(out, stride, edge, 32, last + 1, columns);
        const tile = whole ? out : edge;
        const tileStride: usize = whole ? stride : 32;
        const init = fromRow ? paddedBias + (<usize>j << 2) : tile;
        const initStride: usize = fromRow ? 0 : tileStride;
        if (packed) {
          tileOfPacked(a + (<usize>i * k + (<usize>k0 << 2) << 2), panel, kb, init, initStride, last, tile, tileStride);
        } else {
          const a0 = a + <usize>i * rowBytes + (<usize>k0 << 2);
          const a1 = a0 + <usize>min(last, 1) * rowBytes;
          const a2 = a0 + <usize>min(last, 2) * rowBytes;
          const a3 = a0 + <usize>min(last, 3) * rowBytes;
          tileOfRows(a0, a1, a2, a3, panel, kb, init, initStride, last, tile, tileStride);
        }
        if (!whole) copyTile(edge, 32, out, stride, last + 1, columns);
      }
    }
  }
}

/** C = A B of an A that `packRows` has packed; `scratch` as gemmScratchBytes tells for an A that is not transposed. */
export function gemmOfPacked(packed: usize, b: usize, c: usize, m: i32, n: i32, k: i32, scratch: usize): void {
  gemmBlocked(packed, b, c, m, n, k, true, false, FROM_ZERO, 0, scratch);
}

/** C = op(A) op(B); `scratch` as told by gemmScratchBytes. */
export function gemm(
  a: usize, b: usize, c: usize, m: i32, n: i32, k: i32, transposeA: bool, transposeB: bool, scratch: usize,
): void {
  let rows = a;
  if (transposeA) {
    rows = scratch + gemmScratchBytes(m, n, k, false);
    packRows(a, rows, m, k, 0, k);
  }
  gemmBlocked(rows, b, c, m, n, k, transposeA, transposeB, FROM_ZERO, 0, scratch);
}
