/**
 * A probe of a representation: how well a small classifier that learns from few labelled images answers, by the number of labels.
 * Latents and pixels are given the same choices, made on held-out images for each number of labels: which network, how wide, how
 * much weight decay, how many steps.
 */
import { Draws } from '../core/rng.js';
import type { Standard } from './features.js';
import { type Examples, type FitSettings, fit, pick } from './fit.js';
import type { NetworkName } from './names.js';
import { networks } from './networks.js';

export type ProbePlan = {
  /** Numbers of labelled images, each at most as many as there are. */
  labels: readonly number[];
  /** How often each is drawn, with other labelled images and other first weights. */
  draws: number;
  networks: readonly NetworkName[];
  widths: readonly number[];
  weightDecays: readonly number[];
  fit: Omit<FitSettings, 'weightDecay'>;
  seed: number;
};

type Choice = { network: NetworkName; width: number; weightDecay: number };

export type ProbeScore = {
  labels: number;
  /** Of test images, the share answered right, of each draw; 0..1. */
  accuracies: number[];
  mean: number;
  least: number;
  most: number;
  /** What did best on held-out images with the first draw, and what it got right there after so many steps. */
  network: NetworkName;
  width: number;
  weightDecay: number;
  steps: number;
  valid: number;
};

/** How many trainings that is. */
export function fitsOf({ labels, draws, networks: names, widths, weightDecays }: ProbePlan): number {
  return labels.length * (names.length * widths.length * weightDecays.length + draws - 1);
}

/**
 * @param standardFor  how rows are standardised, given labelled ones; nothing else is told of others
 * @param onFit  called after each training
 * @returns a score for each number of labels, in their order
 */
export async function probe(
  { train, valid, test }: { train: Examples; valid: Examples; test: Examples },
  plan: ProbePlan,
  { standardFor, onFit }: { standardFor: (labelled: Examples['rows']) => Standard; onFit: () => void },
): Promise<ProbeScore[]> {
  const classes = 1 + [train, valid].flatMap((each) => [...each.classes]).reduce((a, b) => Math.max(a, b), 0);
  const { seed } = plan;
  const scores: ProbeScore[] = [];
  for (const labels of plan.labels) {
    /** What tries a choice with the labelled images of a draw. */
    const trialOf = (draw: number) => {
      const chosen = new Draws(seed, 'probe', draw).permutation(train.classes.length).subarray(0, labels);
      const labelled = pick(train, chosen);
      const standard = standardFor(labelled.rows);
      const standardised = (each: Examples): Examples => ({ ...each, rows: standard(each.rows) });
      const data = { train: standardised(labelled), valid: standardised(valid), test: standardised(test) };
      return async ({ network, width, weightDecay }: Choice) => {
        const made = networks[network]({ inputs: train.rows.width, classes, width });
        const found = await fit(made, data, { ...plan.fit, weightDecay }, { seed, draw });
        onFit();
        return found;
      };
    };
    const [first, ...others] = choicesOf(plan);
    const attempt = trialOf(0);
    let [best, result] = [first, await attempt(first)];
    for (const choice of others) {
      const found = await attempt(choice);
      if (found.valid > result.valid) [best, result] = [choice, found];
    }
    const accuracies = [result.test];
    for (let draw = 1; draw < plan.draws; draw++) accuracies.push((await trialOf(draw)(best)).test);
    const mean = accuracies.reduce((sum, accuracy) => sum + accuracy, 0) / accuracies.length;
    const [least, most] = [Math.min(...accuracies), Math.max(...accuracies)];
    const { steps, valid: held } = result;
    scores.push({ labels, accuracies, mean, least, most, ...best, steps, valid: held });
  }
  return scores;
}

function choicesOf({ networks: names, widths, weightDecays }: ProbePlan): Choice[] {
  return names.flatMap((network) =>
    widths.flatMap((width) => weightDecays.map((weightDecay) => ({ network, width, weightDecay }))),
  );
}
