/** Placing windows on the wasm heap; windows are [B, h w]. */
import { columnsOf, type WasmKernel } from './heap.js';

export const airPlaceWindows: WasmKernel = (heap, { windows, affine, canvas }, attrs) => {
  const [batch, canvasHeight, canvasWidth] = canvas.shape;
  const [height, width] = [Number(attrs.height), Number(attrs.width)];
  const columns = columnsOf(affine);
  const map = [heap.at(affine, [batch, columns]), columns];
  const from = [heap.at(windows, [batch, height * width]), ...map, heap.at(canvas, canvas.shape)];
  const canvases = heap.output(canvas.shape);
  const scratch = heap.scratch(heap.wasm.placeScratchBytes(width, canvasWidth));
  const sizes = [batch, height, width, canvasHeight, canvasWidth];
  heap.wasm.placeWindows(...from, heap.at(canvases, canvases.shape), ...sizes, scratch);
  return canvases;
};

export const airPlaceWindowsGrad: WasmKernel = (heap, { dy, windows, affine }, attrs) => {
  const [batch, canvasHeight, canvasWidth] = dy.shape;
  const [height, width] = [Number(attrs.height), Number(attrs.width)];
  const columns = columnsOf(affine);
  const map = [heap.at(affine, [batch, columns]), columns];
  const from = [heap.at(dy, dy.shape), heap.at(windows, [batch, height * width]), ...map];
  const [dWindows, dAffine] = [heap.output(windows.shape), heap.output([batch, columns])];
  const to = [heap.at(dWindows, windows.shape), heap.at(dAffine, [batch, columns])];
  const scratch = heap.scratch(heap.wasm.placeScratchBytes(width, canvasWidth));
  heap.wasm.placeWindowsGrad(...from, ...to, batch, height, width, canvasHeight, canvasWidth, scratch);
  return [dWindows, dAffine];
};
