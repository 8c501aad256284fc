/** Made-up results for charts, of the shape that real ones have. */

import type { Scan } from '#air/render/charts/scan.js';
import type { TrainingRun } from '#air/render/charts/training-curves.js';
import type { ReliabilityBin } from '#air/scores/calibration.js';

/** Two recipes with so many seeds each: 1000 steps, an ELBO every 50, an accuracy every 250. */
export function runs(seeds: number): TrainingRun[] {
  return ['nvil', 'sum over counts'].flatMap((group, recipe) =>
    Array.from({ length: seeds }, (_, seed) => ({
      group,
      name: `${group} ${seed}`,
      points: Array.from({ length: 20 }, (_, k) => {
        const step = 50 * (k + 1);
        const done = 1 - Math.exp(-step / (400 - 200 * recipe + 20 * seed));
        const accuracy = step % 250 === 0 ? { accuracy: 0.3 + 0.69 * done } : {};
        return { step, seconds: 0.03 * step, values: { elbo: 640 * done, ...accuracy } };
      }),
    })),
  );
}

export const matrix = [
  [3360, 10, 0, 0],
  [4, 3301, 33, 0],
  [0, 45, 3215, 32],
];

const EDGES = [0, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.99, 1];

export const bins: ReliabilityBin[] = [
  [0, null, null],
  [20, 0.55, 0.6],
  [30, 0.65, 0.5],
  [40, 0.75, 0.7],
  [70, 0.85, 0.9],
  [90, 0.93, 0.9],
  [400, 0.975, 0.97],
  [9350, 0.999, 0.998],
].map(([images, mean_probability, accuracy], k) => ({
  ...{ from: EDGES[k], to: EDGES[k + 1], images: images ?? 0 },
  ...{ mean_probability, accuracy },
}));

/** Three steps, the last of which finds nothing. */
export const scan: Scan = {
  canvas: [40, 50],
  centres: [
    [
      [1, 1],
      [1.5, 2],
      [49, 39],
    ],
    [[25, 20]],
    [],
  ],
};
