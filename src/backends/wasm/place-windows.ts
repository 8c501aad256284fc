/** Placing windows on the wasm heap; windows are [B, h w]. */
import type { WasmKernel } from './heap.js';

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
