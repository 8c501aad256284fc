/** Normals read off a network, on the wasm heap. */
import type { TensorInfo } from '@tensorflow/tfjs';
import { listed } from '../../core/ops/op.js';
import { atMost, type WasmKernel } from './heap.js';

export const airNormalHead: WasmKernel = (heap, { head, noise, priorLoc, priorScale, shift, ratio }, attrs) => {
  const [batch, size] = noise.shape;
  const offset = Number(attrs.offset);
  const draw = [batch, size];
  const from = [heap.at(head, [batch, offset + 2 * size]), heap.at(noise, draw)];
  const prior = [heap.at(priorLoc, [size]), heap.at(priorScale, [size])];
  const base = [heap.atIfAny(shift, [size]), heap.atIfAny(ratio, [size])];
  const [sample, loc, scale] = [heap.output(draw), heap.output(draw), heap.output(draw)];
  const kl = heap.output([batch, 1]);
  const to = [heap.at(sample, draw), heap.at(loc, draw), heap.at(scale, draw), heap.at(kl, [batch, 1])];
  heap.wasm.normalHead(...from, ...prior, ...base, ...to, batch, size, offset, attrs.klKind === 'sampled');
  return [sample, loc, scale, kl];
};

export const airNormalHeadGrad: WasmKernel = (heap, inputs, attrs) => {
  const { dKl, dBefore, head, noise, priorScale, shift, ratio } = inputs;
  const [batch, size] = noise.shape;
  const offset = Number(attrs.offset);
  const draw = [batch, size];
  const uses = atMost(3, listed<TensorInfo>(inputs, 'dSample'));
  const dSamples = [0, 1, 2].map((i) => heap.atIfAny(uses[i], draw));
  const gradients = [...dSamples, heap.at(dKl, [batch, 1]), heap.atIfAny(dBefore, [batch, offset])];
  const from = [heap.at(head, [batch, offset + 2 * size]), heap.at(noise, draw), heap.at(priorScale, [size])];
  const base = [heap.atIfAny(shift, [size]), heap.atIfAny(ratio, [size])];
  const dHead = heap.output(head.shape);
  const sizes = [batch, size, offset];
  const to = heap.at(dHead, head.shape);
  heap.wasm.normalHeadGrad(...gradients, ...from, ...base, to, ...sizes, attrs.klKind === 'sampled');
  return dHead;
};
