/** What is gained if a model may say "I do not know": images of which it is not sure enough are left unanswered. */
import { argmax } from '../core/count.js';

/** Of all images the share that was answered; of those whose truth is known, the share that was answered right (null: none). */
export type Answers = { answered: number; accuracy: number | null };

export class AbstentionScores {
  /** Images whose top probability is below it are not answered. */
  private readonly below: number;
  private images = 0;
  private answered = 0;
  private judged = 0;
  private right = 0;

  constructor(below: number) {
    this.below = below;
  }

  /** One image: p(n), n = 0..N, and its true count if it is known. */
  add(probs: readonly number[], truth: number | undefined): void {
    this.images++;
    const top = argmax(probs);
    if (probs[top] < this.below) return;
    this.answered++;
    if (truth === undefined) return;
    this.judged++;
    if (top === truth) this.right++;
  }

  /** Undefined without images. */
  get answers(): Answers | undefined {
    if (this.images === 0) return undefined;
    return {
      answered: this.answered / this.images,
      accuracy: this.judged === 0 ? null : this.right / this.judged,
    };
  }
}
