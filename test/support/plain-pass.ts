/**
 * The pass that explains an image, in plain differentiable tfjs ops and nothing of core/ but its weights: a second opinion
 * on every gradient, by tfjs's tape. It sees the canvas without a gradient, as the model does.
 */
import * as tf from '@tensorflow/tfjs';
import type { ModelConfig } from '#air/core/config.js';
import type { StepNoise } from '#air/core/guide.js';

type Weights = { readonly [name: string]: tf.Tensor };

/** What a pass says of each image: [B, N], [B, N+1], [B, N]. */
export type PlainPass = { zPresLogits: tf.Tensor; logLik: tf.Tensor; kl: tf.Tensor };

/** The same values; no gradient goes through. */
const stopGradient = tf.customGrad((x) => ({
  value: tf.clone(x as tf.Tensor),
  gradFunc: (dy: tf.Tensor) => tf.zerosLike(dy),
}));

function linear(weights: Weights, name: string, x: tf.Tensor): tf.Tensor {
  return tf.add(
    tf.matMul(x as tf.Tensor2D, weights[`${name}.weight`] as tf.Tensor2D, false, true),
    weights[`${name}.bias`],
  );
}

function centres(n: number): tf.Tensor {
  return tf.tensor2d([Array.from({ length: n }, (_, i) => (2 * i + 1) / n - 1)]);
}

/** Bilinear samples of pictures [B, H, W] at normalised rows [B, h] and columns [B, w], 0 outside. */
function sample(pictures: tf.Tensor, rows: tf.Tensor, columns: tf.Tensor): tf.Tensor {
  const weightsOf = (points: tf.Tensor, side: number) => {
    const pixels = tf.sub(tf.mul(tf.add(points, 1), side / 2), 0.5);
    const distances = tf.sub(tf.expandDims(pixels, 2), tf.reshape(tf.range(0, side), [1, 1, side]));
    return tf.relu(tf.sub(1, tf.abs(distances)));
  };
  const [, height, width] = pictures.shape;
  return tf.matMul(weightsOf(rows, height), tf.matMul(pictures, weightsOf(columns, width), false, true));
}

const units = { relu: tf.relu, elu: tf.elu, softplus: tf.softplus };

type Normal = { loc: number[]; scale: number[] };

/** A draw [B, D] from the normal of a head [B, 2D] that is read off a base, and its KL from the prior, [B, 1]. */
function drawNormal(head: tf.Tensor, noise: tf.Tensor, prior: Normal, base: Normal): { z: tf.Tensor; kl: tf.Tensor } {
  const [rawLoc, rawScale] = tf.split(head, 2, 1);
  const loc = tf.add(rawLoc, tf.tensor1d(base.loc));
  const scale = tf.mul(tf.softplus(rawScale), tf.tensor1d(base.scale));
  const distance = tf.div(tf.sub(loc, tf.tensor1d(prior.loc)), tf.tensor1d(prior.scale));
  const relative = tf.div(scale, tf.tensor1d(prior.scale));
  const squares = tf.add(tf.square(relative), tf.square(distance));
  const kl = tf.sum(tf.sub(tf.sub(tf.mul(squares, 0.5), 0.5), tf.log(relative)), 1, true);
  return { z: tf.add(loc, tf.mul(scale, noise)), kl };
}

export function plainPass(
  config: ModelConfig,
  weights: Weights,
  images: tf.Tensor,
  noise: readonly StepNoise[],
): PlainPass {
  const { windowSize: side, zWhatSize, guidePool: pool, likelihoodSd: sd, guideInput } = config;
  const [batch, height, width] = images.shape;
  const pixels = tf.reshape(images, [batch, -1]);
  const start = (name: string, size: number): tf.Tensor =>
    name in weights ? tf.matMul(tf.ones([batch, 1]), weights[name] as tf.Tensor2D) : tf.zeros([batch, size]);
  let [h, c] = ['h_init', 'c_init'].map((name) => start(name, config.rnnHiddenSize));
  let [where, what] = [start('z_where_init', 3), start('z_what_init', zWhatSize)];
  let canvas: tf.Tensor = tf.zeros([batch, height, width]);

  const standard = (size: number): Normal => ({ loc: Array(size).fill(0), scale: Array(size).fill(1) });
  const activate = (x: tf.Tensor): tf.Tensor => units[config.activation](x);
  /** Layers NAME.seq.0, NAME.seq.2, ..., activations in between. */
  const perceptron = (name: string, x: tf.Tensor): tf.Tensor => {
    let y = x;
    for (let i = 0; `${name}.seq.${i}.weight` in weights; i += 2) {
      y = linear(weights, `${name}.seq.${i}`, i === 0 ? y : activate(y));
    }
    return y;
  };
  /** What is seen, through an embedding of the given name if there is one. */
  const embed = (name: string, x: tf.Tensor): tf.Tensor =>
    `${name}.seq.0.weight` in weights ? activate(perceptron(name, x)) : x;
  const see = () => {
    const rest = stopGradient(tf.sub(images, canvas));
    const squares = tf.reshape(rest, [batch, height / pool, pool, width / pool, pool]);
    const pooled = tf.reshape(tf.mean(squares, [2, 4]), [batch, -1]);
    if (guideInput === 'image') return embed('embed', pixels);
    if (guideInput === 'difference') return embed('embed', pooled);
    return tf.concat([embed('embed', pixels), embed('embed_difference', pooled)], 1);
  };
  const score = () => {
    if (config.likelihood === 'bernoulli') {
      const p = tf.clipByValue(canvas, 1e-6, 1 - 1e-6);
      const ones = tf.mul(images, tf.log(p));
      return tf.sum(tf.add(ones, tf.mul(tf.sub(1, images), tf.log(tf.sub(1, p)))), [1, 2]);
    }
    const squares = tf.sum(tf.square(tf.sub(images, canvas)), [1, 2]);
    const constant = height * width * Math.log(sd * Math.sqrt(2 * Math.PI));
    return tf.sub(tf.mul(squares, -0.5 / sd ** 2), constant);
  };
  const [logits, logLik, kls]: tf.Tensor[][] = [[], [score()], []];
  for (const { where: whereNoise, what: whatNoise } of noise) {
    const input = tf.concat([see(), ...(config.guideFeedback ? [where, what, tf.ones([batch, 1])] : [])], 1);
    const fromInput = tf.add(
      tf.matMul(input, weights['rnn.weight_ih'] as tf.Tensor2D, false, true),
      weights['rnn.bias_ih'],
    );
    const fromState = tf.add(
      tf.matMul(h, weights['rnn.weight_hh'] as tf.Tensor2D, false, true),
      weights['rnn.bias_hh'],
    );
    const [i, f, g, o] = tf.split(tf.add(fromInput, fromState), 4, 1);
    c = tf.add(tf.mul(tf.sigmoid(f), c), tf.mul(tf.sigmoid(i), tf.tanh(g)));
    h = tf.mul(tf.sigmoid(o), tf.tanh(c));

    /** A head of numbers of which the last so many are raw scales. */
    const biased = (head: tf.Tensor, scales: number): tf.Tensor => {
      const [other, raw] = tf.split(head, [(head.shape[1] ?? 0) - scales, scales], 1);
      return tf.concat([other, tf.add(raw, config.zScaleBias)], 1);
    };
    const [rawLogit, ofWhere] = tf.split(biased(perceptron('predict.mlp', h), 3), [1, 6], 1);
    const logit = tf.add(rawLogit, config.zPresBias);
    const { scalePriorMean, posPriorMean, scalePriorSd, posPriorSd } = config;
    const prior = {
      loc: [scalePriorMean, posPriorMean, posPriorMean],
      scale: [scalePriorSd, posPriorSd, posPriorSd],
    };
    const base = config.zWhere === 'absolute' ? standard(3) : prior;
    const drawnWhere = drawNormal(ofWhere, whereNoise, prior, base);
    where = drawnWhere.z;
    const [s, x, y] = tf.split(where, 3, 1);
    const readScale = tf.maximum(s, 0.2);
    const at = (shift: tf.Tensor) => tf.div(tf.sub(centres(side), shift), readScale);
    const window = tf.reshape(sample(images, at(y), at(x)), [batch, side * side]);
    const ofWhat = biased(perceptron('encode.mlp', window), zWhatSize);
    const drawnWhat = drawNormal(ofWhat, whatNoise, standard(zWhatSize), standard(zWhatSize));
    what = drawnWhat.z;

    const output = tf.add(perceptron('decode.mlp', what), config.decoderOutputBias);
    const decoded = tf.mul(config.decoderOutput === 'linear' ? output : tf.sigmoid(output), config.decoderScale);
    const on = (length: number, shift: tf.Tensor) => tf.add(tf.mul(s, centres(length)), shift);
    canvas = tf.add(canvas, sample(tf.reshape(decoded, [batch, side, side]), on(height, y), on(width, x)));
    logits.push(logit);
    kls.push(tf.add(drawnWhere.kl, drawnWhat.kl));
    logLik.push(score());
  }
  return { zPresLogits: tf.concat(logits, 1), logLik: tf.stack(logLik, 1), kl: tf.concat(kls, 1) };
}
