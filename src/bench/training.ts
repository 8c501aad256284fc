/** What a training step costs, as a whole and in parts, in milliseconds and measured against its matrix products alone. */
import * as tf from '@tensorflow/tfjs';
import type { Started } from '../backends/backend.js';
import type { ModelConfig } from '../core/config.js';
import type { StepNoise } from '../core/guide.js';
import { type ImageBatch, toIntensities } from '../core/images.js';
import { makeModel } from '../core/model.js';
import { compiled } from '../core/ops/compiled.js';
import type { Params } from '../core/ops/weights.js';
import { unroll } from '../core/unroll.js';
import { makeStepper, threadsFor } from '../threads/steps.js';
import { type Gradients, type Learner, partNoise, partsOf, type StepPlan, subBatches } from '../train/learner.js';
import { type KernelUse, type LibraryUse, type Watched, watchKernels, watchLibrary } from './kernels.js';
import { type RepeatOptions, type Spread, settle, spreadOf, timed } from './timing.js';
import { multiplyAdds, Yardstick } from './yardstick.js';

/** The parts are those of a step on one thread. */
export type TrainingFigures = LibraryUse & {
  batchSize: number;
  /** Images whose gradients are computed at a time. */
  subBatch: number;
  /** Threads that do the step: no more than there are sub-batches. */
  workers: number;
  stepMs: Spread;
  /** Images and noise to tensors. */
  inputsMs: Spread;
  /** From tensors to what the ELBO is made of. */
  forwardMs: Spread;
  /** From there to gradients on hand: what they take beyond inputs and forward pass. */
  backwardMs: Spread;
  /** Summing the gradients of sub-batches, and Adam. */
  adamMs: Spread;
  /** Kernel calls of a step, op by op. */
  kernels: number;
  /** All matrix products of the step alone, on one thread. */
  productsMs: Spread;
  /** The median of step / products, each pair measured one after the other. */
  stepPerProducts: number;
  multiplyAdds: number;
  /** Where the time of one step on one thread goes; `outsideMs` are the milliseconds that no kernel runs. */
  profile: KernelUse[];
  outsideMs: number;
};

/** Images and settings of a step, counted from 1. */
export type StepSource = { batchAt(step: number): ImageBatch; planAt(step: number): StepPlan };

/** Trains `learner` for a while, on its batch size, and measures. */
export async function measureTraining(
  backend: Started,
  learner: Learner,
  source: StepSource,
  { workers, warmup, repeats }: RepeatOptions & { workers: number | undefined },
): Promise<TrainingFigures> {
  const { batchSize } = learner.settings.training;
  const stepper = await makeStepper(backend, learner, workers);
  let step = 0;
  const next = (): [ImageBatch, StepPlan] => {
    step++;
    return [source.batchAt(step), source.planAt(step)];
  };
  const wholeStep = async (): Promise<void> => {
    await stepper.step(...next());
    await settleWeights(learner);
  };
  await wholeStep();
  const watchStep = (subBatch: number): Promise<Watched> => {
    const [batch, plan] = next();
    return watchKernels(() => learner.step(batch, subBatch, plan));
  };
  const unsplit = await watchStep(batchSize);
  const yardstick = new Yardstick(unsplit.products);

  const rounds: { step: number; products: number; parts: Parts }[] = [];
  for (let round = 0; round < warmup + repeats; round++) {
    const stepMs = await timed(wholeStep);
    const products = await yardstick.time();
    const parts = await timeParts(learner, ...next(), backend.subBatch);
    if (round >= warmup) rounds.push({ step: stepMs, products, parts });
  }
  const [batch, plan] = next();
  const library = await watchLibrary(() => learner.step(batch, backend.subBatch, plan));
  const watched = await watchStep(backend.subBatch);
  await stepper.close();
  yardstick.dispose();

  const partSpread = (name: keyof Parts): Spread => spreadOf(rounds.map(({ parts }) => parts[name]));
  return {
    batchSize,
    subBatch: subBatches(batchSize, backend.subBatch)[0][1],
    workers: threadsFor(backend, batchSize, workers),
    stepMs: spreadOf(rounds.map((round) => round.step)),
    inputsMs: partSpread('inputs'),
    forwardMs: partSpread('forward'),
    backwardMs: partSpread('backward'),
    adamMs: partSpread('adam'),
    kernels: watched.count,
    ...library,
    productsMs: spreadOf(rounds.map((round) => round.products)),
    stepPerProducts: spreadOf(rounds.map((round) => round.step / round.products)).median,
    multiplyAdds: multiplyAdds(unsplit.products),
    profile: watched.uses,
    outsideMs: watched.ms - watched.uses.reduce((sum, { ms }) => sum + ms, 0),
  };
}

type Parts = { inputs: number; forward: number; backward: number; adam: number };

/** As a step has it before it goes back. */
const passed = compiled(
  (config: ModelConfig, { params, images, noise }: { params: Params; images: tf.Tensor3D; noise: StepNoise[] }) =>
    unroll(makeModel(config, params), images, noise).outcome,
);

/** One step on this thread with a clock between its parts; the forward pass is run once more, alone. */
async function timeParts(learner: Learner, batch: ImageBatch, plan: StepPlan, subBatch: number): Promise<Parts> {
  const { settings, params } = learner;
  const { config } = settings;
  const spent: Parts = { inputs: 0, forward: 0, backward: 0, adam: 0 };
  const parts: Gradients[] = [];
  for (const part of partsOf(batch, subBatch)) {
    const start = performance.now();
    const images = toIntensities(part.images, config.canvas);
    const noise = partNoise(settings, plan.step, part);
    const inputs = performance.now() - start;

    const forward = await timed(async () => {
      const outcome = passed(config, { params, images, noise }, {});
      await settle(outcome.logLik);
      tf.dispose(outcome);
    });
    tf.dispose([images, noise]);

    const gradient = await timed(async () => {
      parts.push(await learner.gradients(part, plan));
    });
    spent.inputs += inputs;
    spent.forward += forward;
    spent.backward += Math.max(0, gradient - inputs - forward);
  }
  spent.adam = await timed(async () => {
    await learner.finish(parts, plan);
    await settleWeights(learner);
  });
  return spent;
}

/** Waits for the weights of a step. */
async function settleWeights(learner: Learner): Promise<void> {
  await settle(Object.values(learner.params)[0]);
}
