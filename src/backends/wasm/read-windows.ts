/** Reading windows on the wasm heap; windows are [B, h w]. */
import { columnsOf, type WasmKernel } from './heap.js';

export const airReadWindows: WasmKernel = (heap, { images, affine }, attrs) => {
  const [batch, imageHeight, imageWidth] = images.shape;
  const [height, width] = [Number(attrs.height), Number(attrs.width)];
  const columns = columnsOf(affine);
  const from = [heap.at(images, images.shape), heap.at(affine, [batch, columns]), columns];
  const windows = heap.output([batch, height * width]);
  const scratch = heap.scratch(heap.wasm.readScratchBytes(imageWidth, width));
  const sizes = [batch, imageHeight, imageWidth, height, width];
  heap.wasm.readWindows(...from, heap.at(windows, windows.shape), ...sizes, Number(attrs.minScale), scratch);
  return windows;
};

export const airReadWindowsGrad: WasmKernel = (heap, { dy, images, affine }, attrs) => {
  const [batch, imageHeight, imageWidth] = images.shape;
  const [height, width] = [Number(attrs.height), Number(attrs.width)];
  const columns = columnsOf(affine);
  const pictures = [heap.at(dy, [batch, height * width]), heap.at(images, images.shape)];
  const from = [...pictures, heap.at(affine, [batch, columns]), columns];
  const dAffine = heap.output([batch, columns]);
  const scratch = heap.scratch(heap.wasm.readScratchBytes(imageWidth, width));
  const sizes = [batch, imageHeight, imageWidth, height, width];
  heap.wasm.readWindowsGrad(...from, heap.at(dAffine, [batch, columns]), ...sizes, Number(attrs.minScale), scratch);
  return dAffine;
};
