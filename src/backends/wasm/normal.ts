/** Normals read off a network, on the wasm heap. */
import type { NamedAttrMap, TensorInfo } from '@tensorflow/tfjs';
import { listed } from '../../core/ops/op.js';
import { atMost, type WasmKernel } from './heap.js';

/** The kernels know the analytic KL, and a normal whose base is its prior. */
export function isPlainNormal({ klKind, hasBase }: NamedAttrMap): boolean {
  return klKind === 'analytic' && hasBase !== true;
}

export const airNormalHead: WasmKernel = (heap, { head, noise, priorLoc, priorScale }, attrs) => {
  const [batch, size] = noise.shape;
  const offset = Number(attrs.offset);
  const draw = [batch, size];
  const from = [heap.at(head, [batch, offset + 2 * size]), heap.at(noise, draw)];
  const prior = [heap.at(priorLoc, [size]), heap.at(priorScale, [size])];
  const [sample, loc, scale] = [heap.output(draw), heap.output(draw), heap.output(draw)];
  const kl = heap.output([batch, 1]);
  const to = [heap.at(sample, draw), heap.at(loc, draw), heap.at(scale, draw), heap.at(kl, [batch, 1])];
  heap.wasm.normalHead(...from, ...prior, ...to, batch, size, offset);
  return [sample, loc, scale, kl];
};

export const airNormalHeadGrad: WasmKernel = (heap, inputs, attrs) => {
  const { dKl, dBefore, head, noise, priorScale } = inputs;
  const [batch, size] = noise.shape;
  const offset = Number(attrs.offset);
  const draw = [batch, size];
  const uses = atMost(3, listed<TensorInfo>(inputs, 'dSample'));
  const dSamples = [0, 1, 2].map((i) => heap.atIfAny(uses[i], draw));
  const gradients = [...dSamples, heap.at(dKl, [batch, 1]), heap.atIfAny(dBefore, [batch, offset])];
  const from = [heap.at(head, [batch, offset + 2 * size]), heap.at(noise, draw), heap.at(priorScale, [size])];
  const dHead = heap.output(head.shape);
  heap.wasm.normalHeadGrad(...gradients, ...from, heap.at(dHead, head.shape), batch, size, offset);
  return dHead;
};
