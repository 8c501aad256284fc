/**
 * What the guide looks at before each step, one variant each. The difference is what lets it find the next object
 * instead of remembering which ones it has explained; see also the difference variant (DAIR) of Eslami et al. 2016.
 */
import * as tf from '@tensorflow/tfjs';
import type { GuideInputName, ModelConfig } from './config.js';
import type { Model } from './model.js';
import { residual } from './ops/image.js';
import { type LinearTape, type MlpPass, mlp, mlpSpecs, mlpWeightGrad } from './ops/linear.js';
import { constantInputGrad, type Lstm } from './ops/lstm.js';
import type { ParamSpec } from './ops/weights.js';

/** What looking takes of a model. */
type Viewer = Pick<Model, 'config' | 'params'>;

/** Weights of an input have names that begin with `prefix`: '' for the guide's own. */
export type GuideInput = {
  /** Numbers that reach the LSTM. */
  size(config: ModelConfig): number;
  /** The weights between what is seen and the LSTM. */
  specs(config: ModelConfig, prefix: string): ParamSpec[];
  /** Prepares a batch of images [B, H, W]; what does not change between steps is computed here, once. */
  view(viewer: Viewer, images: tf.Tensor3D, prefix: string): GuideView;
};

/** Looking at a batch of images in the course of one pass: at something that stays as it is, or at something else each time. */
export type GuideView = {
  /** What is seen at every step, [B, size]; undefined: it is another each time. */
  constant: tf.Tensor2D | undefined;
  /** At each step, where nothing is constant: the canvas so far [B, H, W] -> what is seen [B, size]. */
  observe(canvas: tf.Tensor3D): tf.Tensor2D;
  /** Whether weights lead to what is seen, so that a gradient by it is wanted. */
  hasWeights: boolean;
  /**
   * Back through all that was seen, given the gradients by it, step by step, or one by what is constant, onto the tape. The
   * canvas counts as a constant here (stop-gradient): objects are drawn to explain the image, not to change what the guide
   * sees next.
   */
  backward(dSeen: readonly tf.Tensor2D[], tape: LinearTape): void;
};

/**
 * Back through all that was seen, onto the tape, however it went into an LSTM: at each step, with the gradients by it, or once, of
 * which those by the gates tell.
 */
export function backThroughView(
  view: GuideView,
  lstm: Lstm,
  { dSeen, dPres }: { dSeen: readonly tf.Tensor2D[]; dPres: readonly tf.Tensor2D[] },
  tape: LinearTape,
): void {
  if (lstm.constant === undefined) view.backward(dSeen, tape);
  else if (view.hasWeights) view.backward([constantInputGrad(lstm, dPres)], tape);
}

function embed({ config, params }: Viewer, name: string, x: tf.Tensor): MlpPass {
  return mlp(params, name, x, { hidden: config.activation, output: config.activation });
}

const image: GuideInput = {
  size: ({ canvas, embedNet }) => embedNet.at(-1) ?? canvas[0] * canvas[1],
  specs: ({ canvas, embedNet }, prefix) => mlpSpecs(`${prefix}embed`, canvas[0] * canvas[1], embedNet),
  view(viewer, images, prefix) {
    const seen = embed(viewer, `${prefix}embed`, images);
    return {
      constant: seen.y,
      hasWeights: seen.ys.length > 0,
      observe: () => seen.y,
      backward: (dSeen, tape) => mlpWeightGrad(viewer.params, seen, tf.addN([...dSeen]), tape),
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
    specs: (config, prefix) => mlpSpecs(prefix + name, pooledSize(config), config.embedNet),
    view(viewer, images, prefix) {
      const { config, params } = viewer;
      const seen: MlpPass[] = [];
      return {
        constant: undefined,
        hasWeights: config.embedNet.length > 0,
        observe(canvas) {
          seen.push(embed(viewer, prefix + name, residual(images, canvas, config.guidePool)));
          return seen[seen.length - 1].y;
        },
        backward(dSeen, tape) {
          for (const [t, pass] of seen.entries()) mlpWeightGrad(params, pass, dSeen[t], tape);
        },
      };
    },
  };
}

const besideImage = difference('embed_difference');

const both: GuideInput = {
  size: (config) => image.size(config) + besideImage.size(config),
  specs: (config, prefix) => [...image.specs(config, prefix), ...besideImage.specs(config, prefix)],
  view(viewer, images, prefix) {
    const views = [image.view(viewer, images, prefix), besideImage.view(viewer, images, prefix)];
    const sizes = [image.size(viewer.config), besideImage.size(viewer.config)];
    return {
      constant: undefined,
      hasWeights: viewer.config.embedNet.length > 0,
      observe(canvas) {
        const seen = views.map((view) => view.observe(canvas));
        return tf.concat(seen, 1);
      },
      backward(dSeen, tape) {
        const parts = dSeen.map((d) => tf.split(d, sizes, 1) as tf.Tensor2D[]);
        for (const [i, view] of views.entries()) {
          const ofView = parts.map((part) => part[i]);
          view.backward(ofView, tape);
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
