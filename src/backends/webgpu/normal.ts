/** Normals read off a network, in WGSL. */
import type * as tf from '@tensorflow/tfjs';
import { listed } from '../../core/ops/op.js';
import { groupSum, SIGMOID, SOFTPLUS } from './functions.js';
import { type Gpu, type Inputs, type Named, sizeOf, type WebgpuKernel } from './gpu.js';
import { atMost, sideBySide } from './stack.js';

/** The prior, and where the head begins relative to it: tensors to bind, and WGSL by which they are read. */
type Base = { reads: Named<tf.TensorInfo>; code: string; hasBase: boolean; own: tf.TensorInfo[] };

/** Four small tensors would take too many buffers: where there is a base, they are one. */
function baseOf(gpu: Gpu, { priorLoc, priorScale, shift, ratio }: Inputs, wantsLoc: boolean): Base {
  if (shift === undefined) {
    const code = `
    ${wantsLoc ? 'fn priorLocAt(d : i32) -> f32 { return priorLoc[d]; }' : ''}
    fn priorScaleAt(d : i32) -> f32 { return priorScale[d]; }`;
    return { reads: { ...(wantsLoc ? { priorLoc } : {}), priorScale }, code, hasBase: false, own: [] };
  }
  const base = sideBySide(gpu, [priorLoc, priorScale, shift, ratio], 1);
  const columns = ['priorLoc', 'priorScale', 'shift', 'ratio'];
  const code = columns.map((name, i) => `fn ${name}At(d : i32) -> f32 { return base[${i} * uniforms.size + d]; }`);
  return { reads: { base }, code: code.join('\n'), hasBase: true, own: [base] };
}

/** WGSL: what a head says of dimension d of row b, `distance` from the prior's mean and scale `relative` to the prior's. */
function readNormal(hasBase: boolean): string {
  return `
      let at = b * (uniforms.offset + 2 * uniforms.size) + uniforms.offset + d;
      let distance = head[at]${hasBase ? ' + shiftAt(d)' : ''};
      let raw = head[at + uniforms.size];
      let unit = softplus(raw);
      let relative = unit${hasBase ? ' * ratioAt(d)' : ''};`;
}

/** Below this, softplus(x) = e^x to float32's last digit, so log softplus(x) = x and sigmoid / softplus = 1. */
const VERY_NEGATIVE = '-15.0';

/** An image each; as many threads as there may be dimensions, about. */
const HEAD_THREADS = 32;

export const airNormalHead: WebgpuKernel = (gpu, inputs, attrs) => {
  const { head, noise } = inputs;
  const [batch, size] = noise.shape;
  const { reads, code: base, hasBase, own } = baseOf(gpu, inputs, true);
  const twice = attrs.klKind === 'sampled' ? 'far * far - epsilon * epsilon' : 'relative * relative + far * far - 1.0';
  const far = attrs.klKind === 'sampled' ? '(distance + spread)' : 'distance';
  const code = `
  ${SOFTPLUS}
  ${groupSum(HEAD_THREADS)}
  ${base}
  fn main(index : i32) {
    let b = index / ${HEAD_THREADS};
    var ofThread = 0.0;
    if (b < uniforms.batch) {
      for (var d = index % ${HEAD_THREADS}; d < uniforms.size; d = d + ${HEAD_THREADS}) {
      ${readNormal(hasBase)}
      let location = distance + priorLocAt(d);
      let deviation = relative * priorScaleAt(d);
      let epsilon = noise[b * uniforms.size + d];
      let spread = deviation * epsilon;
      let far = ${far} / priorScaleAt(d);
      let logRelative = select(log(unit), raw, raw < ${VERY_NEGATIVE})${hasBase ? ' + log(ratioAt(d))' : ''};
      loc[b * uniforms.size + d] = location;
      scale[b * uniforms.size + d] = deviation;
      drawn[b * uniforms.size + d] = location + spread;
      ofThread = ofThread + 0.5 * (${twice}) - logRelative;
      }
    }
    let sum = groupSum(ofThread);
    if (b < uniforms.batch && localIndex == 0u) { kl[b] = sum; }
  }`;
  const out = gpu.run({
    reads: { head, noise, ...reads },
    writes: { drawn: noise.shape, loc: noise.shape, scale: noise.shape, kl: [batch, 1] },
    counts: { batch, size, offset: Number(attrs.offset) },
    ...{ code, threads: batch * HEAD_THREADS, threadsPerGroup: HEAD_THREADS },
  });
  for (const tensor of own) gpu.release(tensor);
  return out;
};

/** Uses of the sample whose gradients are read where they are. */
const MOST_USES = 2;

export const airNormalHeadGrad: WebgpuKernel = (gpu, inputs, attrs) => {
  const { head, noise, dKl, dBefore } = inputs;
  const [, size] = noise.shape;
  const offset = Number(attrs.offset);
  const isSampled = attrs.klKind === 'sampled';
  const base = baseOf(gpu, inputs, false);
  const uses = atMost(gpu, MOST_USES, listed<tf.TensorInfo>(inputs, 'dSample'));
  // the KL of a draw pulls the draw, and so both what it is made of
  const [ofSample, pulled] = isSampled ? [' + pull', 'distance + spread'] : ['', 'distance'];
  const code = `
  ${SOFTPLUS}
  ${SIGMOID}
  ${base.code}
  fn main(index : i32) {
    if (index >= uniforms.count) { return; }
    let width = uniforms.offset + 2 * uniforms.size;
    let b = index / width;
    let column = index % width - uniforms.offset;
    ${dBefore === undefined ? '' : 'if (column < 0) { dHead[index] = dBefore[index - b * 2 * uniforms.size]; return; }'}
    let d = column % uniforms.size;
    ${readNormal(base.hasBase)}
    let prior = priorScaleAt(d);
    let epsilon = noise[b * uniforms.size + d];
    let spread = relative * prior * epsilon;
    let pull = dKl[b] * ((${pulled}) / (prior * prior));
    let dUses = ${uses.tensors.map((_, use) => `use${use}[b * uniforms.size + d]`).join(' + ')};
    let dSample = dUses${ofSample};
    let slope = sigmoid(raw);
    // sigmoid / softplus -> 1 for very negative x, where both vanish
    let slopeOfLog = select(slope / unit, 1.0, raw < ${VERY_NEGATIVE});
    let slopeOfRelative = slope${base.hasBase ? ' * ratioAt(d)' : ''};
    let ofKl = ${isSampled ? '' : 'relative * slopeOfRelative '}- slopeOfLog;
    let dScale = dSample * epsilon * prior * slopeOfRelative + dKl[b] * (ofKl);
    dHead[index] = select(dScale, ${isSampled ? 'dSample' : 'dSample + pull'}, column < uniforms.size);
  }`;
  const before: Named<tf.TensorInfo> = dBefore === undefined ? {} : { dBefore };
  const ofUses = Object.fromEntries(uses.tensors.map((tensor, use) => [`use${use}`, tensor]));
  const count = sizeOf(head);
  const [dHead] = gpu.run({
    reads: { ...ofUses, dKl, ...before, head, noise, ...base.reads },
    writes: { dHead: head.shape },
    counts: { count, size, offset },
    ...{ code, threads: count },
  });
  for (const tensor of [...base.own, ...uses.own]) gpu.release(tensor);
  return dHead;
};
