// Copies of matrices in the order in which a product's inner loop reads them.

/** Rows and columns of a tile of the product. */
export const TILE_ROWS: i32 = 4;
export const TILE_COLUMNS: i32 = 8;

/** Bytes of a transposed A [K,M] packed by `packRows`. */
export function packedBytes(m: i32, k: i32): usize {
  return (<usize>(m + TILE_ROWS - 1) / TILE_ROWS) * (TILE_ROWS * 4) * <usize>k;
}

/** Rows r0..r3 of four floats -> their transpose, stored at `to` with `stride` bytes between columns. */
// @ts-ignore: decorator
@inline
function storeTransposed(r0: v128, r1: v128, r2: v128, r3: v128, to: usize, stride: usize): void {
  const low01 = i32x4.shuffle(r0, r1, 0, 4, 1, 5);
  const low23 = i32x4.shuffle(r2, r3, 0, 4, 1, 5);
  const high01 = i32x4.shuffle(r0, r1, 2, 6, 3, 7);
  const high23 = i32x4.shuffle(r2, r3, 2, 6, 3, 7);
  v128.store(to, i64x2.shuffle(low01, low23, 0, 2));
  v128.store(to + stride, i64x2.shuffle(low01, low23, 1, 3));
  v128.store(to + 2 * stride, i64x2.shuffle(high01, high23, 0, 2));
  v128.store(to + 3 * stride, i64x2.shuffle(high01, high23, 1, 3));
}

/** Rows of `bytes` bytes each, from where they lie `fromStride` bytes apart to where they are to lie `toStride` apart. */
export function copyRows(from: usize, fromStride: usize, to: usize, toStride: usize, rows: i32, bytes: usize): void {
  for (let r = 0; r < rows; r++) {
    memory.copy(to, from, bytes);
    from += fromStride;
    to += toStride;
  }
}

/**
 * A stored [K,M] -> groups of four of its columns, each [K,4] contiguous; columns past M repeat the last. `a` holds rows
 * [first, first + k) of all K, so that A may be packed piece by piece.
 */
export function packRows(a: usize, packed: usize, m: i32, k: i32, first: i32, all: i32): void {
  const stride = <usize>m << 2;
  for (let i = 0; i < m; i += TILE_ROWS) {
    let from = a + (<usize>i << 2);
    let to = packed + (<usize>i * all + (<usize>first << 2) << 2);
    if (i + TILE_ROWS <= m) {
      for (let p = 0; p < k; p++) {
        v128.store(to, v128.load(from));
        to += 16;
        from += stride;
      }
    } else {
      const last = m - 1 - i;
      for (let p = 0; p < k; p++) {
        for (let r = 0; r < TILE_ROWS; r++) {
          store<f32>(to + (<usize>r << 2), load<f32>(from + (<usize>min(r, last) << 2)));
        }
        to += 16;
        from += stride;
      }
    }
  }
}

/** Columns j..j+7 of op(B), k in [k0, k0 + kb) -> panel [kb,8], zeros past N. */
export function packPanel(
  b: usize, panel: usize, n: i32, k: i32, transposeB: bool, k0: i32, kb: i32, j: i32,
): void {
  const columns = min(TILE_COLUMNS, n - j);
  if (!transposeB) {
    const stride = <usize>n << 2;
    let from = b + (<usize>k0 * n + j << 2);
    if (columns == TILE_COLUMNS) {
      for (let p = 0; p < kb; p++) {
        v128.store(panel, v128.load(from));
        v128.store(panel, v128.load(from, 16), 16);
        panel += 32;
        from += stride;
      }
    } else {
      for (let p = 0; p < kb; p++) {
        for (let c = 0; c < TILE_COLUMNS; c++) {
          store<f32>(panel + (<usize>c << 2), c < columns ? load<f32>(from + (<usize>c << 2)) : 0);
        }
        panel += 32;
        from += stride;
      }
    }
    return;
  }
  const stride = <usize>k << 2;
  const start = b + (<usize>j * k + k0 << 2);
  for (let c = 0; c < TILE_COLUMNS; c += 4) {
    let to = panel + (<usize>c << 2);
    if (c + 4 <= columns) {
      let from0 = start + <usize>c * stride;
      let from1 = from0 + stride;
      let from2 = from1 + stride;
      let from3 = from2 + stride;
      let p = 0;
      for (; p + 4 <= kb; p += 4) {
        storeTransposed(v128.load(from0), v128.load(from1), v128.load(from2), v128.load(from3), to, 32);
        to += 128;
        from0 += 16;
        from1 += 16;
        from2 += 16;
        from3 += 16;
      }
      for (; p < kb; p++) {
        store<f32>(to, load<f32>(from0));
        store<f32>(to, load<f32>(from1), 4);
        store<f32>(to, load<f32>(from2), 8);
        store<f32>(to, load<f32>(from3), 12);
        to += 32;
        from0 += 4;
        from1 += 4;
        from2 += 4;
        from3 += 4;
      }
    } else {
      for (let p = 0; p < kb; p++) {
        for (let q = 0; q < 4; q++) {
          const value = c + q < columns ? load<f32>(start + <usize>(c + q) * stride + (<usize>p << 2)) : 0;
          store<f32>(to + (<usize>q << 2), value);
        }
        to += 32;
      }
    }
  }
}
