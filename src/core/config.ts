/** What defines a model and a training run, with the defaults. Names are those of the command line, in camelCase. */

export type GuideInputName = 'image' | 'difference' | 'both';

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

/** Height and width of the attention window, px. */
export function windowSizeOf({ windowSize }: ModelConfig): readonly [height: number, width: number] {
  return [windowSize, windowSize];
}

export type Anneal = 'none' | 'lin' | 'exp';

/** How to train: none of it is needed to use the model. */
export type TrainConfig = {
  steps: number;
  batchSize: number;
  learningRate: number;
  /** Steps over which the learning rate rises linearly from 0, before it falls to 0 as a cosine. */
  warmup: number;
  adamBeta1: number;
  adamBeta2: number;
  adamEpsilon: number;
  /** k moves from annealPriorFrom to zPresPrior over annealPriorDuration steps: annealed in, it does not empty the model. */
  annealPrior: Anneal;
  annealPriorFrom: number;
  annealPriorDuration: number;
  /** Sums of images as lessons in counting, so many a step (see train/sums.ts); 0 leaves them out. */
  sumPairs: number;
  /** Nats per nat: what log q(known count) weighs beside the ELBO. */
  sumWeight: number;
  /** The first step with sums: the model must be able to tell one object from two. */
  sumFrom: number;
  /** The largest distance between the two, px. */
  sumReach: number;
  seed: number;
};

export type PresetName = 'fast' | 'small';

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
};

const FAST_TRAINING: TrainConfig = {
  steps: 2500,
  batchSize: 128,
  learningRate: 2e-3,
  warmup: 100,
  adamBeta1: 0.9,
  adamBeta2: 0.999,
  adamEpsilon: 1e-8,
  annealPrior: 'exp',
  annealPriorFrom: 1e-3,
  annealPriorDuration: 500,
  sumPairs: 32,
  sumWeight: 10,
  sumFrom: 300,
  sumReach: 20,
  seed: 0,
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
