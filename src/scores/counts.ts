/** Scores of counting against the truth: accuracy and confusion matrix, a small matrix whatever the number of images. */

/** How often n objects were counted as m. */
export class CountScores {
  private readonly rows: number[][] = [];
  private widest = 0;
  private right = 0;
  private images = 0;

  /** One image with `truth` objects of which `inferred` were counted. Weights other than 1 are for expected counts. */
  add(truth: number, inferred: number, weight = 1): void {
    while (this.rows.length <= truth) this.rows.push([]);
    const row = this.rows[truth];
    while (row.length <= inferred) row.push(0);
    row[inferred] += weight;
    this.widest = Math.max(this.widest, row.length);
    if (truth === inferred) this.right += weight;
    this.images += weight;
  }

  /** Images added so far. */
  get total(): number {
    return this.images;
  }

  /** Part of the images with the right count, 0..1; NaN without images. */
  get accuracy(): number {
    return this.right / this.images;
  }

  /** [truth, inferred]: images, from 0 to the largest of each seen; `columns` at least, say model steps + 1. */
  matrix(columns = 0): number[][] {
    const width = Math.max(this.widest, columns);
    return this.rows.map((row) => [...row, ...Array<number>(width - row.length).fill(0)]);
  }
}
