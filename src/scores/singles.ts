/** What sums of images take for a single object: how many objects do the images hold that the model is sure hold one? */
import { isSurelyOne } from '../core/count.js';

export type Singles = {
  images: number;
  /** Of them, those that hold 0, 1, 2, ... objects. */
  holding: number[];
};

export class SingleScores {
  private judged = false;
  private readonly holding: number[] = [];

  /** One image: q(n), n = 0..N, and its true count. */
  add(q: readonly number[], truth: number): void {
    this.judged = true;
    while (this.holding.length < Math.max(q.length, truth + 1)) this.holding.push(0);
    if (isSurelyOne(q.map(Math.log))) this.holding[truth]++;
  }

  /** Undefined without images. */
  get singles(): Singles | undefined {
    if (!this.judged) return undefined;
    return { images: this.holding.reduce((sum, images) => sum + images, 0), holding: [...this.holding] };
  }
}
