/**
 * The class AIR of Pyro's example (github.com/pyro-ppl/pyro, examples/air) seen from here: which of the models of air it can
 * be, and what its state_dict holds beside weights. Weights have the same names and shapes in both.
 */
import type { ActivationName, ModelConfig } from '../../core/config.js';

/** Settings that shapes tell, or priors, which Pyro keeps as tensors. */
type Stored =
  | ('canvas' | 'windowSize' | 'zWhatSize' | 'rnnHiddenSize' | 'predictNet' | 'encoderNet' | 'decoderNet' | 'embedNet')
  | ('scalePriorMean' | 'scalePriorSd' | 'posPriorMean' | 'posPriorSd');

/** Settings that the class can have any value of, and that its state_dict does not tell. */
export type Untold = Pick<
  ModelConfig,
  ('modelSteps' | 'zPresPrior' | 'countPrior' | 'likelihoodSd' | 'activation') | ('decoderOutput' | 'decoderOutputBias')
>;

/** Settings of which the class knows one value only. The compiler asks here about each that is added to a model. */
export const ONLY: Omit<ModelConfig, Stored | keyof Untold | 'guidePool'> = {
  guideInput: 'image',
  zWhere: 'offset',
  likelihood: 'gaussian',
  decoderScale: 1,
  guideFeedback: true,
  initialState: 'trained',
  zPresBias: 0,
  zScaleBias: 0,
};

/** What torch.nn calls them. */
export const NON_LINEARITIES: { readonly [name in ActivationName]: string } = {
  relu: 'ReLU',
  elu: 'ELU',
  softplus: 'Softplus',
};

type ScaleAndPosition = { readonly scale: keyof ModelConfig; readonly pos: keyof ModelConfig };

/** Priors that stand among the weights: three numbers, (s, x, y). */
export const PRIOR_TENSORS: { readonly [name: string]: ScaleAndPosition } = {
  z_where_loc_prior: { scale: 'scalePriorMean', pos: 'posPriorMean' },
  z_where_scale_prior: { scale: 'scalePriorSd', pos: 'posPriorSd' },
};
