// What the glue in src/backends/wasm/ calls. Arguments named after tensors are byte offsets into the heap of tfjs.
export { accumulate } from './accumulate';
export { adam } from './adam';
export { activationGrad, columnSums, dense, denseScratchBytes } from './linear';
export { elboScratchBytes, enumeratedElboGrad } from './elbo';
export { gemm, gemmOfPacked, gemmScratchBytes } from './gemm';
export { bernoulliLogLik, bernoulliLogLikGrad, imageLogLik, imageLogLikGrad, residual } from './image';
export { lstmCell, lstmCellGrad, lstmScratchBytes } from './lstm';
export { normalHead, normalHeadGrad } from './normal';
export { copyRows, packedBytes, packRows } from './packing';
export { placeScratchBytes, placeWindows, placeWindowsGrad } from './place-windows';
export { readScratchBytes, readWindows, readWindowsGrad } from './read-windows';
export { rmsprop } from './rmsprop';
