/** Reading windows on the wasm heap; windows are [B, h w]. */
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
