/**
 * Matrix products, tile by tile, with whatever stands before and behind them: where operands are read from, and what becomes of a
 * sum, is the business of who asks. tfjs's own have neither two products in one nor the gradient of an activation.
 */
import type * as tf from '@tensorflow/tfjs';
import type { Gpu, Named, Shader } from './gpu.js';

export type Product = Pick<Shader, 'reads' | 'writes' | 'counts' | 'numbers'> & {
  /** [rows, inner] times [inner, columns] */
  rows: number;
  inner: number;
  columns: number;
  /**
   * WGSL: `fn a(row : i32, k : i32) -> f32`, `fn b(k : i32, column : i32) -> f32`, and `fn put(row : i32, column : i32, sum : f32)`;
   * none is called beyond the sizes, which are uniforms of these names.
   */
  code: string;
  /** Along which of its axes an operand lies in memory: neighbours there are read by neighbours. */
  aAlong: 'row' | 'k';
  bAlong: 'k' | 'column';
  /** WGSL: `fn putRow(row : i32, sum : f32)`, for the sums of the rows of `a`. */
  wantsRowSums?: boolean;
};

/** A workgroup is so many threads wide and high. */
const SIDE = 16;

/** At least so many workgroups, as large GPUs have processors; while there are more, each takes a larger tile. */
const ENOUGH_GROUPS = 128;

export function multiply(gpu: Gpu, product: Product): tf.TensorInfo[] {
  const { reads, writes, rows, inner, columns, counts, numbers } = product;
  const groups = (per: number) => ({
    columns: Math.ceil(columns / (SIDE * per)),
    rows: Math.ceil(rows / (SIDE * per)),
  });
  const isEnough = (per: number) => groups(per).columns * groups(per).rows >= ENOUGH_GROUPS;
  const per = [4, 2].find(isEnough) ?? 1;
  const sizes: Named<number> = { rows, inner, columns };
  const code = product.code + tiles(per, product);
  return gpu.run({
    reads,
    writes,
    counts: { ...sizes, ...counts },
    numbers: numbers ?? {},
    code,
    threads: groups(per),
  });
}

const times = (count: number, line: (i: number) => string): string =>
  Array.from({ length: count }, (_, i) => line(i)).join('\n');

/** Each thread sums up `per` x `per` products, so many rows and columns apart as a workgroup is high and wide. */
function tiles(per: number, { aAlong, bAlong, wantsRowSums = false }: Product): string {
  const side = SIDE * per;
  const depth = per === 1 ? 32 : 16;
  const stride = side + 1; // tiles are read across: with one more, neighbours are in different banks
  const loads = (side * depth) / (SIDE * SIDE);
  const square = (line: (r: number, c: number) => string) => times(per, (r) => times(per, (c) => line(r, c)));
  const place = (along: boolean) =>
    along ? `let k = i % ${depth}; let at = i / ${depth};` : `let k = i / ${side}; let at = i % ${side};`;
  return `
  var<workgroup> tileA : array<f32, ${depth * stride}>;
  var<workgroup> tileB : array<f32, ${depth * stride}>;

  fn main() {
    let thread = i32(localIndex);
    let firstRow = i32(workgroupId.y) * ${side};
    let firstColumn = i32(workgroupId.x) * ${side};
    let x = thread % ${SIDE};
    let y = thread / ${SIDE};
    ${square((r, c) => `var sum${r}_${c} = 0.0;`)}
    ${wantsRowSums ? 'var rowSum = 0.0;' : ''}
    for (var start = 0; start < uniforms.inner; start = start + ${depth}) {
      for (var load = 0; load < ${loads}; load = load + 1) {
        let i = thread + load * ${SIDE * SIDE};
        {
          ${place(aAlong === 'k')}
          var value = 0.0;
          if (firstRow + at < uniforms.rows && start + k < uniforms.inner) { value = a(firstRow + at, start + k); }
          tileA[k * ${stride} + at] = value;
        }
        {
          ${place(bAlong === 'k')}
          var value = 0.0;
          if (firstColumn + at < uniforms.columns && start + k < uniforms.inner) { value = b(start + k, firstColumn + at); }
          tileB[k * ${stride} + at] = value;
        }
      }
      workgroupBarrier();
      for (var k = 0; k < ${depth}; k = k + 1) {
        ${times(per, (r) => `let a${r} = tileA[k * ${stride} + y + ${r * SIDE}];`)}
        ${times(per, (c) => `let b${c} = tileB[k * ${stride} + x + ${c * SIDE}];`)}
        ${square((r, c) => `sum${r}_${c} = sum${r}_${c} + a${r} * b${c};`)}
      }
      ${wantsRowSums ? `if (workgroupId.x == 0u && thread < ${side}) { ${rowSum(depth, stride)} }` : ''}
      workgroupBarrier();
    }
    ${square((r, c) => putIfInside(`firstRow + y + ${r * SIDE}`, `firstColumn + x + ${c * SIDE}`, `sum${r}_${c}`))}
    ${wantsRowSums ? `if (workgroupId.x == 0u && thread < ${side} && firstRow + thread < uniforms.rows) { putRow(firstRow + thread, rowSum); }` : ''}
  }`;
}

const rowSum = (depth: number, stride: number): string =>
  `for (var k = 0; k < ${depth}; k = k + 1) { rowSum = rowSum + tileA[k * ${stride} + thread]; }`;

const putIfInside = (row: string, column: string, sum: string): string =>
  `if (${row} < uniforms.rows && ${column} < uniforms.columns) { put(${row}, ${column}, ${sum}); }`;
