/** One run of `air bench`: real scenes in, all figures out. */
import type { BackendName } from '../../backends/names.js';
import { startBackend } from '../../backends/start.js';
import { measureInference } from '../../bench/inference.js';
import { describeMachine, measureStartup } from '../../bench/machine.js';
import { peakRssBytes, watchMemory } from '../../bench/memory.js';
import { type RepeatOptions, spreadOf, timed } from '../../bench/timing.js';
import { measureTraining, type StepSource, type TrainingFigures } from '../../bench/training.js';
import { joinImages } from '../../core/images.js';
import { makeModel } from '../../core/model.js';
import { PYRO_SCENES, SceneComposer } from '../../data/scenes.js';
import type { Io } from '../../io/io.js';
import { PRESETS, type PresetName } from '../../presets.js';
import { SceneMaker } from '../../threads/scene-maker.js';
import { type Checkpoint, differences } from '../../train/checkpoint.js';
import type { Settings } from '../../train/config.js';
import { Learner } from '../../train/learner.js';
import type { StepPlan } from '../../train/plan.js';
import { learningRatesAt, logPriorAt } from '../../train/schedule.js';
import { bundledDigits, readDigits } from '../shared/digit-files.js';
import { readModel } from '../shared/model-file.js';

export type BenchOptions = RepeatOptions & {
  batchSize: readonly number[];
  preset: PresetName;
  /** Of a trained model. */
  model: string | undefined;
  /** Steps of watching memory; 0 for none. */
  steps: number;
  workers: number | undefined;
  backend: BackendName | 'auto';
};

const INFER_BATCH = 256;
/** Scenes made per measurement, and images kept to train on: many enough that no cache holds them. */
const SCENES_PER_ROUND = 256;
const IMAGES = 2048;

export type BenchFigures = Awaited<ReturnType<typeof runBench>>;

/** Measures everything, one after the other. */
export async function runBench(options: BenchOptions, io: Io) {
  const machine = describeMachine();
  io.messages.detail('making scenes');
  const { images, perSecond: scenesPerSecond } = await measureScenes(options, io);
  const backend = await startBackend(options.backend);
  const { name, detail, identity, canThread, below } = backend;
  const { config, training: recipe, trained } = await subjectOf(options, io);

  const training: TrainingFigures[] = [];
  for (const batchSize of options.batchSize) {
    io.messages.detail(`training steps of ${batchSize} images`);
    const settings: Settings = { config, training: { ...recipe, batchSize, sumPairs: 0, sumTriples: 0 } };
    const fresh = new Learner(settings);
    const late = trained && startAt(trained, settings);
    const { batchAt, planAt } = sourceOf(images, settings);
    const source = { batchAt, planAt: (step: number) => ({ ...planAt(step), rates: STILL }) };
    training.push(await measureTraining(backend, { fresh, late }, source, { ...options, warm: options.warmup > 0 }));
    fresh.dispose();
    late?.dispose();
  }
  const peakRssOfTrainingBytes = peakRssBytes();

  io.messages.detail('explaining images');
  const learner = new Learner({ config, training: recipe });
  const model = makeModel(config, learner.params);
  const inference = await measureInference(backend, model, joinImages(images.slice(0, INFER_BATCH)), options);
  learner.dispose();

  const memory = options.steps > 0 ? await memoryOverSteps() : [];
  io.messages.detail('starting up');
  const startup = await measureStartup(options);
  return {
    machine,
    backend: { name, detail, identity, canThread, libraryOpsAre: below?.what },
    preset: options.model === undefined ? options.preset : undefined,
    model: options.model,
    repeats: options.repeats,
    training,
    inference,
    scenesPerSecond,
    startup,
    peakRssOfTrainingBytes,
    peakRssBytes: peakRssBytes(),
    memory,
  };

  async function memoryOverSteps() {
    const settings = { config, training: { ...recipe, batchSize: options.batchSize[0], steps: options.steps } };
    const progress = io.messages.progress(options.steps, 'steps');
    const learner = new Learner(settings);
    const source = sourceOf(images, settings);
    const samples = await watchMemory(backend, learner, source, { ...options, onStep: progress.update });
    learner.dispose();
    progress.stop();
    return samples;
  }
}

/** Rates of steps after which weights are what they were: a fresh model stays fresh, a trained one trained. */
const STILL: StepPlan['rates'] = { model: 0, baseline: 0 };

/** What to train: the settings of a model or of a preset, and a model that has been trained with them, if there is one. */
async function subjectOf({ model, preset }: BenchOptions, io: Io): Promise<Settings & { trained?: Checkpoint }> {
  if (model !== undefined) {
    const trained = await readModel(model, io);
    return { config: trained.config, training: trained.training, trained };
  }
  const { model: config, training } = PRESETS[preset];
  const shipped = await readModel('digits', io);
  const isOfPreset = differences(shipped, { config, training }).length === 0;
  return { config, training, ...(isOfPreset ? { trained: shipped } : {}) };
}

/** A learner with the weights of a model, and with what the optimiser remembers in the state of a run. */
function startAt(checkpoint: Checkpoint, settings: Settings): Learner {
  const learner = new Learner(settings);
  learner.restore(checkpoint);
  return learner;
}

/** How many scenes a second gen-data makes and encodes on one thread; and some of them, to compute on. */
async function measureScenes({ warmup, repeats }: RepeatOptions, io: Io) {
  const digits = await readDigits(bundledDigits(), { split: 'train' }, io);
  const maker = new SceneMaker({ digits, options: PYRO_SCENES, seed: 0 });
  const rates: number[] = [];
  for (let round = 0; round < warmup + repeats; round++) {
    const first = round * SCENES_PER_ROUND;
    const ms = await timed(async () => maker.make({ first, end: first + SCENES_PER_ROUND }));
    if (round >= warmup) rates.push((1000 * SCENES_PER_ROUND) / ms);
  }
  const composer = new SceneComposer(digits, PYRO_SCENES);
  const images = Array.from({ length: IMAGES }, (_, i) => composer.compose(0, i).image);
  return { images, perSecond: spreadOf(rates) };
}

/**
 * Step by step through the images, again and again, by the schedule of the recipe. In place of sums, which depend on what
 * a model has learnt, the images of some more scenes: their number changes from step to step, as that of sums does.
 */
function sourceOf(images: readonly Uint8Array[], settings: Settings): StepSource {
  const { training } = settings;
  const { batchSize, sumPairs } = training;
  const sizeAt = (step: number): number => batchSize + 2 * (step % (sumPairs + 1));
  return {
    batchAt: (step) =>
      joinImages(Array.from({ length: sizeAt(step) }, (_, b) => images[((step - 1) * batchSize + b) % images.length])),
    planAt: (step) => ({
      step,
      rates: learningRatesAt(training, step),
      logPrior: logPriorAt(settings, step),
      wantsNorm: false,
      counts: Array.from({ length: sizeAt(step) }, (_, b) => (b < batchSize ? -1 : 2 - (b % 2))),
    }),
  };
}
