/** The known ways in which AIR fails to count, told from a confusion matrix. */

/** The share of a row that must go astray for a collapse. */
const NEARLY_ALL = 0.8;

/**
 * Names a known collapse, or returns undefined. An ELBO alone does not show them: a model can reconstruct well and
 * count wrongly.
 */
export function nameCollapse(confusion: readonly (readonly number[])[]): string | undefined {
  const imagesWith = (truth: number) => (confusion[truth] ?? []).reduce((sum, count) => sum + count, 0);
  const share = (truth: number, inferred: number): number =>
    imagesWith(truth) === 0 ? 0 : (confusion[truth][inferred] ?? 0) / imagesWith(truth);
  const most = (confusion[0]?.length ?? 1) - 1;
  /** Whether nearly all images with objects are counted as so many that they do not have. */
  const all = (inferred: number): boolean => {
    const truths = confusion.map((_, truth) => truth).filter((t) => t > 0 && t !== inferred && imagesWith(t) > 0);
    return truths.length > 0 && truths.every((truth) => share(truth, inferred) > NEARLY_ALL);
  };
  if (all(0))
    return 'every image is counted as empty: the prior is too strong too early (a longer --anneal-prior-duration)';
  if (most > 2 && all(most))
    return `every image with objects is counted as ${most}: the prior is too weak (a smaller --z-pres-prior)`;
  if (share(2, 1) > NEARLY_ALL)
    return 'two objects are counted as one: one window explains both (a smaller --scale-prior-sd)';
  if (share(1, 2) > NEARLY_ALL) return 'one object is counted as two: the prior is too weak (a smaller --z-pres-prior)';
  return undefined;
}
