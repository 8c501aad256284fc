/**
 * What the guide looks at before each step, one variant each. The difference is what lets it find the next object
 * instead of remembering which ones it has explained; see also the difference variant (DAIR) of Eslami et al. 2016.
 */
import * as tf from '@tensorflow/tfjs';
import type { GuideInputName, ModelConfig } from './config.js';
import { detach } from './kernel.js';
import { mlp, mlpSpecs, type ParamSpec, type Params } from './nn.js';
import { residual } from './spatial.js';

export type GuideInput = {
  /** Numbers that reach the LSTM. */
  size(config: ModelConfig): number;
  /** The weights between what is seen and the LSTM. */
  specs(config: ModelConfig): ParamSpec[];
  /**
   * Prepares a batch of images [B, H, W]; what does not change between steps is computed here, once. The result is
   * called at each step with the canvas so far [B, H, W] and returns [B, size].
   */
  look(params: Params, config: ModelConfig, images: tf.Tensor3D): (canvas: tf.Tensor3D) => tf.Tensor2D;
};

function embed(params: Params, name: string, x: tf.Tensor2D): tf.Tensor2D {
  return mlp(params, name, x, { activation: 'relu' });
}

const image: GuideInput = {
  size: ({ canvas, embedNet }) => embedNet.at(-1) ?? canvas[0] * canvas[1],
  specs: ({ canvas, embedNet }) => mlpSpecs('embed', canvas[0] * canvas[1], embedNet),
  look(params, _config, images) {
    const seen = embed(params, 'embed', tf.reshape(images, [images.shape[0], -1]));
    return () => seen;
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
    look:
      (params, { guidePool }, images) =>
      (canvas) => {
        const seen = detach(canvas);
        const rest = residual(images, seen, guidePool);
        seen.dispose();
        return embed(params, name, rest);
      },
  };
}

const besideImage = difference('embed_difference');

const both: GuideInput = {
  size: (config) => image.size(config) + besideImage.size(config),
  specs: (config) => [...image.specs(config), ...besideImage.specs(config)],
  look(params, config, images) {
    const lookAtImage = image.look(params, config, images);
    const lookAtRest = besideImage.look(params, config, images);
    return (canvas) => tf.concat([lookAtImage(canvas), lookAtRest(canvas)], 1);
  },
};

export const guideInputs: { readonly [name in GuideInputName]: GuideInput } = {
  image,
  difference: difference('embed'),
  both,
};
