/** The settings of a model and of its training as options: keys and ranges are those of the tables of settings. */
import type { BackendName } from '../../backends/names.js';
import { flagName, type OptionTable, type OptionValues, usage } from '../../cli/command.js';
import { isSure, MODEL_SETTINGS, type ModelConfig, seesNothing, WITH_BASELINE } from '../../core/config.js';
import { PRESET_NAMES, PRESETS, type PresetName } from '../../presets.js';
import { type Settings, TRAIN_SETTINGS, type TrainConfig } from '../../train/config.js';
import { settingOptions } from './setting-options.js';

const model = { group: 'Model' };
const prior = { group: 'Prior' };
const optimiser = { group: 'Optimiser' };
const estimator = { group: 'Estimator of the gradient by the count' };
const sums = { group: 'Sums of images of one object each, to learn counting without labels' };

/** Help shows what the first preset has; those that go by other recipes are too many to be listed at every option. */
const SHOWN = PRESETS[PRESET_NAMES[0]];

export const modelOptions = settingOptions(MODEL_SETTINGS, SHOWN.model, {
  modelSteps: { ...model, help: 'the most objects an image can hold' },
  windowSize: { ...model, value: 'PX', help: 'side of the attention window' },
  zWhatSize: { ...model, help: 'numbers that describe what an object looks like' },
  rnnHiddenSize: { ...model, help: 'units of the LSTM' },
  guideInput: { ...model, help: 'what the guide sees before each step' },
  guidePool: { ...model, value: 'PX', help: 'the difference is averaged over squares of this side' },
  embedNet: { ...model, help: 'hidden layers between what the guide sees and the LSTM' },
  predictNet: { ...model, help: 'hidden layers from the LSTM to z_pres and z_where' },
  encoderNet: { ...model, help: 'hidden layers from the window to z_what' },
  decoderNet: { ...model, help: 'hidden layers from z_what to the window' },
  decoderOutputBias: { ...model, help: "added to the decoder's logits, so that a new model is blank" },
  decoderOutput: { ...model, help: "what the decoder's last layer does" },
  decoderScale: { ...model, help: 'what every pixel of an object is multiplied with' },
  guideFeedback: { ...model, help: 'whether the LSTM sees the object before' },
  initialState: { ...model, help: "the guide's state before the first object" },
  zPresBias: { ...model, help: "added to the guide's logit of z_pres" },
  zScaleBias: { ...model, help: 'added to what the scales of z_where and z_what are the softplus of' },
  zWhere: {
    ...model,
    help: 'z_where is scale and position, said from the prior on or from 0 on; or the sides and centre of the window',
  },
  activation: { ...model, help: 'what units of hidden layers do' },
  likelihood: { ...model, help: 'how an image differs from its mean' },
  likelihoodSd: { ...model, help: 'standard deviation of a pixel given its mean' },
  zPresPrior: { ...prior, value: 'K', help: 'each further object is K times as likely' },
  countPrior: { ...prior, help: 'trials: it is there with probability K; success: the first too, P(0) ~ 1 - K' },
  scalePriorMean: { ...prior, help: 'mean of the scale s; an object is 1/s of the canvas wide, or s for sides' },
  scalePriorSd: { ...prior, help: 'standard deviation of the scale s' },
  posPriorMean: { ...prior, help: 'mean of the position, 0 is the middle' },
  posPriorSd: { ...prior, help: 'standard deviation of the position' },
});

export const trainingOptions = settingOptions(TRAIN_SETTINGS, SHOWN.training, {
  steps: { ...optimiser, min: 1, help: 'training steps' },
  batchSize: { ...optimiser, short: 'b', help: 'images a step' },
  learningRate: { ...optimiser, help: 'at its highest' },
  warmup: { ...optimiser, value: 'STEPS', help: 'rates rise over so many steps first' },
  schedule: { ...optimiser, help: 'how rates go on: as they are, or down to 0' },
  clipNorm: { ...optimiser, help: 'the longest gradient; longer ones are shortened to it; 0: none is' },
  optimiser: { ...optimiser, help: 'Adam, or centred RMSProp with momentum' },
  adamBeta1: { ...optimiser, help: 'decay of the first moment' },
  adamBeta2: { ...optimiser, help: 'decay of the second moment' },
  adamEpsilon: { ...optimiser, help: "Adam's epsilon" },
  rmspropDecay: { ...optimiser, help: 'decay of the mean gradient and the mean square' },
  rmspropMomentum: { ...optimiser, help: 'what of a step the next one repeats' },
  rmspropEpsilon: { ...optimiser, help: 'added to the variance, under the root' },
  annealPrior: { ...prior, help: 'how K gets to --z-pres-prior' },
  annealPriorFrom: { ...prior, value: 'K', help: 'where K begins' },
  annealPriorBegin: { ...prior, value: 'STEP', help: 'after this step' },
  annealPriorDuration: { ...prior, value: 'STEPS', help: 'over so many steps' },
  annealTrialsOf: {
    ...prior,
    help: "anneal each trial's probability in place of K, from those of this prior to those of --count-prior",
  },
  estimator: { ...estimator, help: 'sum over all counts, draw one and learn from its cost, or weigh passes' },
  baseline: { ...estimator, help: `of ${WITH_BASELINE.join(', ')}: what learns to expect the cost` },
  baselineLearningRate: { ...estimator, help: 'learning rate of the baseline' },
  baselineScalar: { ...estimator, help: 'what the output of the baseline is multiplied with' },
  iwaeSamples: { ...estimator, value: 'K', help: 'of iwae: passes an image' },
  blPredictNet: { ...estimator, help: 'hidden layers of the baseline, from its LSTM, or its input, to its output' },
  masking: { ...estimator, help: 'of nvil, reinforce: off, training also pays for objects after the stop' },
  sumPairs: { ...sums, value: 'N', help: 'sums a step; 0 trains on the ELBO alone' },
  sumTriples: { ...sums, value: 'N', help: 'sums of three a step, which teach to go on to a third object' },
  sumWeight: { ...sums, help: 'what their log q(count) weighs beside the ELBO' },
  sumFrom: { ...sums, value: 'STEP', help: 'the first step with sums' },
  sumPlaces: {
    ...sums,
    help: 'sums of two: one is moved near the other; or each stays where it is, as often close together as in scenes',
  },
  sumReach: { ...sums, value: 'PX', help: 'of near: the largest distance between the two' },
});

type ConfigOptions = OptionValues<typeof modelOptions & typeof trainingOptions>;

/** Settings of a file, and which options the command line has. */
type Source = { fromFile?: { readonly [key: string]: unknown }; given?: ReadonlySet<string> };

/**
 * The preset, with what a file says in its place, and what the command line says in place of both.
 *
 * @throws AirError 'usage' if the prior is to be annealed in two ways at once
 */
export function configFrom(
  options: ConfigOptions & { preset: PresetName; seed: number; annealPriorTo?: number | undefined },
  { fromFile = {}, given = new Set() }: Source = {},
): Settings {
  const { model: modelPreset, training: trainingPreset } = PRESETS[options.preset];
  // those with a default of their own count only if they are given
  const typed = Object.entries(options).filter(([key, value]) => {
    return value !== undefined && (given.has(key) || fromFile[key] === undefined);
  });
  const settings: { [key: string]: unknown } = { ...fromFile, ...Object.fromEntries(typed) };
  const overlay = <T extends object>(preset: T): T =>
    Object.fromEntries(Object.entries(preset).map(([key, value]) => [key, settings[key] ?? value])) as T;
  const asSet = { config: overlay(modelPreset), training: overlay(trainingPreset) };
  return options.annealPriorTo === undefined ? asSet : annealedTo(options.annealPriorTo, asSet, given);
}

/** The probability that torch takes for any smaller one of a Bernoulli distribution: a float32's epsilon. */
const TORCH_LEAST = 2 ** -23;

/** As Pyro's example anneals: the trials of the prior that is asked for decay, each by itself, to one probability. */
function annealedTo(to: number, { config, training }: Settings, given: ReadonlySet<string>): Settings {
  const other = (['annealPriorFrom', 'annealTrialsOf'] as const).find((key) => given.has(key));
  if (other !== undefined) {
    throw usage(`--anneal-prior-to and --${flagName(other)} exclude each other`, 'the first begins at --z-pres-prior');
  }
  if (training.annealPrior === 'none') {
    throw usage('--anneal-prior-to does nothing without --anneal-prior lin or exp', 'leave it out, or give both');
  }
  return {
    config: { ...config, countPrior: 'trials', zPresPrior: Math.max(to, TORCH_LEAST) },
    training: { ...training, annealPriorFrom: config.zPresPrior, annealTrialsOf: config.countPrior },
  };
}

/** A setting as it is typed. */
export function asTyped(key: string, value: unknown): string {
  const options: OptionTable = { ...modelOptions, ...trainingOptions };
  return options[key]?.format(value) ?? JSON.stringify(value);
}

const FOR_BASELINE = ['estimator', ...WITH_BASELINE] as const;

/** Options that do nothing unless another has one of these values. */
const ONLY_WITH = {
  baseline: FOR_BASELINE,
  baselineLearningRate: FOR_BASELINE,
  baselineScalar: FOR_BASELINE,
  blPredictNet: FOR_BASELINE,
  iwaeSamples: ['estimator', 'iwae'],
  likelihoodSd: ['likelihood', 'gaussian'],
  sumReach: ['sumPlaces', 'near'],
  adamBeta1: ['optimiser', 'adam'],
  adamBeta2: ['optimiser', 'adam'],
  adamEpsilon: ['optimiser', 'adam'],
  rmspropDecay: ['optimiser', 'rmsprop'],
  rmspropMomentum: ['optimiser', 'rmsprop'],
  rmspropEpsilon: ['optimiser', 'rmsprop'],
} as const;

/**
 * What the table cannot say: which settings fit together.
 *
 * @param given keys of the options on the command line
 * @throws AirError 'usage' if one would do nothing, or if the prior leaves all but one count impossible
 */
export function checkTogether({ config, training }: Settings, given: ReadonlySet<string>): void {
  const settings: { [key: string]: unknown } = { ...config, ...training };
  for (const [key, [other, ...values]] of Object.entries(ONLY_WITH)) {
    if (!given.has(key) || values.some((value) => value === settings[other])) continue;
    const needed = `--${flagName(other)} ${values.join(' or ')}`;
    throw usage(`--${flagName(key)} does nothing without ${needed}`, 'leave it out, or give both');
  }
  checkUnmasked(training);
  const { annealPrior, annealPriorFrom, annealTrialsOf } = training;
  const begins = annealTrialsOf === 'none' ? config.countPrior : annealTrialsOf;
  const beginsSure = annealPrior !== 'none' && isSure(begins, annealPriorFrom);
  if (!beginsSure && !isSure(config.countPrior, config.zPresPrior)) return;
  throw usage(
    `--count-prior ${config.countPrior}: a probability of 1 leaves no image with ${config.countPrior === 'trials' ? 'fewer objects than --model-steps' : 'no object'}`,
    'give --z-pres-prior and --anneal-prior-from below 1',
  );
}

/** @throws AirError 'usage' if masking is off where objects after the stop have no cost, or steps ahead would be seen */
function checkUnmasked({ masking, estimator, baseline, sumPairs, sumTriples }: TrainConfig): void {
  if (masking) return;
  const refuse = (what: string, wayOut: string) => usage(`--masking off: ${what}`, wayOut);
  if (estimator !== 'nvil' && estimator !== 'reinforce') {
    throw refuse(`--estimator ${estimator} does not draw a count to follow`, 'give --estimator nvil or reinforce');
  }
  if (estimator === 'nvil' && baseline === 'mlp') {
    throw refuse('--baseline mlp would see what the drawn count led to', 'give --baseline lstm or none');
  }
  if (sumPairs + sumTriples > 0) {
    const wayOut = sumTriples > 0 ? 'give --sum-pairs 0 --sum-triples 0' : 'give --sum-pairs 0';
    throw refuse('a pass that follows a drawn count learns none that is known', wayOut);
  }
}

/**
 * What the table of options cannot know: the size of the images. To be asked as soon as that is known, before the first step.
 * @throws AirError 'usage' if the guide's squares are larger than the canvas, so that it would see nothing
 */
export function checkAgainstCanvas(config: ModelConfig): void {
  if (!seesNothing(config)) return;
  const { canvas, guidePool } = config;
  throw usage(
    `--guide-pool: expected at most ${Math.min(...canvas)} for images of ${canvas.join(' x ')} px, got ${guidePool}`,
    'larger squares than the image leave the guide nothing to see',
  );
}

/** What a run is asked to do, beside its settings. */
export type RunOptions = {
  /** The images; the model; and what `air train --help` says. */
  input: string;
  output: string;
  metrics: string | undefined;
  previews: string | undefined;
  previewEvery: number;
  saveEvery: number;
  reportEvery: number;
  noProvenance: boolean;
  valid: string | undefined;
  validEvery: number;
  untilAccuracy: number | undefined;
  maxTime: number | undefined;
  overfitBatch: boolean;
  init: string | undefined;
  retries: number;
  backend: BackendName | 'auto';
  workers: number | undefined;
};
