/** Scenes from the prior: what a model believes images look like before it sees one. */
import * as tf from '@tensorflow/tfjs';
import { windowSizeOf } from './config.js';
import { logCountPrior } from './count.js';
import { toBytes } from './images.js';
import type { Box } from './latent.js';
import { decode, type Model } from './model.js';
import { placeWindows } from './ops/place-windows.js';
import { Draws } from './rng.js';
import { wheres } from './where.js';

export type SampledScene = {
  i: number;
  /** [H, W] uint8, the mean image */
  image: Uint8Array;
  /** [x, y, w, h] in px, one per object */
  boxes: Box[];
};

/** Of these numbers one, each as often; without them how many objects the prior over the count has. */
function drawCount(draws: Draws, logProbs: readonly number[], numbers: readonly number[] | undefined): number {
  let u = draws.uniform(); // one number whatever is asked for, so that the rest does not change
  if (numbers !== undefined) return numbers[Math.floor(u * numbers.length)];
  for (let n = 0; n < logProbs.length - 1; n++) {
    u -= Math.exp(logProbs[n]);
    if (u < 0) return n;
  }
  return logProbs.length - 1;
}

/**
 * Draws scenes; scene i depends on (seed, i) only.
 *
 * @param objects in each scene: so many, or one of these numbers, each as often; undefined: as many as the prior has
 */
export async function sampleScenes(
  model: Model,
  indices: readonly number[],
  { seed, objects }: { seed: number; objects: number | readonly number[] | undefined },
): Promise<SampledScene[]> {
  const { config } = model;
  const { canvas, modelSteps, zWhatSize } = config;
  const { size, prior, affine, box } = wheres[config.zWhere];
  const { loc, scale } = prior(config);
  const logProbs = logCountPrior(config);
  const numbers = typeof objects === 'number' ? [objects] : objects;
  const scenes = indices.map((i) => {
    const draws = new Draws(seed, 'prior', i);
    const n = drawCount(draws, logProbs, numbers);
    const parts = Array.from({ length: modelSteps }, () => ({
      where: loc.map((mean, d) => mean + scale[d] * draws.normal()),
      what: [...draws.fillNormal(new Float32Array(zWhatSize))],
    }));
    return { i, parts: parts.slice(0, n) };
  });

  const batch = scenes.length;
  const images = tf.tidy(() => {
    let sum: tf.Tensor3D = tf.zeros([batch, ...canvas]);
    for (let t = 0; t < modelSteps; t++) {
      const present = tf.tensor2d(
        scenes.map(({ parts }) => Number(t < parts.length)),
        [batch, 1],
      );
      const where = tf.tensor2d(
        scenes.map(({ parts }) => parts[t]?.where ?? Array(size).fill(1)),
        [batch, size],
      );
      const nothing = Array(zWhatSize).fill(0);
      const what = tf.tensor2d(
        scenes.map(({ parts }) => parts[t]?.what ?? nothing),
        [batch, zWhatSize],
      );
      // nothing is drawn of an object that is not there: a window full of zeros
      const windows = tf.mul(decode(model, what).windows, present) as tf.Tensor2D;
      sum = placeWindows(windows, affine(where), windowSizeOf(config), sum);
    }
    return sum;
  });
  const pixels = (await images.data()) as Float32Array;
  images.dispose();
  const area = canvas[0] * canvas[1];
  return scenes.map(({ i, parts }, b) => ({
    i,
    image: toBytes(pixels.subarray(b * area, (b + 1) * area)),
    boxes: parts.map(({ where }) => box(where, canvas)),
  }));
}
