/** What defines a model. Names are those of the command line, in camelCase. Imports nothing but types: help loads it. */
import type { SettingsTable } from './settings.js';

export const GUIDE_INPUTS = ['image', 'difference', 'both'] as const;

export type GuideInputName = (typeof GUIDE_INPUTS)[number];

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
  /** Standard deviation of a pixel given its mean. */
  likelihoodSd: number;
  scalePriorMean: number;
  scalePriorSd: number;
  posPriorMean: number;
  posPriorSd: number;
  /** k: each further object is k times as likely a priori. The value that training ends with. */
  zPresPrior: number;
};

/** Every setting, in the order of files. One that is added here has a `before`. */
export const MODEL_SETTINGS: SettingsTable<ModelConfig> = {
  canvas: { kind: 'numbers' },
  modelSteps: { kind: 'number' },
  windowSize: { kind: 'number' },
  zWhatSize: { kind: 'number' },
  rnnHiddenSize: { kind: 'number' },
  predictNet: { kind: 'numbers' },
  encoderNet: { kind: 'numbers' },
  decoderNet: { kind: 'numbers' },
  embedNet: { kind: 'numbers' },
  guideInput: { kind: GUIDE_INPUTS },
  guidePool: { kind: 'number' },
  decoderOutputBias: { kind: 'number' },
  likelihoodSd: { kind: 'number' },
  scalePriorMean: { kind: 'number' },
  scalePriorSd: { kind: 'number' },
  posPriorMean: { kind: 'number' },
  posPriorSd: { kind: 'number' },
  zPresPrior: { kind: 'number' },
};

/** Height and width of the attention window, px. */
export function windowSizeOf({ windowSize }: ModelConfig): readonly [height: number, width: number] {
  return [windowSize, windowSize];
}
