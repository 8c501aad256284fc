// What the glue in src/backends/wasm/ calls. Arguments named after tensors are byte offsets into the heap of tfjs.
export { activationGrad, columnSums, dense, denseScratchBytes, weightGradScratchBytes, weightGrads } from './dense';
export { gemm, gemmScratchBytes } from './gemm';
