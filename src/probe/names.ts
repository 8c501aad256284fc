/** What a probe can be asked: its tasks, and what it may look at. Imports nothing: help loads it. */

export const TASKS = ['sum', 'ascending'] as const;

export type TaskName = (typeof TASKS)[number];

export const FEATURES = ['latents', 'pixels'] as const;

export type FeaturesName = (typeof FEATURES)[number];

/** Classifiers: a perceptron with two hidden layers, and three convolutions before one. */
export const NETWORKS = ['mlp', 'cnn'] as const;

export type NetworkName = (typeof NETWORKS)[number];
