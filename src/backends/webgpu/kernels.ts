/** Two kernels of tfjs's webgpu backend that give wrong numbers, put right. */
import * as tf from '@tensorflow/tfjs';

/** What a shader of tfjs's is made of; the backend adds the code that finds elements by index. */
type Program = {
  variableNames: string[];
  outputShape: number[];
  workgroupSize: [number, number, number];
  dispatchLayout: { x: number[] };
  dispatch: [number, number, number];
  shaderKey: string;
  size: true;
  getUserCode(): string;
};

export type WebgpuBackend = tf.KernelBackend & {
  /** Products of up to so many tiles of 32 x 32 are dealt out in smaller ones. */
  thresholdToIncreaseWorkgroups: number;
  runWebGPUProgram(program: Program, inputs: tf.TensorInfo[], dtype: tf.DataType): tf.TensorInfo;
};

/** Of `webgpu_util`, which the package exports. */
export type ShaderUtil = {
  flatDispatchLayout(shape: number[]): { x: number[] };
  computeDispatch(
    layout: { x: number[] },
    shape: number[],
    workgroupSize: [number, number, number],
  ): [number, number, number];
};

/**
 * log(1 + e^x) = max(x, 0) + log1p(e^-|x|), where log1p(y) = 2 artanh(s), s = y / (2 + y) <= 1/3, is a series in s^2 that
 * ends here at an error below 1e-8. tfjs takes log(e^x + 1), which is 6 % off at x = -14.
 */
const SOFTPLUS = `
  fn softplus(x : f32) -> f32 {
    let y = exp(-abs(x));
    let s = y / (2.0 + y);
    let q = s * s;
    let series = 1.0 + q * (1.0 / 3.0 + q * (1.0 / 5.0 + q * (1.0 / 7.0 + q * (1.0 / 9.0
      + q * (1.0 / 11.0 + q * (1.0 / 13.0 + q / 15.0))))));
    return max(x, 0.0) + 2.0 * s * series;
  }

  fn main(index : i32) {
    if (index < uniforms.size) {
      setOutputAtIndex(index, softplus(getAByOutputIndex(index)));
    }
  }`;

/** From here on tfjs may split the inner dimension of a product (`MatMulSplitKProgram`). */
const SPLIT_FROM = 2000;

/** `MatMulSmallOutputSizeProgram`: what tfjs takes for small products with a shorter inner dimension. */
const SMALL_OUTPUT = 2;

/** Replaces the kernels, once. */
export function correctKernels({ flatDispatchLayout, computeDispatch }: ShaderUtil): void {
  replace('Softplus', ({ inputs, backend }) => {
    const x = inputs.x as tf.TensorInfo;
    const workgroupSize: [number, number, number] = [128, 1, 1];
    const dispatchLayout = flatDispatchLayout(x.shape);
    const program: Program = {
      variableNames: ['A'],
      outputShape: x.shape,
      workgroupSize,
      dispatchLayout,
      dispatch: computeDispatch(dispatchLayout, x.shape, workgroupSize),
      shaderKey: 'air_softplus',
      size: true,
      getUserCode: () => SOFTPLUS,
    };
    return (backend as WebgpuBackend).runWebGPUProgram(program, [x], 'float32');
  });

  const matMul = tf.getKernel('BatchMatMul', 'webgpu').kernelFunc;
  replace('BatchMatMul', (call) => {
    if (!mayBeSplit(call)) return matMul(call);
    const flags = tf.env();
    const before = flags.getNumber('WEBGPU_MATMUL_PROGRAM_TYPE');
    flags.set('WEBGPU_MATMUL_PROGRAM_TYPE', SMALL_OUTPUT);
    try {
      return matMul(call);
    } finally {
      flags.set('WEBGPU_MATMUL_PROGRAM_TYPE', before);
    }
  });
}

/** tfjs's split product reads a transposed right operand four columns at a time as if it were not transposed. */
function mayBeSplit({ inputs, attrs, backend }: Parameters<tf.KernelFunc>[0]): boolean {
  if (attrs?.transposeB !== true) return false;
  const [a, b] = [inputs.a, inputs.b].map((operand) => (operand as tf.TensorInfo).shape);
  const [columns, inner] = b.slice(-2);
  const rows = a[a.length - (attrs.transposeA === true ? 1 : 2)];
  const tiles = Math.ceil(rows / 32) * Math.ceil(columns / 32);
  return inner >= SPLIT_FROM && tiles <= 2 * (backend as WebgpuBackend).thresholdToIncreaseWorkgroups;
}

function replace(kernelName: string, kernelFunc: tf.KernelFunc): void {
  tf.unregisterKernel(kernelName, 'webgpu');
  tf.registerKernel({ kernelName, backendName: 'webgpu', kernelFunc });
}
