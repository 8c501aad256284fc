/** The log of a training (`--metrics`), as the curves read it: see commands/train/metrics-log.ts, which writes it. */

/** One line: a report of the training, or a validation; whatever it has, numbers by name. */
export type MetricsLine = { readonly step: number; readonly [name: string]: unknown };

/**
 * The lines of a log that can be read: a killed run may have left part of one. Of a run that began again (--retries), those of its
 * last try.
 */
export function parseMetrics(text: string): MetricsLine[] {
  const lines = text.split('\n').flatMap((line): MetricsLine[] => {
    const value = parsed(line);
    return typeof value?.step === 'number' ? [value as MetricsLine] : [];
  });
  const retryOf = ({ retry }: MetricsLine): number => (typeof retry === 'number' ? retry : 0);
  const last = Math.max(0, ...lines.map(retryOf));
  return lines.filter((line) => retryOf(line) === last);
}

function parsed(line: string): { [name: string]: unknown } | undefined {
  try {
    const value: unknown = JSON.parse(line);
    return typeof value === 'object' && value !== null ? (value as { [name: string]: unknown }) : undefined;
  } catch {
    return undefined;
  }
}

/** A number of a line, if it is there and finite. */
export function numberIn(line: MetricsLine, name: string): number | undefined {
  const value = line[name];
  return typeof value === 'number' && Number.isFinite(value) ? value : undefined;
}
