/**
 * Scores of finding against the truth: IoU of matched boxes, average precision. Accumulators take one image at a time and
 * hold 9 bytes per box.
 */
import type { Box } from '../core/latent.js';

/** Intersection over union of two boxes, 0..1; 0 if either has no area. */
export function boxIou(a: Box, b: Box): number {
  const width = Math.min(a[0] + a[2], b[0] + b[2]) - Math.max(a[0], b[0]);
  const height = Math.min(a[1] + a[3], b[1] + b[3]) - Math.max(a[1], b[1]);
  if (!(width > 0 && height > 0)) return 0;
  const shared = width * height;
  return shared / (a[2] * a[3] + b[2] * b[3] - shared);
}

/** A pair of boxes that were taken to be the same object: indices into the two lists. */
export type Match = { inferred: number; truth: number; iou: number };

/**
 * Pairs boxes greedily: of all pairs still free the one with the largest IoU first, and only pairs that overlap.
 * Equal IoUs go to the earlier inferred box, then to the earlier true one.
 */
export function matchBoxes(inferred: readonly Box[], truth: readonly Box[]): Match[] {
  const pairs: Match[] = [];
  for (const [i, box] of inferred.entries()) {
    for (const [t, other] of truth.entries()) {
      const iou = boxIou(box, other);
      if (iou > 0) pairs.push({ inferred: i, truth: t, iou });
    }
  }
  pairs.sort((a, b) => b.iou - a.iou || a.inferred - b.inferred || a.truth - b.truth);
  const [usedInferred, usedTruth] = [new Set<number>(), new Set<number>()];
  return pairs.filter((pair) => {
    if (usedInferred.has(pair.inferred) || usedTruth.has(pair.truth)) return false;
    usedInferred.add(pair.inferred);
    usedTruth.add(pair.truth);
    return true;
  });
}

/** Mean IoU of the boxes that were matched. */
export class MatchScores {
  private iouSum = 0;
  /** Objects there were, boxes inferred, pairs matched. */
  readonly totals = { truth: 0, inferred: 0, matched: 0 };

  /** One image: the boxes of the steps that were counted (the first n), and the true ones. */
  add(inferred: readonly Box[], truth: readonly Box[]): void {
    const matches = matchBoxes(inferred, truth);
    this.totals.truth += truth.length;
    this.totals.inferred += inferred.length;
    this.totals.matched += matches.length;
    for (const { iou } of matches) this.iouSum += iou;
  }

  /** NaN without matches. */
  get meanIou(): number {
    return this.iouSum / this.totals.matched;
  }
}

/** A box and how sure the model is of it: q(n >= t) for step t. */
export type ScoredBox = { box: Box; score: number };

/**
 * Average precision: all boxes of all images ranked by their scores. A box is right if its IoU with a true box of its
 * image that no higher-scored box has taken reaches `minIou` (of several it takes the best); the area under precision
 * over recall, precision made non-increasing (all points, as PASCAL VOC since 2010). Boxes of equal score enter
 * together, so the order of images does not matter.
 */
export class DetectionScores {
  private readonly minIou: number;
  private scores = new Float64Array(1024);
  private isRight = new Uint8Array(1024);
  private boxes = 0;
  private objects = 0;

  constructor(minIou = 0.5) {
    this.minIou = minIou;
  }

  /** One image: every box that was proposed, in the order of steps, and the true ones. */
  add(inferred: readonly ScoredBox[], truth: readonly Box[]): void {
    this.objects += truth.length;
    const free = new Set(truth.keys());
    const ranked = [...inferred].sort((a, b) => b.score - a.score);
    for (const { box, score } of ranked) {
      let best = -1;
      let bestIou = 0;
      for (const t of free) {
        const iou = boxIou(box, truth[t]);
        if (iou >= this.minIou && iou > bestIou) {
          best = t;
          bestIou = iou;
        }
      }
      free.delete(best);
      this.push(score, best !== -1);
    }
  }

  private push(score: number, isRight: boolean): void {
    if (this.boxes === this.scores.length) {
      const [scores, marks] = [this.scores, this.isRight];
      this.scores = new Float64Array(2 * this.boxes);
      this.isRight = new Uint8Array(2 * this.boxes);
      this.scores.set(scores);
      this.isRight.set(marks);
    }
    this.scores[this.boxes] = score;
    this.isRight[this.boxes++] = isRight ? 1 : 0;
  }

  /** 0..1; NaN if there was no object to find. */
  get averagePrecision(): number {
    if (this.objects === 0) return Number.NaN;
    const order = Uint32Array.from({ length: this.boxes }, (_, k) => k).sort((a, b) => this.scores[b] - this.scores[a]);
    let right = this.isRight.subarray(0, this.boxes).reduce((sum, one) => sum + one, 0);
    // from the least sure box to the surest, a group of equal scores at a time: no list of millions is needed
    let [area, precision, recallBelow] = [0, 0, 0];
    for (let rank = order.length - 1; rank >= 0; rank--) {
      const isLastOfScore = rank + 1 === order.length || this.scores[order[rank + 1]] !== this.scores[order[rank]];
      if (isLastOfScore) {
        const recall = right / this.objects;
        area += (recallBelow - recall) * precision;
        precision = Math.max(precision, right / (rank + 1));
        recallBelow = recall;
      }
      right -= this.isRight[order[rank]];
    }
    area += recallBelow * precision;
    return area;
  }
}
