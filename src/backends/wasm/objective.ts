/** What the objective is made of, on the wasm heap: likelihoods, what they leave, normals, the gradient of the ELBO. */
import type { TensorInfo } from '@tensorflow/tfjs';
import { listed } from '../../core/kernel.js';
import { atMost, type WasmKernel } from './heap.js';

export const airImageLogLik: WasmKernel = (heap, { images, canvas }, attrs) => {
  const [batch, height, width] = images.shape;
  const from = [heap.at(images, images.shape), heap.at(canvas, images.shape)];
  const out = heap.output([batch, 1]);
  const sd = Number(attrs.sd);
  const constant = height * width * Math.log(sd * Math.sqrt(2 * Math.PI));
  heap.wasm.imageLogLik(...from, heap.at(out, [batch, 1]), batch, height * width, 1 / (2 * sd ** 2), constant);
  return out;
};

export const airImageLogLikGrad: WasmKernel = (heap, { dy, images, canvas, later }, attrs) => {
  const [batch, height, width] = images.shape;
  const pair = [heap.at(images, images.shape), heap.at(canvas, images.shape)];
  const from = [heap.at(dy, [batch, 1]), ...pair, heap.atIfAny(later, images.shape)];
  const dCanvas = heap.output(images.shape);
  const weight = 1 / Number(attrs.sd) ** 2;
  heap.wasm.imageLogLikGrad(...from, heap.at(dCanvas, images.shape), batch, height * width, weight);
  return dCanvas;
};

export const airResidual: WasmKernel = (heap, { images, canvas }, attrs) => {
  const [batch, height, width] = images.shape;
  const pool = Number(attrs.pool);
  const from = [heap.at(images, images.shape), heap.at(canvas, images.shape)];
  const out = heap.output([batch, Math.floor(height / pool) * Math.floor(width / pool)]);
  heap.wasm.residual(...from, heap.at(out, out.shape), batch, height, width, pool);
  return out;
};

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

export const airEnumeratedElboGrad: WasmKernel = (heap, inputs, attrs) => {
  const { zPresLogits, logLik, whereKl, whatKl, lessons } = inputs;
  const [batch, steps] = zPresLogits.shape;
  const [each, counts] = [
    [batch, steps],
    [batch, steps + 1],
  ];
  const passed = [heap.at(zPresLogits, each), heap.at(logLik, counts), heap.at(whereKl, each), heap.at(whatKl, each)];
  const from = [...passed, heap.atIfAny(lessons, counts)];
  const [dLogits, dLogLik, dKl] = [heap.output(each), heap.output(counts), heap.output(each)];
  const to = [heap.at(dLogits, each), heap.at(dLogLik, counts), heap.at(dKl, each)];
  // room for the work on one image, then log p(n) in float64
  const work = heap.scratch(heap.wasm.elboScratchBytes(steps) + 8 * (steps + 1));
  const logPrior = work + heap.wasm.elboScratchBytes(steps);
  heap.writeFloat64(logPrior, attrs.logPrior as number[]);
  heap.wasm.enumeratedElboGrad(...from, logPrior, Number(attrs.scale), ...to, batch, steps, work);
  return [dLogits, dLogLik, dKl];
};
