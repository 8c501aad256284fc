/**
 * What the guide looks at before each step, one variant each. The difference is what lets it find the next object
 * instead of remembering which ones it has explained; see also the difference variant (DAIR) of Eslami et al. 2016.
 */
import * as tf from '@tensorflow/tfjs';
import type { GuideInputName, ModelConfig } from './config.js';
import { residual } from './ops/image.js';
import { type LinearTape, type MlpPass, mlp, mlpGrad, mlpSpecs } from './ops/linear.js';
import type { ParamSpec, Params } from './ops/weights.js';

export type GuideInput = {
  /** Numbers that reach the LSTM. */
  size(config: ModelConfig): number;
  /** The weights between what is seen and the LSTM. */
  specs(config: ModelConfig): ParamSpec[];
  /** Prepares a batch of images [B, H, W]; what does not change between steps is computed here, once. */
  view(params: Params, config: ModelConfig, images: tf.Tensor3D): GuideView;
};

/** Looking at a batch of images in the course of one pass. */
export type GuideView = {
  /** At each step: the canvas so far [B, H, W] -> what is seen [B, size]. */
  observe(canvas: tf.Tensor3D): tf.Tensor2D;
  /**
   * Back through all that was seen, given the gradients by it, step by step, onto the tape. No gradient goes
   * through what is seen to the canvas: to look good is not what an object is drawn for.
   */
  backward(dSeen: readonly tf.Tensor2D[], tape: LinearTape): void;
};

function embed(params: Params, name: string, x: tf.Tensor): MlpPass {
  return mlp(params, name, x, { activation: 'relu', shift: 0 });
}

const image: GuideInput = {
  size: ({ canvas, embedNet }) => embedNet.at(-1) ?? canvas[0] * canvas[1],
  specs: ({ canvas, embedNet }) => mlpSpecs('embed', canvas[0] * canvas[1], embedNet),
  view(params, _config, images) {
    const seen = embed(params, 'embed', images);
    return {
      observe: () => seen.y,
      backward: (dSeen, tape) => void mlpGrad(params, seen, tf.addN([...dSeen]), tape, false),
    };
  },
};

function pooledSize({ canvas, guidePool }: ModelConfig): number {
  return Math.floor(canvas[0] / guidePool) * Math.floor(canvas[1] / guidePool);
}

/** A difference input whose embedding has the given name. */
function difference(name: string): GuideInput {
  return {
    size: (config) => config.embedNet.at(-1) ?? pooledSize(config),
    specs: (config) => mlpSpecs(name, pooledSize(config), config.embedNet),
    view(params, { guidePool }, images) {
      const seen: MlpPass[] = [];
      return {
        observe(canvas) {
          seen.push(embed(params, name, residual(images, canvas, guidePool)));
          return seen[seen.length - 1].y;
        },
        backward(dSeen, tape) {
          for (const [t, pass] of seen.entries()) mlpGrad(params, pass, dSeen[t], tape, false);
        },
      };
    },
  };
}

const besideImage = difference('embed_difference');

const both: GuideInput = {
  size: (config) => image.size(config) + besideImage.size(config),
  specs: (config) => [...image.specs(config), ...besideImage.specs(config)],
  view(params, config, images) {
    const views = [image.view(params, config, images), besideImage.view(params, config, images)];
    const sizes = [image.size(config), besideImage.size(config)];
    return {
      observe: (canvas) =>
        tf.concat(
          views.map((view) => view.observe(canvas)),
          1,
        ),
      backward(dSeen, tape) {
        const parts = dSeen.map((d) => tf.split(d, sizes, 1) as tf.Tensor2D[]);
        for (const [i, view] of views.entries()) {
          view.backward(
            parts.map((part) => part[i]),
            tape,
          );
        }
      },
    };
  },
};

export const guideInputs: { readonly [name in GuideInputName]: GuideInput } = {
  image,
  difference: difference('embed'),
  both,
};
