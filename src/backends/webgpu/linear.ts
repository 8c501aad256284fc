/** Perceptrons in WGSL: a product a layer, with what comes before and after it. */
import type * as tf from '@tensorflow/tfjs';
import { listed } from '../../core/ops/op.js';
import { SIGMOID, SOFTPLUS } from './functions.js';
import { BUFFERS_ANYWHERE, type Gpu, type Inputs, type Named, sizeOf, type WebgpuKernel } from './gpu.js';
import { multiply } from './product.js';
import { stacked } from './stack.js';

type Activation = {
  /** WGSL, where it takes more than an expression. */
  functions: string;
  /** Of x. */
  of: string;
  /** Of dy, the gradient by the output y. */
  grad: string;
};

/** NaN stays NaN: a comparison with it is false. */
const ACTIVATIONS: { readonly [name: string]: Activation } = {
  linear: { functions: '', of: 'x', grad: 'dy' },
  relu: { functions: '', of: 'select(x, 0.0, x < 0.0)', grad: 'select(0.0, dy, y > 0.0)' },
  elu: {
    functions: '',
    of: 'select(x, exp(min(x, 0.0)) - 1.0, x < 0.0)',
    grad: 'select(dy, dy * (y + 1.0), y < 0.0)',
  },
  softplus: { functions: SOFTPLUS, of: 'softplus(x)', grad: 'dy * (1.0 - exp(-y))' },
  sigmoid: { functions: SIGMOID, of: 'sigmoid(x)', grad: 'dy * (y * (1.0 - y))' },
};

/** Whether the kernels of perceptrons know the activations of their layers. */
export function hasActivations({ hidden, output }: tf.NamedAttrMap): boolean {
  return String(hidden) in ACTIVATIONS && String(output) in ACTIVATIONS;
}

/** x [B, any], weight [O, the same], bias [O] -> activation(x weight^T + bias + shift) [B, O] */
function layer(gpu: Gpu, { x, weight, bias }: Inputs, activation: Activation, shift: number): tf.TensorInfo {
  const [columns, inner] = weight.shape;
  const rows = sizeOf(x) / inner;
  const code = `
  ${activation.functions}
  fn activation(x : f32) -> f32 { return ${activation.of}; }
  fn a(row : i32, k : i32) -> f32 { return x[row * uniforms.inner + k]; }
  fn b(k : i32, column : i32) -> f32 { return weight[column * uniforms.inner + k]; }
  fn put(row : i32, column : i32, sum : f32) {
    y[row * uniforms.columns + column] = activation(sum + (bias[column] + uniforms.shift));
  }`;
  const [y] = multiply(gpu, {
    ...{ reads: { x, weight, bias }, writes: { y: [rows, columns] }, numbers: { shift } },
    ...{ rows, inner, columns, code, aAlong: 'k', bAlong: 'k' },
  });
  return y;
}

export const airMlp: WebgpuKernel = (gpu, inputs, { hidden, output, shift }) => {
  const [weights, biases] = [listed<tf.TensorInfo>(inputs, 'weight'), listed<tf.TensorInfo>(inputs, 'bias')];
  let { x } = inputs;
  return weights.map((weight, i) => {
    const isLast = i === weights.length - 1;
    const activation = ACTIVATIONS[String(isLast ? output : hidden)];
    x = layer(gpu, { x, weight, bias: biases[i] }, activation, isLast ? Number(shift) : 0);
    return x;
  });
};

/** dy and y of one shape -> the gradient before the activation. */
function activationGrad(gpu: Gpu, dy: tf.TensorInfo, y: tf.TensorInfo, activation: Activation): tf.TensorInfo {
  if (activation === ACTIVATIONS.linear) return gpu.share(dy);
  const code = `
  fn slope(dy : f32, y : f32) -> f32 { return ${activation.grad}; }
  fn main(index : i32) {
    if (index < uniforms.count) { dPre[index] = slope(dOut[index], out[index]); }
  }`;
  const count = sizeOf(dy);
  const [dPre] = gpu.run({
    ...{ reads: { dOut: dy, out: y }, writes: { dPre: dy.shape } },
    ...{ counts: { count }, code, threads: count },
  });
  return dPre;
}

/** d [B, O], weight [O, I] -> d weight [B, I], before the activation of the layer that made y, if there is one. */
function throughLayer(
  gpu: Gpu,
  { d, weight, y }: { d: tf.TensorInfo; weight: tf.TensorInfo; y?: tf.TensorInfo | undefined },
  activation: Activation,
): tf.TensorInfo {
  const rows = d.shape[0];
  const [inner, columns] = weight.shape;
  // the gradient of a linear layer does not look at y, which then is not bound
  const looks = y !== undefined && activation !== ACTIVATIONS.linear;
  const code = `
  fn slope(dy : f32, y : f32) -> f32 { return ${looks ? activation.grad : 'dy'}; }
  fn a(row : i32, k : i32) -> f32 { return d[row * uniforms.inner + k]; }
  fn b(k : i32, column : i32) -> f32 { return weight[k * uniforms.columns + column]; }
  fn put(row : i32, column : i32, sum : f32) {
    let at = row * uniforms.columns + column;
    dPre[at] = slope(sum, ${looks ? 'before[at]' : '0.0'});
  }`;
  const [dPre] = multiply(gpu, {
    ...{ reads: { d, weight, ...(looks ? { before: y } : {}) }, writes: { dPre: [rows, columns] } },
    ...{ rows, inner, columns, code, aAlong: 'k', bAlong: 'column' },
  });
  return dPre;
}

export const airMlpGrad: WebgpuKernel = (gpu, inputs, { hidden, output, wantsDx }) => {
  const [ys, weights] = [listed<tf.TensorInfo>(inputs, 'y'), listed<tf.TensorInfo>(inputs, 'weight')];
  const last = ys.length - 1;
  const dPres: tf.TensorInfo[] = [];
  dPres[last] = activationGrad(gpu, inputs.dy, ys[last], ACTIVATIONS[String(output)]);
  const inside = ACTIVATIONS[String(hidden)];
  for (let i = last; i > 0; i--)
    dPres[i - 1] = throughLayer(gpu, { d: dPres[i], weight: weights[i], y: ys[i - 1] }, inside);
  if (wantsDx !== true) return dPres;
  return [...dPres, throughLayer(gpu, { d: dPres[0], weight: weights[0] }, ACTIVATIONS.linear)];
};

/** So many uses of a layer are read where they are: beside them, the shader writes two tensors. */
const MOST_USES = (BUFFERS_ANYWHERE - 2) / 2;

/** NAME0, NAME1, ... of `batch` rows each as one matrix: WGSL that reads it. */
function readStack(name: string, width: string, uses: number): string {
  const parts = Array.from({ length: uses }, (_, t) => {
    const here = `${name}${t}[(k - ${t} * uniforms.batch) * ${width} + column]`;
    return t === uses - 1 ? `return ${here};` : `if (k < ${t + 1} * uniforms.batch) { return ${here}; }`;
  });
  return `fn ${name}At(k : i32, column : i32) -> f32 { ${parts.join(' ')} }`;
}

export const airLinearGrad: WebgpuKernel = (gpu, inputs) => {
  const given = { d: listed<tf.TensorInfo>(inputs, 'd'), x: listed<tf.TensorInfo>(inputs, 'x') };
  const [steps, batch, rows] = [given.d.length, ...given.d[0].shape];
  const columns = sizeOf(given.x[0]) / batch;
  const isLong = steps > MOST_USES;
  const ds = isLong ? [stacked(gpu, given.d)] : given.d;
  const xs = isLong ? [stacked(gpu, given.x)] : given.x;
  const reads: Named<tf.TensorInfo> = Object.fromEntries([
    ...ds.map((d, t) => [`d${t}`, d] as const),
    ...xs.map((x, t) => [`x${t}`, x] as const),
  ]);
  const code = `
  ${readStack('d', 'uniforms.rows', ds.length)}
  ${readStack('x', 'uniforms.columns', xs.length)}
  fn a(row : i32, k : i32) -> f32 { return dAt(k, row); }
  fn b(k : i32, column : i32) -> f32 { return xAt(k, column); }
  fn put(row : i32, column : i32, sum : f32) { dWeight[row * uniforms.columns + column] = sum; }
  fn putRow(row : i32, sum : f32) { dBias[row] = sum; }`;
  const out = multiply(gpu, {
    ...{
      reads,
      writes: { dWeight: [rows, columns], dBias: [rows] },
      counts: { batch: isLong ? steps * batch : batch },
    },
    ...{ rows, inner: steps * batch, columns, code, aAlong: 'row', bAlong: 'column', wantsRowSums: true },
  });
  if (isLong) for (const joined of [...ds, ...xs]) gpu.release(joined);
  return out;
};
