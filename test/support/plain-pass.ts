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

/** What z_where is in a pass: normalised places in an image where a window looks, and in a window where the image does. */
type Attention = {
  prior: Normal;
  base: Normal;
  /** Locations as a perceptron says them, in those of the normal, which are relative to the base. */
  locs(raw: tf.Tensor): tf.Tensor;
  maps(z: tf.Tensor): [x: Map, y: Map];
};
type Map = { inImage(u: tf.Tensor): tf.Tensor; inWindow(u: tf.Tensor): tf.Tensor };

/** (s, x, y): u = s X + x. */
function scaleAndPosition(config: ModelConfig): Attention {
  const { scalePriorMean, posPriorMean, scalePriorSd, posPriorSd } = config;
  const prior = { loc: [scalePriorMean, posPriorMean, posPriorMean], scale: [scalePriorSd, posPriorSd, posPriorSd] };
  const base = config.zWhere === 'absolute' ? { loc: [0, 0, 0], scale: [1, 1, 1] } : prior;
  return {
    ...{ prior, base, locs: (raw) => raw },
    maps(z) {
      const [s, ...shifts] = tf.split(z, 3, 1);
      const [x, y] = shifts.map((shift) => ({
        inImage: (u: tf.Tensor) => tf.div(tf.sub(u, shift), tf.maximum(s, 0.2)),
        inWindow: (u: tf.Tensor) => tf.add(tf.mul(s, u), shift),
      }));
      return [x, y];
    },
  };
}

/** (sx, x, sy, y): X = sx u + x. */
function sidesAndCentre(config: ModelConfig): Attention {
  const { scalePriorMean, posPriorMean, scalePriorSd, posPriorSd } = config;
  const twice = (a: number, b: number) => [a, b, a, b];
  const prior = { loc: twice(scalePriorMean, posPriorMean), scale: twice(scalePriorSd, posPriorSd) };
  return {
    ...{ prior, base: { loc: [0, 0, 0, 0], scale: [1, 1, 1, 1] } },
    locs(raw) {
      const [sx, x, sy, y] = tf.split(raw, 4, 1);
      return tf.concat([tf.sigmoid(sx), tf.tanh(x), tf.sigmoid(sy), tf.tanh(y)], 1);
    },
    maps(z) {
      const [sx, x, sy, y] = tf.split(z, 4, 1);
      const axis = (side: tf.Tensor, centre: tf.Tensor) => {
        const held = tf.mul(tf.sign(side), tf.minimum(tf.maximum(tf.abs(side), 0.1), 5));
        return {
          inImage: (u: tf.Tensor) => tf.add(tf.mul(held, u), centre),
          inWindow: (u: tf.Tensor) => tf.div(tf.sub(u, centre), held),
        };
      };
      return [axis(sx, x), axis(sy, y)];
    },
  };
}

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
  const attention = (config.zWhere === 'sides' ? sidesAndCentre : scaleAndPosition)(config);
  const { prior, base } = attention;
  const size = prior.loc.length;
  let [where, what] = [start('z_where_init', size), start('z_what_init', zWhatSize)];
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
    const said = biased(perceptron('predict.mlp', h), size);
    const [rawLogit, rawLocs, rawScales] = tf.split(said, [1, size, size], 1);
    const logit = tf.add(rawLogit, config.zPresBias);
    const ofWhere = tf.concat([attention.locs(rawLocs), rawScales], 1);
    const drawnWhere = drawNormal(ofWhere, whereNoise, prior, base);
    where = drawnWhere.z;
    const [x, y] = attention.maps(where);
    const looked = sample(images, y.inImage(centres(side)), x.inImage(centres(side)));
    const window = tf.reshape(looked, [batch, side * side]);
    const ofWhat = biased(perceptron('encode.mlp', window), zWhatSize);
    const drawnWhat = drawNormal(ofWhat, whatNoise, standard(zWhatSize), standard(zWhatSize));
    what = drawnWhat.z;

    const output = tf.add(perceptron('decode.mlp', what), config.decoderOutputBias);
    const decoded = tf.mul(config.decoderOutput === 'linear' ? output : tf.sigmoid(output), config.decoderScale);
    const [rows, columns] = [y.inWindow(centres(height)), x.inWindow(centres(width))];
    canvas = tf.add(canvas, sample(tf.reshape(decoded, [batch, side, side]), rows, columns));
    logits.push(logit);
    kls.push(tf.add(drawnWhere.kl, drawnWhat.kl));
    logLik.push(score());
  }
  return { zPresLogits: tf.concat(logits, 1), logLik: tf.stack(logLik, 1), kl: tf.concat(kls, 1) };
}
