/** One training gradient of the small preset on the wasm backend of this thread, as bytes. */
import { createHash } from 'node:crypto';
import * as tf from '@tensorflow/tfjs';
import { startWasm } from '#air/backends/wasm/start.js';
import { geometricLogProbs } from '#air/core/count.js';
import { makeModel } from '#air/core/model.js';
import { initialParams } from '#air/core/parameters.js';
import { Draws } from '#air/core/rng.js';
import { makeNoise } from '#air/core/unroll.js';
import { PRESETS } from '#air/presets.js';
import { elboGradients, elbosOf } from '../../support/estimates.js';

export type GradientBytes = {
  /** sha256 of all gradients, in order of their names */
  digest: string;
  /** ELBO of each image */
  elbo: number[];
};

/** The first `batch` images of one and the same sequence. */
export async function trainingGradient({ batch }: { batch: number }): Promise<GradientBytes> {
  await startWasm();
  const { model: config } = PRESETS.small;
  const params = initialParams(config, 1);
  const model = makeModel(config, params);
  const [height, width] = config.canvas;
  const pixels = new Float32Array(batch * height * width);
  for (let b = 0; b < batch; b++) {
    const draws = new Draws(1, 'scenes', b);
    const image = pixels.subarray(b * height * width, (b + 1) * height * width);
    image.forEach((_, i) => {
      image[i] = draws.uniform();
    });
  }
  const images = tf.tensor3d(pixels, [batch, height, width]);
  const noise = makeNoise(
    config,
    Array.from({ length: batch }, (_, b) => new Draws(1, 'trainNoise', 1, b)),
  );
  const logPrior = geometricLogProbs(1e-3, config.modelSteps);
  const { gradients, outcome } = elboGradients(model, images, noise, logPrior, batch);
  const hash = createHash('sha256');
  for (const name of Object.keys(gradients).sort()) hash.update(new Uint8Array((await gradients[name].data()).buffer));
  const elbo = await elbosOf(outcome, logPrior);
  tf.dispose([params, model.priors, images, noise, gradients]);
  return { digest: hash.digest('hex'), elbo };
}
