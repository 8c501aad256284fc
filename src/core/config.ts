/** What defines a model. Names are those of the command line, in camelCase. Imports nothing but types: help loads it. */
import type { SettingsTable } from './settings.js';

export const GUIDE_INPUTS = ['image', 'difference', 'both'] as const;

export type GuideInputName = (typeof GUIDE_INPUTS)[number];

export const ESTIMATORS = ['enumerate', 'nvil', 'reinforce', 'nvil-analytic', 'iwae'] as const;

export type EstimatorName = (typeof ESTIMATORS)[number];

/** What z_where is: a map, read off the guide's head from the prior on, or by itself; or sides and centre. See where.ts. */
export const Z_WHERES = ['offset', 'absolute', 'sides'] as const;

export type WhereName = (typeof Z_WHERES)[number];

export const LIKELIHOODS = ['gaussian', 'bernoulli'] as const;

export type LikelihoodName = (typeof LIKELIHOODS)[number];

/** What units of hidden layers do. */
export const ACTIVATIONS = ['relu', 'elu', 'softplus'] as const;

export type ActivationName = (typeof ACTIVATIONS)[number];

export const COUNT_PRIORS = ['geometric', 'trials', 'success'] as const;

export type CountPriorName = (typeof COUNT_PRIORS)[number];

/** What the decoder's last layer does: intensities in 0..1, or as they come. */
export const DECODER_OUTPUTS = ['sigmoid', 'linear'] as const;

export type DecoderOutputName = (typeof DECODER_OUTPUTS)[number];

/** Before the first object the guide's state is weights, or zeros. */
export const INITIAL_STATES = ['trained', 'zero'] as const;

export type InitialStateName = (typeof INITIAL_STATES)[number];

/** Those of drawn counts that have a baseline; `reinforce` is nvil without. */
export const WITH_BASELINE = ['nvil', 'nvil-analytic'] as const satisfies readonly EstimatorName[];

export const BASELINES = ['lstm', 'mlp', 'none'] as const;

export type BaselineName = (typeof BASELINES)[number];

/** How gradients are estimated: none of it is needed to use a model. */
export type EstimatorSettings = {
  /** The sum over all counts, drawn counts, or another bound. */
  estimator: EstimatorName;
  /** Of drawn counts: what expects their return. */
  baseline: BaselineName;
  /** What the output of the baseline is multiplied with. */
  baselineScalar: number;
  /** Hidden layers of the baseline, between its LSTM, if it has one, and its output. */
  blPredictNet: number[];
  /** K, the passes an image that the importance-weighted bound is made of. */
  iwaeSamples: number;
  /** Of drawn counts: whether objects after the stop cost nothing. Inference knows masking alone. */
  masking: boolean;
};

/** Everything the values of a model depend on: nets, priors, likelihood. Stored in every checkpoint. */
export type ModelConfig = {
  /** Height and width of the images, px. */
  canvas: [number, number];
  /** N, the most objects an image can hold. */
  modelSteps: number;
  /** Side of the attention window, px. */
  windowSize: number;
  zWhatSize: number;
  rnnHiddenSize: number;
  /** Hidden layers; the output layers follow from the sizes above. */
  predictNet: number[];
  encoderNet: number[];
  decoderNet: number[];
  /** Layers between what the guide sees and the LSTM; none: straight in. */
  embedNet: number[];
  /** What the guide sees: the image, what the canvas so far leaves unexplained of it, or both. */
  guideInput: GuideInputName;
  /** Side of the squares that the guide's view of the difference is averaged over, px. */
  guidePool: number;
  /** Added to every pixel's logit, so that a new model starts nearly blank. */
  decoderOutputBias: number;
  decoderOutput: DecoderOutputName;
  /** Every pixel of an object is multiplied with it. */
  decoderScale: number;
  /** Standard deviation of a pixel given its mean, where the likelihood is Gaussian. */
  likelihoodSd: number;
  scalePriorMean: number;
  scalePriorSd: number;
  posPriorMean: number;
  posPriorSd: number;
  /** Of the prior over the count: k or p, see `countPrior`. The value that training ends with. */
  zPresPrior: number;
  /** Each further object is k times as likely (`geometric`), or is there with probability p (`trials`); see count.ts. */
  countPrior: CountPriorName;
  zWhere: WhereName;
  likelihood: LikelihoodName;
  /** Of the units of all hidden layers. */
  activation: ActivationName;
  /** Whether the LSTM sees the object before beside the image. */
  guideFeedback: boolean;
  initialState: InitialStateName;
  /** Added to the guide's logit of z_pres, and to what its scales of z_where and z_what are the softplus of. */
  zPresBias: number;
  zScaleBias: number;
};

/** The largest side of images, px. */
export const MAX_CANVAS = 2048;

/** Sizes of hidden layers. */
export const LAYERS = { kind: 'numbers', isWhole: true, min: 1, max: 99999 } as const;

/** Every setting, in the order of files, with what it may be. One that is added here has a `before`. */
export const MODEL_SETTINGS: SettingsTable<ModelConfig> = {
  canvas: { kind: 'numbers', length: 2, isWhole: true, min: 1, max: MAX_CANVAS },
  modelSteps: { kind: 'number', isWhole: true, min: 1, max: 20 },
  windowSize: { kind: 'number', isWhole: true, min: 2, max: 256 },
  zWhatSize: { kind: 'number', isWhole: true, min: 1, max: 1000 },
  rnnHiddenSize: { kind: 'number', isWhole: true, min: 1, max: 10000 },
  predictNet: LAYERS,
  encoderNet: LAYERS,
  decoderNet: LAYERS,
  embedNet: LAYERS,
  guideInput: { kind: GUIDE_INPUTS },
  guidePool: { kind: 'number', isWhole: true, min: 1, max: 16 },
  decoderOutputBias: { kind: 'number' },
  likelihoodSd: { kind: 'number', above: 0 },
  scalePriorMean: { kind: 'number' },
  scalePriorSd: { kind: 'number', above: 0 },
  posPriorMean: { kind: 'number' },
  posPriorSd: { kind: 'number', above: 0 },
  zPresPrior: { kind: 'number', above: 0, max: 1 },
  countPrior: { kind: COUNT_PRIORS, before: 'geometric' },
  zWhere: { kind: Z_WHERES, before: 'offset' },
  likelihood: { kind: LIKELIHOODS, before: 'gaussian' },
  activation: { kind: ACTIVATIONS, before: 'relu' },
  decoderOutput: { kind: DECODER_OUTPUTS, before: 'sigmoid' },
  decoderScale: { kind: 'number', above: 0, before: 1 },
  guideFeedback: { kind: 'flag', before: true },
  initialState: { kind: INITIAL_STATES, before: 'trained' },
  zPresBias: { kind: 'number', before: 0 },
  zScaleBias: { kind: 'number', before: 0 },
};

/** Height and width of the attention window, px. */
export function windowSizeOf({ windowSize }: ModelConfig): readonly [height: number, width: number] {
  return [windowSize, windowSize];
}

/** Whether a prior over the count leaves all counts but one impossible. */
export function isSure(prior: CountPriorName, zPresPrior: number): boolean {
  return prior !== 'geometric' && zPresPrior === 1;
}

/** Whether the guide's squares are larger than the image, so that it sees nothing. */
export function seesNothing({ canvas, guideInput, guidePool }: ModelConfig): boolean {
  return guideInput !== 'image' && guidePool > Math.min(...canvas);
}
