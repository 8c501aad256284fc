/** The recipes that have a name: all settings of a model and of its training. The only list of them; help loads it. */
import type { ModelConfig } from './core/config.js';
import type { TrainConfig } from './train/config.js';

export const PRESET_NAMES = ['fast', 'small'] as const;

export type PresetName = (typeof PRESET_NAMES)[number];

const FAST_MODEL: ModelConfig = {
  canvas: [50, 50],
  modelSteps: 3,
  windowSize: 28,
  zWhatSize: 20,
  rnnHiddenSize: 128,
  predictNet: [200],
  encoderNet: [200],
  decoderNet: [200],
  embedNet: [256],
  guideInput: 'difference',
  guidePool: 2,
  decoderOutputBias: -2,
  likelihoodSd: 0.3,
  scalePriorMean: 3,
  scalePriorSd: 0.2,
  posPriorMean: 0,
  posPriorSd: 1,
  zPresPrior: 1e-6,
  countPrior: 'geometric',
  zWhere: 'offset',
  likelihood: 'gaussian',
  activation: 'relu',
  decoderOutput: 'sigmoid',
  decoderScale: 1,
  guideFeedback: true,
  initialState: 'trained',
  zPresBias: 0,
  zScaleBias: 0,
};

const FAST_TRAINING: TrainConfig = {
  steps: 2500,
  batchSize: 128,
  learningRate: 2e-3,
  baselineLearningRate: 1e-3,
  schedule: 'cosine',
  warmup: 100,
  optimiser: 'adam',
  adamBeta1: 0.9,
  adamBeta2: 0.999,
  adamEpsilon: 1e-8,
  rmspropDecay: 0.9,
  rmspropMomentum: 0.9,
  rmspropEpsilon: 1e-10,
  clipNorm: 0,
  annealPrior: 'exp',
  annealPriorFrom: 1e-3,
  annealPriorDuration: 500,
  annealPriorBegin: 0,
  annealTrialsOf: 'none',
  sumPairs: 32,
  sumWeight: 10,
  sumFrom: 300,
  sumReach: 20,
  seed: 0,
  estimator: 'enumerate',
  baseline: 'lstm',
  baselineScalar: 100,
  blPredictNet: [200],
  iwaeSamples: 5,
  masking: true,
};

/** `fast`: the recipe that counts within minutes on a CPU. `small`: the same in little, to try things out in seconds. */
export const PRESETS: { [name in PresetName]: { model: ModelConfig; training: TrainConfig } } = {
  fast: { model: FAST_MODEL, training: FAST_TRAINING },
  small: {
    model: {
      ...FAST_MODEL,
      windowSize: 20,
      zWhatSize: 10,
      rnnHiddenSize: 64,
      predictNet: [64],
      encoderNet: [64],
      decoderNet: [64],
      embedNet: [64],
    },
    training: {
      ...FAST_TRAINING,
      steps: 500,
      batchSize: 64,
      warmup: 30,
      annealPriorDuration: 100,
      sumPairs: 16,
      sumFrom: 150,
    },
  },
};
