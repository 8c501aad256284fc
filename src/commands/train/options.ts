/** The settings of a model and of its training as options: the keys are those of `core/config.ts`. */
import type { BackendName } from '../../backends/names.js';
import {
  choice,
  flagName,
  float,
  int,
  type Option,
  type OptionTable,
  type OptionValues,
  onOff,
  usage,
  valued,
} from '../../cli/command.js';
import {
  ACTIVATIONS,
  BASELINES,
  COUNT_PRIORS,
  type CountPriorName,
  DECODER_OUTPUTS,
  ESTIMATORS,
  GUIDE_INPUTS,
  INITIAL_STATES,
  LIKELIHOODS,
  type ModelConfig,
  WITH_BASELINE,
  Z_WHERES,
} from '../../core/config.js';
import { PRESET_NAMES, PRESETS, type PresetName } from '../../presets.js';
import {
  ANNEALED_TRIALS,
  ANNEALS,
  NEAREST_SUM_PX,
  OPTIMISERS,
  SCHEDULES,
  type Settings,
  SUM_PLACES,
  type TrainConfig,
} from '../../train/config.js';

/** Sizes of hidden layers: `200`, `200,100`, or `none`. */
function sizes(settings: { help: string; group: string }): Option<number[] | undefined> {
  return valued<number[], undefined>({
    ...settings,
    value: 'N,N,...|none',
    expects: 'layer sizes such as 200 or 200,100, or none',
    parse(text) {
      if (text === 'none') return [];
      return /^\d{1,5}(,\d{1,5})*$/.test(text) && !/(^|,)0/.test(text) ? text.split(',').map(Number) : undefined;
    },
    format: (layers) => (layers.length === 0 ? 'none' : layers.join(',')),
  });
}

const model = { group: 'Model' };
const prior = { group: 'Prior' };
const optimiser = { group: 'Optimiser' };
const estimator = { group: 'Estimator of the gradient by the count' };
const sums = { group: 'Sums of images of one object each, to learn counting without labels' };

/**
 * Help shows what the first preset has; those that go by other recipes are too many to be listed at every option. The options
 * themselves have no default, so that a preset can.
 */
function withPresetDefaults<T extends OptionTable>(options: T): T {
  const [name] = PRESET_NAMES;
  const settings: { [key: string]: unknown } = { ...PRESETS[name].model, ...PRESETS[name].training };
  const entries = Object.entries(options).map(([key, option]) => [
    key,
    { ...option, defaultText: option.format(settings[key]) },
  ]);
  return Object.fromEntries(entries) as T;
}

export const modelOptions = withPresetDefaults({
  modelSteps: int({ ...model, min: 1, max: 20, help: 'the most objects an image can hold' }),
  windowSize: int({ ...model, min: 2, max: 256, value: 'PX', help: 'side of the attention window' }),
  zWhatSize: int({ ...model, min: 1, max: 1000, help: 'numbers that describe what an object looks like' }),
  rnnHiddenSize: int({ ...model, min: 1, max: 10000, help: 'units of the LSTM' }),
  guideInput: choice(GUIDE_INPUTS, { ...model, help: 'what the guide sees before each step' }),
  guidePool: int({
    ...model,
    min: 1,
    max: 16,
    value: 'PX',
    help: 'the difference is averaged over squares of this side',
  }),
  embedNet: sizes({ group: 'Model', help: 'hidden layers between what the guide sees and the LSTM' }),
  predictNet: sizes({ group: 'Model', help: 'hidden layers from the LSTM to z_pres and z_where' }),
  encoderNet: sizes({ group: 'Model', help: 'hidden layers from the window to z_what' }),
  decoderNet: sizes({ group: 'Model', help: 'hidden layers from z_what to the window' }),
  decoderOutputBias: float({ ...model, help: "added to the decoder's logits, so that a new model is blank" }),
  decoderOutput: choice(DECODER_OUTPUTS, { ...model, help: "what the decoder's last layer does" }),
  decoderScale: float({ ...model, above: 0, help: 'what every pixel of an object is multiplied with' }),
  guideFeedback: onOff({ ...model, help: 'whether the LSTM sees the object before' }),
  initialState: choice(INITIAL_STATES, { ...model, help: "the guide's state before the first object" }),
  zPresBias: float({ ...model, help: "added to the guide's logit of z_pres" }),
  zScaleBias: float({ ...model, help: 'added to what the scales of z_where and z_what are the softplus of' }),
  zWhere: choice(Z_WHERES, {
    ...model,
    help: 'z_where is scale and position, said from the prior on or from 0 on; or the sides and centre of the window',
  }),
  activation: choice(ACTIVATIONS, { ...model, help: 'what units of hidden layers do' }),
  likelihood: choice(LIKELIHOODS, { ...model, help: 'how an image differs from its mean' }),
  likelihoodSd: float({ ...model, above: 0, help: 'standard deviation of a pixel given its mean' }),
  zPresPrior: float({ ...prior, above: 0, max: 1, value: 'K', help: 'each further object is K times as likely' }),
  countPrior: choice(COUNT_PRIORS, {
    ...prior,
    help: 'trials: it is there with probability K; success: the first too, P(0) ~ 1 - K',
  }),
  scalePriorMean: float({ ...prior, help: 'mean of the scale s; an object is 1/s of the canvas wide, or s for sides' }),
  scalePriorSd: float({ ...prior, above: 0, help: 'standard deviation of the scale s' }),
  posPriorMean: float({ ...prior, help: 'mean of the position, 0 is the middle' }),
  posPriorSd: float({ ...prior, above: 0, help: 'standard deviation of the position' }),
});

export const trainingOptions = withPresetDefaults({
  steps: int({ ...optimiser, min: 1, help: 'training steps' }),
  batchSize: int({ ...optimiser, min: 1, max: 65536, short: 'b', help: 'images a step' }),
  learningRate: float({ ...optimiser, above: 0, help: 'at its highest' }),
  warmup: int({
    ...optimiser,
    min: 0,
    value: 'STEPS',
    help: 'rates rise over so many steps first',
  }),
  schedule: choice(SCHEDULES, { ...optimiser, help: 'how rates go on: as they are, or down to 0' }),
  clipNorm: float({ ...optimiser, min: 0, help: 'the longest gradient; longer ones are shortened to it; 0: none is' }),
  optimiser: choice(OPTIMISERS, { ...optimiser, help: 'Adam, or centred RMSProp with momentum' }),
  adamBeta1: float({ ...optimiser, min: 0, below: 1, help: 'decay of the first moment' }),
  adamBeta2: float({ ...optimiser, min: 0, below: 1, help: 'decay of the second moment' }),
  adamEpsilon: float({ ...optimiser, above: 0, help: "Adam's epsilon" }),
  rmspropDecay: float({ ...optimiser, min: 0, below: 1, help: 'decay of the mean gradient and the mean square' }),
  rmspropMomentum: float({ ...optimiser, min: 0, below: 1, help: 'what of a step the next one repeats' }),
  rmspropEpsilon: float({ ...optimiser, above: 0, help: 'added to the variance, under the root' }),
  annealPrior: choice(ANNEALS, { ...prior, help: 'how K gets to --z-pres-prior' }),
  annealPriorFrom: float({ ...prior, above: 0, max: 1, value: 'K', help: 'where K begins' }),
  annealPriorBegin: int({ ...prior, min: 0, value: 'STEP', help: 'after this step' }),
  annealPriorDuration: int({ ...prior, min: 0, value: 'STEPS', help: 'over so many steps' }),
  annealTrialsOf: choice(ANNEALED_TRIALS, {
    ...prior,
    help: "anneal each trial's probability in place of K, from those of this prior to those of --count-prior",
  }),
  estimator: choice(ESTIMATORS, {
    ...estimator,
    help: 'sum over all counts, draw one and learn from its cost, or weigh passes',
  }),
  baseline: choice(BASELINES, { ...estimator, help: `of ${WITH_BASELINE.join(', ')}: what learns to expect the cost` }),
  baselineLearningRate: float({ ...estimator, above: 0, help: 'learning rate of the baseline' }),
  baselineScalar: float({ ...estimator, above: 0, help: 'what the output of the baseline is multiplied with' }),
  iwaeSamples: int({ ...estimator, min: 1, max: 100, value: 'K', help: 'of iwae: passes an image' }),
  blPredictNet: sizes({
    ...estimator,
    help: 'hidden layers of the baseline, from its LSTM, or its input, to its output',
  }),
  masking: onOff({ ...estimator, help: 'of nvil, reinforce: off, training also pays for objects after the stop' }),
  sumPairs: int({ ...sums, min: 0, max: 65536, value: 'N', help: 'sums a step; 0 trains on the ELBO alone' }),
  sumTriples: int({
    ...sums,
    min: 0,
    max: 65536,
    value: 'N',
    help: 'sums of three a step, which teach to go on to a third object',
  }),
  sumWeight: float({ ...sums, min: 0, help: 'what their log q(count) weighs beside the ELBO' }),
  sumFrom: int({ ...sums, min: 1, value: 'STEP', help: 'the first step with sums' }),
  sumPlaces: choice(SUM_PLACES, {
    ...sums,
    help: 'sums of two: one is moved near the other; or each stays where it is, as often close together as in scenes',
  }),
  sumReach: float({ ...sums, min: NEAREST_SUM_PX, value: 'PX', help: 'of near: the largest distance between the two' }),
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
  const isSure = (prior: CountPriorName, probability: number) => prior !== 'geometric' && probability === 1;
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
export function checkAgainstCanvas({ canvas, guideInput, guidePool }: ModelConfig): void {
  const most = Math.min(...canvas);
  if (guideInput === 'image' || guidePool <= most) return;
  throw usage(
    `--guide-pool: expected at most ${most} for images of ${canvas.join(' x ')} px, got ${guidePool}`,
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
