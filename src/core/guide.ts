/** The inference side, q(z | x): an LSTM that explains an image one object at a time. */
import * as tf from '@tensorflow/tfjs';
import type { ModelConfig } from './config.js';
import { type NormalDraw, type NormalPrior, normalFromHead } from './distributions.js';
import { lstmCell, mlp, type Params } from './nn.js';
import { readWindows } from './spatial.js';

/** What the guide carries from step to step. */
export type GuideState = {
  /** [B, hidden] */
  h: tf.Tensor2D;
  c: tf.Tensor2D;
  /** [B, 3], [B, Z], [B, 1]: the object before */
  zWhere: tf.Tensor2D;
  zWhat: tf.Tensor2D;
  zPres: tf.Tensor2D;
};

export type Priors = { where: NormalPrior; what: NormalPrior };

/** Standard normal draws for one step: zeros give the mean of the posterior. */
export type StepNoise = { where: tf.Tensor2D; what: tf.Tensor2D };

export type GuideStep = {
  /** [B, 1], logit of the probability that there is one more object */
  zPresLogits: tf.Tensor2D;
  /** z_where = (s, x, y) */
  where: NormalDraw;
  what: NormalDraw;
  /** [B, h, w], what the guide attended to */
  windows: tf.Tensor3D;
  state: GuideState;
};

/** z_where ~ N([scale, pos, pos], ...), z_what ~ N(0, I). Caller disposes. */
export function makePriors(config: ModelConfig): Priors {
  const { scalePriorMean, scalePriorSd, posPriorMean, posPriorSd, zWhatSize } = config;
  return {
    where: {
      loc: tf.tensor1d([scalePriorMean, posPriorMean, posPriorMean]),
      scale: tf.tensor1d([scalePriorSd, posPriorSd, posPriorSd]),
    },
    what: { loc: tf.zeros([zWhatSize]), scale: tf.ones([zWhatSize]) },
  };
}

/** The trainable state before the first object. */
export function initialState(params: Params, batch: number): GuideState {
  // a sum broadcasts; tf.tile would too, but its gradient is a loop over the batch
  const forEach = (name: string) => tf.add(tf.zeros([batch, 1]), params[name]) as tf.Tensor2D;
  return {
    h: forEach('h_init'),
    c: forEach('c_init'),
    zWhere: forEach('z_where_init'),
    zWhat: forEach('z_what_init'),
    zPres: tf.ones([batch, 1]),
  };
}

/**
 * One step: look, decide whether there is one more object, where it is, and what it is.
 *
 *   seen   [B, size]   what the guide sees (see guide-input.ts)
 *   images [B, H, W]   what it reads its window from
 *
 * The state returned takes the object as present (z_pres = 1); the count is the objective's business.
 */
export function guideStep(
  params: Params,
  config: ModelConfig,
  priors: Priors,
  seen: tf.Tensor2D,
  images: tf.Tensor3D,
  before: GuideState,
  noise: StepNoise,
): GuideStep {
  const { windowSize } = config;
  const [batch] = images.shape;
  const input = tf.concat([seen, before.zWhere, before.zWhat, before.zPres], 1);
  const { h, c } = lstmCell(params, 'rnn', input, before);

  const head = mlp(params, 'predict.mlp', h); // [B, 7] = z_pres logit, z_where loc, z_where raw scale
  const zPresLogits = tf.slice(head, [0, 0], [batch, 1]);
  const where = normalFromHead(head, noise.where, priors.where, 1);

  const windows = readWindows(images, where.sample, [windowSize, windowSize]);
  const code = mlp(params, 'encode.mlp', tf.reshape(windows, [batch, windowSize ** 2])); // [B, 2Z]
  const what = normalFromHead(code, noise.what, priors.what);

  return {
    zPresLogits,
    where,
    what,
    windows,
    state: { h, c, zWhere: where.sample, zWhat: what.sample, zPres: before.zPres },
  };
}
