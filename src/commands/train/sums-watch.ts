/** Notices that a run makes no sums of images, and why (see train/image-sums.ts). */
import type { SumTally } from '../../train/image-sums.js';

/** Steps without a sum are not worth a word before there are so many of them. */
const PATIENCE = 10;

/** What most of the steps lacked, with a way out. */
function reasonOf({ steps, withoutSingles, outside, tooBright }: SumTally): string {
  if (2 * withoutSingles >= steps) {
    return (
      'no two images of a batch are surely counted as one object yet ' +
      '(a later --sum-from if the model has yet to learn to, --sum-pairs 0 if no image holds one object)'
    );
  }
  return outside >= tooBright
    ? 'pairs do not fit: there is no black border around the ink of the images, within which it could be moved ' +
        '(a background that is 0, a wider canvas, or --sum-pairs 0)'
    : 'both together exceed 255: the images are too bright where they overlap ' +
        '(darker images, a larger --sum-reach, or --sum-pairs 0)';
}

/**
 * Takes the tally of each report. Once no sum was possible in as many steps in a row as lie between reports, says so, once:
 * that is not yet so at the report where they begin.
 *
 * @param patience  steps between reports
 */
export function sumsWatch(patience: number): (step: number, tally: SumTally) => string | undefined {
  let barren: SumTally | undefined;
  let isSaid = false;
  return (step, tally) => {
    if (tally.sums > 0) barren = undefined;
    else if (barren === undefined) barren = { ...tally };
    else for (const key of Object.keys(tally) as (keyof SumTally)[]) barren[key] += tally[key];
    if (isSaid || barren === undefined || barren.steps < Math.max(PATIENCE, patience)) return undefined;
    isSaid = true;
    return `no sums of images in steps ${step - barren.steps + 1} to ${step}: ${reasonOf(barren)}`;
  };
}
