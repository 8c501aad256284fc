/** Reading and placing windows on the wasm heap; windows are [B, h w]. */
import type { WasmKernel } from './heap.js';

export const airReadWindows: WasmKernel = (heap, { images, zWhere }, attrs) => {
  const [batch, imageHeight, imageWidth] = images.shape;
  const [height, width] = [Number(attrs.height), Number(attrs.width)];
  const from = [heap.at(images, images.shape), heap.at(zWhere, [batch, 3])];
  const windows = heap.output([batch, height * width]);
  const scratch = heap.scratch(heap.wasm.readScratchBytes(imageWidth, width));
  const sizes = [batch, imageHeight, imageWidth, height, width];
  heap.wasm.readWindows(...from, heap.at(windows, windows.shape), ...sizes, Number(attrs.minScale), scratch);
  return windows;
};

export const airReadWindowsGrad: WasmKernel = (heap, { dy, images, zWhere }, attrs) => {
  const [batch, imageHeight, imageWidth] = images.shape;
  const [height, width] = [Number(attrs.height), Number(attrs.width)];
  const from = [heap.at(dy, [batch, height * width]), heap.at(images, images.shape), heap.at(zWhere, [batch, 3])];
  const dZWhere = heap.output([batch, 3]);
  const scratch = heap.scratch(heap.wasm.readScratchBytes(imageWidth, width));
  const sizes = [batch, imageHeight, imageWidth, height, width];
  heap.wasm.readWindowsGrad(...from, heap.at(dZWhere, [batch, 3]), ...sizes, Number(attrs.minScale), scratch);
  return dZWhere;
};

export const airPlaceWindows: WasmKernel = (heap, { windows, zWhere, canvas }, attrs) => {
  const [batch, canvasHeight, canvasWidth] = canvas.shape;
  const [height, width] = [Number(attrs.height), Number(attrs.width)];
  const from = [heap.at(windows, [batch, height * width]), heap.at(zWhere, [batch, 3]), heap.at(canvas, canvas.shape)];
  const canvases = heap.output(canvas.shape);
  const scratch = heap.scratch(heap.wasm.placeScratchBytes(width, canvasWidth));
  const sizes = [batch, height, width, canvasHeight, canvasWidth];
  heap.wasm.placeWindows(...from, heap.at(canvases, canvases.shape), ...sizes, scratch);
  return canvases;
};

export const airPlaceWindowsGrad: WasmKernel = (heap, { dy, windows, zWhere }, attrs) => {
  const [batch, canvasHeight, canvasWidth] = dy.shape;
  const [height, width] = [Number(attrs.height), Number(attrs.width)];
  const from = [heap.at(dy, dy.shape), heap.at(windows, [batch, height * width]), heap.at(zWhere, [batch, 3])];
  const [dWindows, dZWhere] = [heap.output(windows.shape), heap.output([batch, 3])];
  const to = [heap.at(dWindows, windows.shape), heap.at(dZWhere, [batch, 3])];
  const scratch = heap.scratch(heap.wasm.placeScratchBytes(width, canvasWidth));
  heap.wasm.placeWindowsGrad(...from, ...to, batch, height, width, canvasHeight, canvasWidth, scratch);
  return [dWindows, dZWhere];
};
