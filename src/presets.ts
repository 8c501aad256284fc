/**
 * The recipes that have a name: all settings of a model and of its training. The only list of them; help loads it.
 *
 *   fast       counts within minutes on a CPU; small: the same in little, to try things out in seconds; best: at greater length
 *   pyro       Pyro's AIR example with the command line of its tutorial
 *   tutorial   the model that Pyro's tutorial builds in its text, which is not expected to count
 *   paper      Eslami et al. 2016, as far as it says; the rest as Pyro's example
 *   akosiorek  the implementation of A. Kosiorek, but for what explores: his z_pres is drawn otherwise once in a thousand; and z_pres
 *              and z_where have one perceptron here, two there
 *
 * Those who draw counts scale costs as they do: Pyro multiplies them with N_data / batch, which no step of Adam sees but for its
 * epsilon, and the baseline, whose output learns costs so much larger: here it is divided by as much.
 */
import type { ModelConfig } from './core/config.js';
import type { TrainConfig } from './train/config.js';

export const PRESET_NAMES = ['fast', 'small', 'best', 'pyro', 'tutorial', 'paper', 'akosiorek'] as const;

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
  sumTriples: 0,
  sumWeight: 10,
  sumFrom: 300,
  sumPlaces: 'near',
  sumReach: 20,
  seed: 0,
  init: '',
  estimator: 'enumerate',
  baseline: 'lstm',
  baselineScalar: 100,
  blPredictNet: [200],
  iwaeSamples: 5,
  masking: true,
};

/** Images of the data behind each image of a batch, by which Pyro's plate multiplies costs: 60,000 / 64. */
const PLATE = 60000 / 64;

/** Pyro's example: `main.py -n 200000 -blr 0.1 --z-pres-prior 0.01 --scale-prior-sd 0.2 --predict-net 200 --bl-predict-net 200 ...` */
const PYRO_MODEL: ModelConfig = {
  ...FAST_MODEL,
  zWhatSize: 50,
  rnnHiddenSize: 256,
  embedNet: [],
  guideInput: 'image',
  zPresPrior: 0.01,
};

const PYRO_TRAINING: TrainConfig = {
  ...FAST_TRAINING,
  steps: 200000,
  batchSize: 64,
  learningRate: 1e-4,
  baselineLearningRate: 0.1,
  schedule: 'constant',
  warmup: 0,
  adamEpsilon: 1e-8 / (64 * PLATE),
  annealPrior: 'none',
  annealPriorFrom: 0.01,
  annealPriorDuration: 100000,
  sumPairs: 0,
  estimator: 'nvil',
  baselineScalar: 1 / PLATE,
};

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
  best: {
    model: { ...FAST_MODEL, rnnHiddenSize: 256, guideInput: 'both' },
    training: { ...FAST_TRAINING, steps: 4000, batchSize: 256, sumPairs: 64, sumPlaces: 'own' },
  },
  pyro: { model: PYRO_MODEL, training: PYRO_TRAINING },
  tutorial: {
    model: {
      ...PYRO_MODEL,
      windowSize: 20,
      predictNet: [],
      decoderOutputBias: 0,
      scalePriorSd: 0.1,
      zPresPrior: 0.5,
      countPrior: 'trials',
      zWhere: 'absolute',
      initialState: 'zero',
    },
    training: { ...PYRO_TRAINING, baselineLearningRate: 1e-4, blPredictNet: [], annealPriorFrom: 0.5 },
  },
  paper: {
    model: { ...PYRO_MODEL, zPresPrior: 1e-5 },
    training: {
      ...PYRO_TRAINING,
      baselineLearningRate: 1e-3,
      baselineScalar: 1,
      adamEpsilon: 1e-8,
      annealPrior: 'exp',
      annealPriorFrom: 1 - 1e-7,
    },
  },
  akosiorek: {
    model: {
      ...PYRO_MODEL,
      windowSize: 20,
      embedNet: [256, 256],
      predictNet: [256, 256],
      encoderNet: [256, 256],
      decoderNet: [256, 256],
      activation: 'elu',
      decoderOutput: 'linear',
      decoderOutputBias: 0,
      decoderScale: 0.5,
      guideFeedback: false,
      zWhere: 'sides',
      scalePriorMean: 0,
      scalePriorSd: 1,
      zPresBias: 0.75,
      zScaleBias: 0.5,
      zPresPrior: 1e-7,
    },
    training: {
      ...PYRO_TRAINING,
      steps: 300000,
      optimiser: 'rmsprop',
      adamEpsilon: 1e-8,
      baselineLearningRate: 1e-3,
      baselineScalar: 1,
      estimator: 'nvil-analytic',
      baseline: 'mlp',
      blPredictNet: [256, 128],
      annealPrior: 'exp',
      annealPriorFrom: 1 - 1e-15,
      annealPriorBegin: 1000,
    },
  },
};
