/** Using a model otherwise than it was trained: for more or fewer steps, or under another prior over the count. */
import { usage } from '../../cli/command.js';
import type { Checkpoint } from '../../train/checkpoint.js';

export type Overrides = { modelSteps?: number | undefined; zPresPrior?: number | undefined };

/**
 * The checkpoint with these settings in place of its own; no weight depends on them, so it holds all that they need.
 *
 * @throws AirError 'usage' if the prior would leave all but one count impossible
 */
export function withOverrides(checkpoint: Checkpoint, { modelSteps, zPresPrior }: Overrides): Checkpoint {
  const { config } = checkpoint;
  if (config.countPrior === 'trials' && zPresPrior === 1) {
    throw usage(
      '--z-pres-prior 1: this model was trained with --count-prior trials, where 1 leaves no image with fewer objects than steps',
      'give a probability below 1',
    );
  }
  return {
    ...checkpoint,
    config: {
      ...config,
      modelSteps: modelSteps ?? config.modelSteps,
      zPresPrior: zPresPrior ?? config.zPresPrior,
    },
  };
}
