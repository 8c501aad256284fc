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
import { type Gradients, Learner, partNoise, partsOf, subBatches } from '../train/learner.js';
import type { StepPlan } from '../train/plan.js';
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
  /** Steps until they got no faster, before any was measured: each thread has compilers of its own to warm up. */
  warmSteps: number;
  /** The mean of the first hundred of them, as every short run has them; absent if there were fewer. */
  coldMs?: number;
  /** The same step at the weights of a trained model, and the median of that / fresh, each pair measured one after the other. */
  late?: { stepMs: Spread; perFresh: number };
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

/** What steps are measured with. */
export type Subjects = {
  /** With the weights it begins with. */
  fresh: Learner;
  /** With those of a trained model; none: no late step is measured. */
  late?: Learner | undefined;
};

/** How often to measure: after `warmup` rounds that do not count; with `warm`, only once steps get no faster. */
export type TrainingOptions = RepeatOptions & { workers: number | undefined; warm: boolean };

/** Steps on the batch size of the learners, measured in turn. The source's rates say whether weights stay as they are. */
export async function measureTraining(
  backend: Started,
  { fresh: learner, late }: Subjects,
  source: StepSource,
  { workers, warm, warmup, repeats }: TrainingOptions,
): Promise<TrainingFigures> {
  const { batchSize } = learner.settings.training;
  let step = 0;
  const next = (): [ImageBatch, StepPlan] => {
    step++;
    return [source.batchAt(step), source.planAt(step)];
  };
  const stepsOf = async (measured: Learner) => {
    const stepper = await makeStepper(backend, measured, workers);
    const whole = async (): Promise<void> => {
      await stepper.step(...next());
      await settleWeights(measured);
    };
    const once = () => timed(whole);
    /** As in a run, in which one step follows the other: after others have computed, threads and caches have gone cold. */
    const inRow = async (): Promise<number> => {
      await once();
      return (
        (await timed(async () => {
          for (let i = 0; i < IN_ROW; i++) await whole();
        })) / IN_ROW
      );
    };
    return { once, inRow, close: () => stepper.close() };
  };
  const fresh = await stepsOf(learner);
  const alone = new Learner(learner.settings); // whose steps are this thread's
  const trained = late && (await stepsOf(late));
  const heat = warm ? await warmUp(fresh.once) : { steps: 1, firstMs: [await fresh.once()] };
  if (trained) await (warm ? warmUp(trained.once) : trained.once());
  const stepAlone = (subBatch: number) => {
    const [batch, plan] = next();
    return alone.step(batch, subBatch, plan);
  };
  const watchStep = (subBatch: number): Promise<Watched> => watchKernels(() => stepAlone(subBatch));
  await stepAlone(batchSize);
  const unsplit = await watchStep(batchSize);
  const yardstick = new Yardstick(unsplit.products);

  const rounds: { step: number; late: number; products: number; parts: Parts }[] = [];
  for (let round = 0; round < warmup + repeats; round++) {
    const stepMs = await fresh.inRow();
    const lateMs = trained ? await trained.inRow() : Number.NaN;
    const products = await yardstick.time();
    const parts = await timeParts(alone, ...next(), backend.subBatch);
    if (round >= warmup) rounds.push({ step: stepMs, late: lateMs, products, parts });
  }
  const library = await watchLibrary(() => stepAlone(backend.subBatch), backend);
  const watched = await watchStep(backend.subBatch);
  await Promise.all([fresh.close(), trained?.close()]);
  yardstick.dispose();
  alone.dispose();

  const partSpread = (name: keyof Parts): Spread => spreadOf(rounds.map(({ parts }) => parts[name]));
  return {
    batchSize,
    subBatch: subBatches(batchSize, backend.subBatch)[0][1],
    workers: threadsFor(backend, batchSize, workers),
    stepMs: spreadOf(rounds.map((round) => round.step)),
    warmSteps: heat.steps,
    ...(heat.firstMs.length < COLD ? {} : { coldMs: heat.firstMs.reduce((sum, ms) => sum + ms, 0) / COLD }),
    ...(trained ? { late: lateFigures(rounds) } : {}),
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

/** Steps that are timed one after the other. */
const IN_ROW = 3;

/** The first steps of a run, which every short one has. */
const COLD = 100;

/** Steps are looked at so many at a time; they get no faster when the median is not by a fiftieth below the least before. */
const WINDOW = 25;
const FASTER = 0.98;
const MOST_STEPS = 600;

/** Steps until they get no faster, the first hundred at least; `time` takes one and says how many ms it took. */
export async function warmUp(time: () => Promise<number>): Promise<{ steps: number; firstMs: number[] }> {
  const firstMs: number[] = [];
  let least = Number.POSITIVE_INFINITY;
  for (let steps = WINDOW; ; steps += WINDOW) {
    const window: number[] = [];
    for (let i = 0; i < WINDOW; i++) window.push(await time());
    if (firstMs.length < COLD) firstMs.push(...window);
    const { median } = spreadOf(window);
    if ((steps >= COLD && median > FASTER * least) || steps >= MOST_STEPS) return { steps, firstMs };
    least = Math.min(least, median);
  }
}

function lateFigures(rounds: readonly { step: number; late: number }[]): { stepMs: Spread; perFresh: number } {
  return {
    stepMs: spreadOf(rounds.map(({ late }) => late)),
    perFresh: spreadOf(rounds.map(({ step, late }) => late / step)).median,
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
