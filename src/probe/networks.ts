/** The classifiers of a probe: a perceptron, and a small convolutional network; each gives logits of the classes. */
import * as tf from '@tensorflow/tfjs';
import { LinearTape, type MlpPass, mlp, mlpGrad, mlpSpecs, mlpWeightGrad } from '../core/ops/linear.js';
import type { NamedTensors, ParamSpec, Params } from '../core/ops/weights.js';
import type { FeatureRows } from './features.js';
import type { NetworkName } from './names.js';
import { patchesOf, patchWidth, placesOf, type Sweep, sumPatches } from './patches.js';

/** What was computed on the way to the logits, and the way back. */
export type ProbePass = {
  /** [B, classes] */
  logits: tf.Tensor2D;
  /** Gradients by all weights, of that by the logits [B, classes]. Caller disposes. */
  back(dLogits: tf.Tensor2D): Promise<NamedTensors>;
};

/** Tensors that it makes are disposed with the scope that it is called in. */
export type Network = { specs: ParamSpec[]; pass(params: Params, rows: FeatureRows): Promise<ProbePass> };

/** Of features of so many numbers, which are an image of a side where there are pixels. */
type Shape = { inputs: number; classes: number; width: number };

export const networks: { readonly [name in NetworkName]: (shape: Shape) => Network } = {
  /** Two hidden layers of `width` ReLUs. */
  mlp: ({ inputs, classes, width }) => ({
    specs: mlpSpecs('mlp', inputs, [width, width, classes]),
    async pass(params, rows) {
      const x = tf.tensor2d(rows.values, [rows.values.length / rows.width, rows.width]);
      const pass = mlp(params, 'mlp', x);
      return {
        logits: pass.y,
        async back(dLogits) {
          const tape = new LinearTape();
          mlpWeightGrad(params, pass, dLogits, tape);
          return tape.gradients();
        },
      };
    },
  }),
  /** Three convolutions of stride 2, with width / 8, width / 4 and width / 2 channels, then a hidden layer of `width` ReLUs. */
  cnn: ({ inputs, classes, width }) => {
    const sweeps = convolutions(Math.sqrt(inputs), width);
    const last = sweeps[sweeps.length - 1];
    const flat = placesOf(last) ** 2 * last.filters;
    return {
      specs: [
        ...sweeps.flatMap((sweep, i) => mlpSpecs(`conv${i}`, patchWidth(sweep), [sweep.filters])),
        ...mlpSpecs('mlp', flat, [width, classes]),
      ],
      pass: (params, rows) => convolve(params, rows, { sweeps, flat }),
    };
  },
};

type Convolution = Sweep & { filters: number };

/** 50 px: 23 places a side, then 11, then 5. Images that are too small have fewer layers, one at least. */
function convolutions(side: number, width: number): Convolution[] {
  const layers: Convolution[] = [];
  for (const [window, share] of [
    [5, 8],
    [3, 4],
    [3, 2],
  ]) {
    const before = layers.at(-1);
    const sweep = {
      side: before === undefined ? side : placesOf(before),
      channels: before?.filters ?? 1,
      window: Math.min(window, side),
      stride: 2,
      filters: Math.max(Math.floor(width / share), 1),
    };
    if (sweep.side < window && before !== undefined) break;
    layers.push(sweep);
  }
  return layers;
}

async function convolve(
  params: Params,
  rows: FeatureRows,
  { sweeps, flat }: { sweeps: readonly Convolution[]; flat: number },
): Promise<ProbePass> {
  const batch = rows.values.length / rows.width;
  const passes: MlpPass[] = [];
  let images = rows.values;
  for (const [i, sweep] of sweeps.entries()) {
    const patches = patchesOf(images, sweep);
    const x = tf.tensor2d(patches, [patches.length / patchWidth(sweep), patchWidth(sweep)]);
    const pass = mlp(params, `conv${i}`, x, { output: 'relu' });
    passes.push(pass);
    if (i < sweeps.length - 1) images = (await pass.y.data()) as Float32Array;
  }
  const head = mlp(params, 'mlp', tf.reshape(passes[passes.length - 1].y, [batch, flat]));
  return {
    logits: head.y,
    async back(dLogits) {
      const tape = new LinearTape();
      let d: tf.Tensor = mlpGrad(params, head, dLogits, tape);
      for (let i = sweeps.length - 1; i >= 0; i--) {
        const dy = tf.reshape(d, passes[i].y.shape) as tf.Tensor2D;
        if (i === 0) mlpWeightGrad(params, passes[0], dy, tape);
        else {
          const dPatches = (await mlpGrad(params, passes[i], dy, tape).data()) as Float32Array;
          d = tf.tensor1d(sumPatches(dPatches, sweeps[i]));
        }
      }
      return tape.gradients();
    },
  };
}
