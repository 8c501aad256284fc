/** Likelihoods of images and what canvases leave of them, on the wasm heap. */
import type { WasmKernel } from './heap.js';

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

export const airBernoulliLogLik: WasmKernel = (heap, { images, canvas }) => {
  const [batch, height, width] = images.shape;
  const from = [heap.at(images, images.shape), heap.at(canvas, images.shape)];
  const out = heap.output([batch, 1]);
  heap.wasm.bernoulliLogLik(...from, heap.at(out, [batch, 1]), batch, height * width);
  return out;
};

export const airBernoulliLogLikGrad: WasmKernel = (heap, { dy, images, canvas, later }) => {
  const [batch, height, width] = images.shape;
  const pair = [heap.at(images, images.shape), heap.at(canvas, images.shape)];
  const from = [heap.at(dy, [batch, 1]), ...pair, heap.atIfAny(later, images.shape)];
  const dCanvas = heap.output(images.shape);
  heap.wasm.bernoulliLogLikGrad(...from, heap.at(dCanvas, images.shape), batch, height * width);
  return dCanvas;
};
