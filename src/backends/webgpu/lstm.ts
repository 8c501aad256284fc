/** The LSTM cell in WGSL. */
import type * as tf from '@tensorflow/tfjs';
import { listed } from '../../core/ops/op.js';
import { SIGMOID, TANH } from './functions.js';
import { BUFFERS_ANYWHERE, type Gpu, type Inputs, type Named, sizeOf, type WebgpuKernel } from './gpu.js';
import { multiply } from './product.js';
import { atMost, numberedReads, sideBySide } from './stack.js';

/** x [B, I] and h [B, H] -> gates [B, 4H] after their sigmoids and tanh, in one product: [x, h] times both weights. */
function gatesOf(gpu: Gpu, inputs: Inputs): tf.TensorInfo {
  const { x, h, weightIh, weightHh, biasIh, biasHh, start } = inputs;
  const [rows, hidden] = h.shape;
  const [columns, width] = weightIh.shape;
  const code = `
  ${SIGMOID}
  ${TANH}
  fn a(row : i32, k : i32) -> f32 {
    if (k < uniforms.width) { return x[row * uniforms.width + k]; }
    return h[row * uniforms.hidden + k - uniforms.width];
  }
  fn b(k : i32, column : i32) -> f32 {
    if (k < uniforms.width) { return weightIh[column * uniforms.width + k]; }
    return weightHh[column * uniforms.hidden + k - uniforms.width];
  }
  fn put(row : i32, column : i32, sum : f32) {
    let at = row * uniforms.columns + column;
    let pre = sum + ${start === undefined ? '(biasIh[column] + biasHh[column])' : 'start[at]'};
    if (column / uniforms.hidden == 2) { gates[at] = tangent(pre); } else { gates[at] = sigmoid(pre); }
  }`;
  const constant: Named<tf.TensorInfo> = start === undefined ? { biasIh, biasHh } : { start };
  const [gates] = multiply(gpu, {
    ...{ reads: { x, h, weightIh, weightHh, ...constant }, writes: { gates: [rows, columns] } },
    ...{ rows, inner: width + hidden, columns, counts: { width, hidden }, code, aAlong: 'k', bAlong: 'k' },
  });
  return gates;
}

const CELL = `
  ${TANH}
  fn main(index : i32) {
    if (index < uniforms.count) {
      let hidden = uniforms.hidden;
      let at = (index / hidden) * 4 * hidden + index % hidden;
      let cell = gates[at + hidden] * c[index] + gates[at] * gates[at + 2 * hidden];
      cNext[index] = cell;
      hNext[index] = gates[at + 3 * hidden] * tangent(cell);
    }
  }`;

export const airLstmCell: WebgpuKernel = (gpu, inputs) => {
  const { h, c } = inputs;
  const [batch, hidden] = h.shape;
  const parts = listed<tf.TensorInfo>(inputs, 'x');
  const x = parts.length === 1 ? gpu.share(parts[0]) : sideBySide(gpu, parts, batch);
  const gates = gatesOf(gpu, { ...inputs, x });
  const count = sizeOf(h);
  const [hNext, cNext] = gpu.run({
    ...{ reads: { gates, c }, writes: { hNext: h.shape, cNext: h.shape } },
    ...{ counts: { count, hidden }, code: CELL, threads: count },
  });
  return [hNext, cNext, gates, x];
};

/** Parts of the input whose gradients the shader can write at once. */
const MOST_PARTS = BUFFERS_ANYWHERE - 4;

/** Whether `airLstmCellGrad` can write the gradients by so many parts. */
export function hasRoomForParts({ sizes }: tf.NamedAttrMap): boolean {
  return (sizes as number[]).length <= MOST_PARTS;
}

/** Uses of h whose gradients are read where they are. */
const MOST_USES = 2;

/** Gradients by the gates before their sigmoids and tanh, [B, 4H], and by the state c before. */
function gatesGrad(gpu: Gpu, inputs: Inputs): [dPre: tf.TensorInfo, dcBefore: tf.TensorInfo] {
  const { dc, gates, c, cNext } = inputs;
  const uses = atMost(gpu, MOST_USES, listed<tf.TensorInfo>(inputs, 'dh'));
  const code = `
  ${TANH}
  fn main(index : i32) {
    if (index < uniforms.count) {
      let hidden = uniforms.hidden;
      let at = (index / hidden) * 4 * hidden + index % hidden;
      let i = gates[at];
      let f = gates[at + hidden];
      let g = gates[at + 2 * hidden];
      let o = gates[at + 3 * hidden];
      let t = tangent(cNext[index]);
      let d = ${uses.tensors.map((_, use) => `dh${use}[index]`).join(' + ')};
      let all = ${dc === undefined ? '' : 'dc[index] + '}d * o * (1.0 - t * t);
      dPre[at] = all * g * (i * (1.0 - i));
      dPre[at + hidden] = all * c[index] * (f * (1.0 - f));
      dPre[at + 2 * hidden] = all * i * (1.0 - g * g);
      dPre[at + 3 * hidden] = d * t * (o * (1.0 - o));
      dcBefore[index] = all * f;
    }
  }`;
  const count = sizeOf(c);
  const later: Named<tf.TensorInfo> = dc === undefined ? {} : { dc };
  const [dPre, dcBefore] = gpu.run({
    reads: { ...numberedReads('dh', uses.tensors), ...later, gates, c, cNext },
    writes: { dPre: gates.shape, dcBefore: c.shape },
    ...{ counts: { count, hidden: c.shape[1] }, code, threads: count },
  });
  for (const own of uses.own) gpu.release(own);
  return [dPre, dcBefore];
}

export const airLstmCellGrad: WebgpuKernel = (gpu, inputs, attrs) => {
  const { c, weightIh, weightHh } = inputs;
  const [rows, hidden] = c.shape;
  const [inner, width] = weightIh.shape;
  const sizes = attrs.sizes as number[];
  const [dPre, dcBefore] = gatesGrad(gpu, inputs);
  // dPre times both weights in one product: columns of h first, then those of the parts that are asked for
  const begins = sizes.map((_, i) => sizes.slice(0, i).reduce((sum, size) => sum + size, hidden));
  const columns = sizes.reduce((sum, size) => sum + size, hidden);
  const putPart = sizes.map(
    (_, i) => `if (column < uniforms.begin${i} + uniforms.size${i}) {
      part${i}[row * uniforms.size${i} + column - uniforms.begin${i}] = sum; return; }`,
  );
  const ofParts = sizes.length === 0 ? '' : 'return weightIh[k * uniforms.width + column - uniforms.hidden];';
  const code = `
  fn a(row : i32, k : i32) -> f32 { return dPre[row * uniforms.inner + k]; }
  fn b(k : i32, column : i32) -> f32 {
    ${ofParts === '' ? '' : `if (column >= uniforms.hidden) { ${ofParts} }`}
    return weightHh[k * uniforms.hidden + column];
  }
  fn put(row : i32, column : i32, sum : f32) {
    if (column < uniforms.hidden) { dh[row * uniforms.hidden + column] = sum; return; }
    ${putPart.join('\n')}
  }`;
  const [dh, ...parts] = multiply(gpu, {
    reads: { dPre, weightHh, ...(sizes.length === 0 ? {} : { weightIh }) },
    writes: { dh: c.shape, ...Object.fromEntries(sizes.map((size, i) => [`part${i}`, [rows, size]])) },
    counts: {
      ...{ width, hidden },
      ...Object.fromEntries(
        sizes.flatMap((size, i) => [[`size${i}`, size] as const, [`begin${i}`, begins[i]] as const]),
      ),
    },
    ...{ rows, inner, columns, code, aAlong: 'k', bAlong: 'column' },
  });
  return [dPre, dh, dcBefore, ...parts];
};
