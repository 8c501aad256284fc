/** Everything `air eval` reports, added up image by image; memory does not grow but for the boxes' scores. */
import { softmax } from '../core/count.js';
import type { ElboTerms } from '../core/elbo.js';
import type { Box, Latent } from '../core/latent.js';
import { AbstentionScores, type Answers } from './abstention.js';
import { DetectionScores, MatchScores } from './boxes.js';
import { type Calibration, CalibrationScores } from './calibration.js';
import { CountScores } from './counts.js';
import { SingleScores, type Singles } from './singles.js';

/** What is scored: an inferred image, and its true count and objects where they are known. */
export type Scored = Latent & { count?: number | undefined; objects?: readonly { ink: Box }[] | undefined };

/** The terms of the ELBO and the bound, by their names in the report. */
const TERM_NAMES = {
  logLik: 'log_lik',
  countKl: 'kl_n',
  whereKl: 'kl_z_where',
  whatKl: 'kl_z_what',
} as const satisfies { [term in keyof ElboTerms]?: string };

/** The report; a score that nothing in the input allows is null. Accuracies, IoU and AP are in 0..1, ELBOs in nats. */
export type Scores = {
  images: number;
  /** Share of images whose most probable count is the true one; the mean probability of the true count; by evidence. */
  count_accuracy: number | null;
  sampled_count_accuracy: number | null;
  evidence_count_accuracy: number | null;
  /** [truth][inferred] */
  confusion: number[][];
  /** Of q(n), and of the posterior over n that the evidence gives. */
  calibration: { q: Calibration | null; evidence: Calibration | null };
  /** If images of which the model is not sure enough are left unanswered, by q(n) and by evidence; null: none are. */
  abstention: { below: number; q: Answers | null; evidence: Answers | null } | null;
  /** Images that training with sums of images would take as single objects: by their true counts. */
  taken_as_single: Singles | null;
  /** Means over images; no ELBO if there is an image without. */
  elbo: number | null;
  terms: { [name: string]: number };
  /** Of matched boxes; matched objects as a share of all. */
  mean_iou: number | null;
  matched: number | null;
  /** At IoU .5, boxes ranked by q(n >= t). */
  average_precision: number | null;
};

class Mean {
  private sum = 0;
  private count = 0;

  add(value: number): void {
    this.sum += value;
    this.count++;
  }

  get value(): number | null {
    return this.count === 0 ? null : this.sum / this.count;
  }
}

const orNull = (value: number): number | null => (Number.isNaN(value) ? null : value);

export class Scoreboard {
  private images = 0;
  private readonly counts = new CountScores();
  private readonly evidence = new CountScores();
  private readonly sampled = new Mean();
  private readonly single = new SingleScores();
  private readonly elbo = new Mean();
  private withoutElbo = 0;
  private readonly terms = new Map<string, Mean>();
  private readonly matches = new MatchScores();
  private readonly detections = new DetectionScores();
  private readonly calibration = { q: new CalibrationScores(), evidence: new CalibrationScores() };
  private readonly abstainBelow: number | undefined;
  private readonly abstention: { q: AbstentionScores; evidence: AbstentionScores };
  private columns = 0;

  /** @param abstainBelow  images whose top probability is below it are also scored as unanswered */
  constructor({ abstainBelow }: { abstainBelow?: number | undefined } = {}) {
    this.abstainBelow = abstainBelow;
    const atLeast = abstainBelow ?? 0;
    this.abstention = { q: new AbstentionScores(atLeast), evidence: new AbstentionScores(atLeast) };
  }

  add({ n, q, evidence, nEvidence, elbo, terms, bound, steps, count, objects }: Scored): void {
    this.images++;
    this.columns = Math.max(this.columns, q.length);
    if (elbo === undefined) this.withoutElbo++;
    else this.elbo.add(elbo);
    if (terms !== undefined) {
      for (const term of Object.keys(TERM_NAMES) as (keyof typeof TERM_NAMES)[]) {
        this.addTerm(TERM_NAMES[term], terms[term]);
      }
    }
    if (bound !== undefined) this.addTerm('bound', bound);
    this.addProbs('q', q, count);
    if (evidence !== undefined) this.addProbs('evidence', softmax(evidence), count);
    if (count !== undefined) {
      this.counts.add(count, n);
      this.sampled.add(q[count] ?? 0);
      this.single.add(q, count);
      if (nEvidence !== undefined) this.evidence.add(count, nEvidence);
    }
    if (objects !== undefined) {
      const truth = objects.map(({ ink }) => ink);
      this.matches.add(
        steps.slice(0, n).map(({ box }) => box),
        truth,
      );
      this.detections.add(
        steps.map(({ box, p }) => ({ box, score: p })),
        truth,
      );
    }
  }

  private addProbs(by: 'q' | 'evidence', probs: readonly number[], count: number | undefined): void {
    this.abstention[by].add(probs, count);
    if (count !== undefined) this.calibration[by].add(probs, count);
  }

  private addTerm(name: string, value: number): void {
    const mean = this.terms.get(name) ?? new Mean();
    this.terms.set(name, mean);
    mean.add(value);
  }

  get scores(): Scores {
    const { truth, matched } = this.matches.totals;
    const { calibration, abstention, abstainBelow: below } = this;
    const answers = { q: abstention.q.answers ?? null, evidence: abstention.evidence.answers ?? null };
    return {
      images: this.images,
      count_accuracy: orNull(this.counts.accuracy),
      sampled_count_accuracy: this.sampled.value,
      evidence_count_accuracy: orNull(this.evidence.accuracy),
      confusion: this.counts.matrix(this.columns),
      calibration: { q: calibration.q.scores ?? null, evidence: calibration.evidence.scores ?? null },
      abstention: below === undefined ? null : { below, ...answers },
      taken_as_single: this.single.singles ?? null,
      elbo: this.withoutElbo > 0 ? null : this.elbo.value,
      terms: Object.fromEntries([...this.terms].map(([name, mean]) => [name, mean.value as number])),
      mean_iou: orNull(this.matches.meanIou),
      matched: orNull(matched / truth),
      average_precision: orNull(this.detections.averagePrecision),
    };
  }
}
