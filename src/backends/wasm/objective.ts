/** What the objective is made of, on the wasm heap: likelihoods, normals, the sum over the count. */
import type { NamedAttrMap } from '@tensorflow/tfjs';
import type { Heap, WasmKernel } from './heap.js';

export const airImageLogLik: WasmKernel = (heap, { images, canvas }, attrs) => {
  const [batch, height, width] = images.shape;
  const from = [heap.at(images, images.shape), heap.at(canvas, images.shape)];
  const out = heap.output([batch]);
  const sd = Number(attrs.sd);
  const constant = height * width * Math.log(sd * Math.sqrt(2 * Math.PI));
  heap.wasm.imageLogLik(...from, heap.at(out, [batch]), batch, height * width, 1 / (2 * sd ** 2), constant);
  return out;
};

export const airImageLogLikGrad: WasmKernel = (heap, { dy, images, canvas }, attrs) => {
  const [batch, height, width] = images.shape;
  const from = [heap.at(dy, [batch]), heap.at(images, images.shape), heap.at(canvas, images.shape)];
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
  const kl = heap.output([batch]);
  const to = [heap.at(sample, draw), heap.at(loc, draw), heap.at(scale, draw), heap.at(kl, [batch])];
  heap.wasm.normalHead(...from, ...prior, ...to, batch, size, offset);
  return [sample, loc, scale, kl];
};

export const airNormalHeadGrad: WasmKernel = (heap, inputs, attrs) => {
  const { dSample, dLoc, dScale, dKl, head, noise, priorScale } = inputs;
  const [batch, size] = noise.shape;
  const offset = Number(attrs.offset);
  const draw = [batch, size];
  const gradients = [heap.at(dSample, draw), heap.at(dLoc, draw), heap.at(dScale, draw), heap.at(dKl, [batch])];
  const from = [heap.at(head, [batch, offset + 2 * size]), heap.at(noise, draw), heap.at(priorScale, [size])];
  const dHead = heap.output(head.shape);
  heap.wasm.normalHeadGrad(...gradients, ...from, heap.at(dHead, head.shape), batch, size, offset);
  return dHead;
};

/** Room for the work on one image, then log p(n) in float64. */
function elboScratch(heap: Heap, steps: number, attrs: NamedAttrMap): { work: number; logPrior: number } {
  const bytes = heap.wasm.elboScratchBytes(steps);
  const work = heap.scratch(bytes + 8 * (steps + 1));
  heap.writeFloat64(work + bytes, attrs.logPrior as number[]);
  return { work, logPrior: work + bytes };
}

export const airEnumeratedElbo: WasmKernel = (heap, { zPresLogits, logLik, kl }, attrs) => {
  const [batch, steps] = kl.shape;
  const each = [batch, steps];
  const from = [heap.at(zPresLogits, each), heap.at(logLik, [batch, steps + 1]), heap.at(kl, each)];
  const elbo = heap.output([batch]);
  const { work, logPrior } = elboScratch(heap, steps, attrs);
  heap.wasm.enumeratedElbo(...from, logPrior, heap.at(elbo, [batch]), batch, steps, work);
  return elbo;
};

export const airEnumeratedElboGrad: WasmKernel = (heap, { dy, zPresLogits, logLik, kl }, attrs) => {
  const [batch, steps] = kl.shape;
  const [each, counts] = [
    [batch, steps],
    [batch, steps + 1],
  ];
  const from = [heap.at(dy, [batch]), heap.at(zPresLogits, each), heap.at(logLik, counts), heap.at(kl, each)];
  const [dLogits, dLogLik, dKl] = [heap.output(each), heap.output(counts), heap.output(each)];
  const to = [heap.at(dLogits, each), heap.at(dLogLik, counts), heap.at(dKl, each)];
  const { work, logPrior } = elboScratch(heap, steps, attrs);
  heap.wasm.enumeratedElboGrad(...from, logPrior, ...to, batch, steps, work);
  return [dLogits, dLogLik, dKl];
};
