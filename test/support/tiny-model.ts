/** A model small enough to be computed many times over, and images for it. */
import { startBackend } from '#air/backends/start.js';
import type { ModelConfig } from '#air/core/config.js';
import { geometricLogProbs } from '#air/core/count.js';
import { type ImageBatch, joinImages } from '#air/core/images.js';
import type { HostTensors } from '#air/core/ops/weights.js';
import { Draws } from '#air/core/rng.js';
import { PRESETS } from '#air/presets.js';
import type { TrainConfig } from '#air/train/config.js';
import { Learner } from '#air/train/learner.js';
import type { StepPlan } from '#air/train/plan.js';

export const TINY: ModelConfig = {
  ...PRESETS.small.model,
  canvas: [12, 10],
  windowSize: 5,
  zWhatSize: 4,
  rnnHiddenSize: 8,
  predictNet: [6],
  encoderNet: [7],
  decoderNet: [7],
  embedNet: [6],
  zPresPrior: 0.1,
};

export const TINY_TRAINING: TrainConfig = { ...PRESETS.small.training, steps: 20, batchSize: 6, seed: 3 };

/** Images `from`, `from` + 1, ... of one and the same sequence: a bright bar each, somewhere. */
export function bars(size: number, from = 0, [height, width] = TINY.canvas): ImageBatch {
  const images = Array.from({ length: size }, (_, b) => {
    const draws = new Draws(9, 'scenes', from + b);
    const [top, left] = [draws.integer(height - 4), draws.integer(width - 2)];
    const image = new Uint8Array(height * width);
    for (let row = top; row < top + 4; row++) {
      for (let column = left; column < left + 2; column++) image[row * width + column] = 155 + draws.integer(100);
    }
    return image;
  });
  return joinImages(images);
}

/** A step at this learning rate, under the tiny model's prior over the count. */
export function stepPlan(step: number, rate: number): StepPlan {
  const logPrior = geometricLogProbs(TINY.zPresPrior, TINY.modelSteps);
  return { step, rates: { model: rate, baseline: rate }, logPrior, wantsNorm: false };
}

/** Weights that have learnt a little from the bars: enough to count some images as empty and some not. */
export async function trainTiny(): Promise<HostTensors> {
  await startBackend('wasm');
  const learner = new Learner({ config: TINY, training: TINY_TRAINING });
  for (let step = 1; step <= 300; step++) {
    await learner.step(bars(16, 16 * step), 64, stepPlan(step, 0.03));
  }
  const weights = await learner.read('params');
  learner.dispose();
  return weights;
}
