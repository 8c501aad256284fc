/** What a training curve can show of a log, and against what. Imports nothing: help loads it. */

export const X_AXES = ['steps', 'time'] as const;

export type XAxis = (typeof X_AXES)[number];

/** By its name on the command line: the field of the log, and what stands at the axis. */
export const QUANTITY_TABLE = {
  elbo: { field: 'elbo', title: 'ELBO of batches (nats per image)' },
  'valid-elbo': { field: 'valid_elbo', title: 'ELBO, held out (nats per image)' },
  accuracy: { field: 'valid_count_accuracy', title: 'count accuracy, held out', isShare: true },
  'sampled-accuracy': {
    field: 'valid_sampled_count_accuracy',
    title: 'accuracy of drawn counts, held out',
    isShare: true,
  },
  'log-lik': { field: 'log_lik', title: 'log-likelihood (nats per image)' },
  'kl-n': { field: 'kl_n', title: 'KL of n (nats per image)' },
  'kl-z-where': { field: 'kl_z_where', title: 'KL of z_where (nats per image)' },
  'kl-z-what': { field: 'kl_z_what', title: 'KL of z_what (nats per image)' },
  'gradient-norm': { field: 'gradient_norm', title: 'norm of the gradient', isLog: true },
} as const satisfies { [name: string]: { field: string; title: string; isShare?: true; isLog?: true } };

export type Quantity = keyof typeof QUANTITY_TABLE;

export const QUANTITIES = Object.keys(QUANTITY_TABLE) as readonly Quantity[];
