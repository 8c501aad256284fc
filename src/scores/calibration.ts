/**
 * Whether probabilities of counts are to be believed: of the images that a model is 90 % sure of, are 90 % right? Counters of a
 * fixed size, whatever the number of images.
 *
 *   Brier score        mean over images of sum_n (p(n) - 1[n = truth])^2: 0 is sure and right, 2 sure and wrong (Brier 1950)
 *   top probability    max_n p(n): how sure the model is of the count that it gives
 *   calibration error  mean over images of |accuracy - mean top probability| of the bin that an image is in (ECE, Naeini et al. 2015)
 *   coverage           the accuracy among the share of images that the model is most sure of
 */
import { argmax } from '../core/count.js';

/** Ends of the bins of the top probability; a bin holds its lower end, the last one both. */
const EDGES = [0, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.99, 1] as const;

const COVERAGES = [0.5, 0.8, 0.9, 0.95, 0.99, 1] as const;

/**
 * Images are ranked by their doubt, 1 - top probability, in bins of a fixed ratio, since most lie close to 0: so many bins for
 * each halving, so many halvings. Doubts of one bin, within 1.1 % of each other, count as equal; so do all below 2^-53,
 * which a top probability does not show.
 */
const BINS_PER_HALVING = 64;
const HALVINGS = 53;
const LAST_RANK = HALVINGS * BINS_PER_HALVING;

/** Images whose top probability is in [from, to): how sure the model was on average, and how often right; null without images. */
export type ReliabilityBin = {
  from: number;
  to: number;
  images: number;
  mean_probability: number | null;
  accuracy: number | null;
};

/** Accuracy among this share of the images, the most certain ones, whose top probability is `least_probability` or more. */
export type Covered = { coverage: number; accuracy: number; least_probability: number };

export type Calibration = {
  images: number;
  brier: number;
  expected_calibration_error: number;
  reliability: ReliabilityBin[];
  accuracy_at_coverage: Covered[];
};

class Bin {
  images = 0;
  right = 0;
  probability = 0;
}

const bins = (count: number) => Array.from({ length: count }, () => new Bin());

export class CalibrationScores {
  private images = 0;
  private brier = 0;
  private readonly reliability = bins(EDGES.length - 1);
  /** From the least doubt to the most. */
  private readonly ranks = bins(LAST_RANK + 1);

  /** One image: p(n), n = 0..N, and its true count, which may be beyond N. */
  add(probs: readonly number[], truth: number): void {
    const top = argmax(probs);
    let [squares, doubt] = [truth < probs.length ? 0 : 1, 0];
    probs.forEach((p, n) => {
      squares += (p - (n === truth ? 1 : 0)) ** 2;
      if (n !== top) doubt += p; // 1 - p[top] would have lost its digits
    });
    this.images++;
    this.brier += squares;
    for (const bin of [this.reliability[reliabilityBinOf(probs[top])], this.ranks[rankOf(doubt)]]) {
      bin.images++;
      bin.probability += probs[top];
      if (top === truth) bin.right++;
    }
  }

  /** Undefined without images. */
  get scores(): Calibration | undefined {
    const { images } = this;
    if (images === 0) return undefined;
    const gap = (bin: Bin) => Math.abs(bin.right - bin.probability);
    return {
      images,
      brier: this.brier / images,
      expected_calibration_error: this.reliability.reduce((sum, bin) => sum + gap(bin), 0) / images,
      reliability: this.reliability.map((bin, b) => ({
        ...{ from: EDGES[b], to: EDGES[b + 1], images: bin.images },
        mean_probability: bin.images === 0 ? null : bin.probability / bin.images,
        accuracy: bin.images === 0 ? null : bin.right / bin.images,
      })),
      accuracy_at_coverage: COVERAGES.map((coverage) => this.covered(coverage)),
    };
  }

  /** Of the bin in which the share ends, a part is taken, as accurate as all of it. */
  private covered(coverage: number): Covered {
    let left = coverage * this.images;
    let right = 0;
    let last = 0;
    for (let rank = 0; left > 0; rank++) {
      const bin = this.ranks[rank];
      if (bin.images === 0) continue;
      const part = Math.min(left, bin.images);
      right += (part * bin.right) / bin.images;
      left -= part;
      last = rank;
    }
    return { coverage, accuracy: right / (coverage * this.images), least_probability: 1 - mostDoubtOf(last) };
  }
}

function reliabilityBinOf(top: number): number {
  const bin = EDGES.findLastIndex((edge) => edge <= top);
  return Math.min(Math.max(bin, 0), EDGES.length - 2);
}

/** Bins of doubt are counted from the least; each goes down from 2^-(k / BINS_PER_HALVING), k = 0 for the last. */
function rankOf(doubt: number): number {
  const halvings = -Math.log2(Math.min(1, Math.max(doubt, 2 ** -HALVINGS)));
  return LAST_RANK - Math.floor(halvings * BINS_PER_HALVING);
}

function mostDoubtOf(rank: number): number {
  return 2 ** ((rank - LAST_RANK) / BINS_PER_HALVING);
}
