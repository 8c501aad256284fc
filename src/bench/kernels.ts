/**
 * Which kernels a computation runs, how often, and where its time goes: every kernel of the backend in use is wrapped
 * for a while. tfjs's own `tf.profile` counts a composite op as well as the kernels it is made of, and its times include
 * theirs; here a composite's time is what it adds, and the count is of kernels that call no other.
 */
import * as tf from '@tensorflow/tfjs';
import type { Started } from '../backends/backend.js';
import { opByOp } from '../core/ops/compiled.js';
import { listed } from '../core/ops/op.js';

/** One matrix product: [m, k] times [k, n]. */
export type Product = { m: number; k: number; n: number };

/** All calls of one kernel; milliseconds without those of kernels called within it. */
export type KernelUse = { kernel: string; calls: number; ms: number };

export type Watched = {
  /** Kernel calls, without composites. */
  count: number;
  /** Milliseconds from beginning to end, with what is spent outside of kernels. */
  ms: number;
  /** The longest time first. */
  uses: KernelUse[];
  /** Every matrix product of the ops of the model, in the order in which they were asked for. */
  products: Product[];
};

type Inputs = { [name: string]: tf.TensorInfo };

/** The products within the ops of core/ops/linear.ts and lstm.ts, by kernel. */
const PRODUCTS: { readonly [kernel: string]: (inputs: Inputs, attrs: tf.NamedAttrMap) => Product[] } = {
  AirMlp: (inputs) => listed(inputs, 'weight').map(({ shape: [n, k] }) => ({ m: inputs.x.shape[0], k, n })),
  AirMlpGrad: (inputs, { wantsDx }) =>
    listed(inputs, 'weight')
      .slice(wantsDx === true ? 0 : 1)
      .map(({ shape: [k, n] }) => ({ m: inputs.dy.shape[0], k, n })),
  AirLinearGrad(inputs) {
    const [ds, [{ shape: x }]] = [listed(inputs, 'd'), listed(inputs, 'x')];
    const [batch, outputs] = ds[0].shape;
    return [{ m: outputs, k: ds.length * batch, n: tf.util.sizeFromShape(x.slice(1)) }];
  },
  AirLstmCell: ({ h, weightIh, weightHh }) =>
    [weightIh, weightHh].map(({ shape: [n, k] }) => ({ m: h.shape[0], k, n })),
  AirLstmCellGrad: ({ c, weightIh, weightHh }) =>
    [weightIh, weightHh].map(({ shape: [k, n] }) => ({ m: c.shape[0], k, n })),
};

/** What is asked of the library below the kernels, where the backend counts that: its ops, or dispatches, and the calls that run them. */
export type LibraryUse = { libraryOps: number | undefined; libraryCalls: number | undefined };

/** Runs something, once, as it is run otherwise. What it uses should have run three times: by then it is compiled. */
export async function watchLibrary(
  run: () => Promise<unknown>,
  { below }: Pick<Started, 'below'>,
): Promise<LibraryUse> {
  const before = below?.count();
  await run();
  const after = below?.count();
  return {
    libraryOps: before && after && after.ops - before.ops,
    libraryCalls: before && after && after.calls - before.calls,
  };
}

/** Runs something while every kernel of the backend in use is replaced by what `wrap` makes of it. */
export async function withKernels(
  wrap: (original: tf.KernelConfig) => tf.KernelConfig,
  run: () => Promise<unknown>,
): Promise<void> {
  const backendName = tf.getBackend();
  const originals = tf.getKernelsForBackend(backendName);
  const replaceAll = (kernels: readonly tf.KernelConfig[]): void => {
    for (const kernel of kernels) {
      tf.unregisterKernel(kernel.kernelName, backendName);
      tf.registerKernel(kernel);
    }
  };
  replaceAll(originals.map(wrap));
  try {
    await run();
  } finally {
    replaceAll(originals);
  }
}

/** Runs something, once and op by op, and tells what it asked of the backend. What it uses should have run before. */
export async function watchKernels(run: () => Promise<unknown>): Promise<Watched> {
  const uses = new Map<string, KernelUse>();
  const products: Product[] = [];
  const open: { ofInner: number; calls: number }[] = [];
  let count = 0;

  const watching = (original: tf.KernelConfig): tf.KernelConfig => ({
    ...original,
    kernelFunc(call) {
      const frame = { ofInner: 0, calls: 0 };
      open.push(frame);
      const start = performance.now();
      const result = original.kernelFunc(call);
      const ms = performance.now() - start;
      open.pop();
      const outer = open.at(-1);
      if (outer) {
        outer.ofInner += ms;
        outer.calls++;
      }
      if (frame.calls === 0) count++;
      const { kernelName: kernel } = original;
      const before = uses.get(kernel) ?? { kernel, calls: 0, ms: 0 };
      uses.set(kernel, { kernel, calls: before.calls + 1, ms: before.ms + ms - frame.ofInner });
      products.push(...(PRODUCTS[kernel]?.(call.inputs as Inputs, call.attrs ?? {}) ?? []));
      return result;
    },
  });

  let ms = 0;
  await withKernels(watching, async () => {
    const start = performance.now();
    await opByOp(run);
    ms = performance.now() - start;
  });
  const inOrder = [...uses.values()].sort((a, b) => b.ms - a.ms);
  return { count, ms, uses: inOrder, products };
}
