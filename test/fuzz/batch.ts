/** Many cases of one reader from one seed, by fast-check: it makes the choices, and where a case fails, plainer ones. */
import fc from 'fast-check';
import { latest, type Reader, tryCase } from './cases.js';
import { Choices } from './choices.js';
import { TAPES } from './tape.js';

export type Figures = { accepted: number; refused: number; slowestMs: number; peakMb: number };

export type Failure = {
  reader: string;
  seed: number;
  /** Which of the cases of its seed it was. */
  path: string;
  message: string;
  stack: string;
  /** The plainest file that fails. */
  bytes: Uint8Array;
};

/** No file of some kilobytes may take longer, in time of processors, or more memory than all before it and this. */
const MOST_MS = 2000;
const MOST_MB = 160;
/** A batch takes a second or two. A failing file is made plainer for so long, no longer. */
const BATCH_MS = 300_000;
const PLAINER_MS = 5000;

/** @param path  of one case to look at again */
export async function runBatch<T>(
  reader: Reader<T>,
  { seed, cases, path }: { seed: number; cases: number; path?: string },
): Promise<{ figures: Figures; failure?: Failure }> {
  const figures = { accepted: 0, refused: 0, slowestMs: 0, peakMb: 0 };
  let failing = new Uint8Array(0);
  let failedAt = Number.POSITIVE_INFINITY;
  const property = fc.asyncProperty(TAPES, async (tape) => {
    if (processorMs() > failedAt + PLAINER_MS) return;
    const [startMs, startMb] = [processorMs(), peakMb()];
    try {
      const verdict = await tryCase(reader, new Choices(tape.play()));
      const [ms, mb] = [processorMs() - startMs, peakMb()];
      if (ms > MOST_MS) throw new Error(`it takes ${Math.round(ms)} ms`);
      if (mb - startMb > MOST_MB) throw new Error(`it takes ${Math.round(mb - startMb)} MB`);
      if (failedAt < Number.POSITIVE_INFINITY) return; // a case that is looked at again
      figures[verdict]++;
      figures.slowestMs = Math.max(figures.slowestMs, ms);
      figures.peakMb = Math.max(figures.peakMb, mb);
    } catch (error) {
      failing = Uint8Array.from(latest.bytes);
      failedAt = Math.min(failedAt, processorMs());
      throw error;
    }
  });
  const limits = { interruptAfterTimeLimit: BATCH_MS, markInterruptAsFailure: true };
  const run = await fc.check(property, {
    seed,
    ...(path === undefined ? { numRuns: cases } : { path, numRuns: 1 }),
    ...limits,
  });
  if (!run.failed) return { figures };
  const error =
    run.errorInstance instanceof Error
      ? run.errorInstance
      : new Error(run.interrupted ? 'it does not end' : String(run.errorInstance));
  const failure = { reader: reader.name, seed, path: run.counterexamplePath?.split(':', 1)[0] ?? '', bytes: failing };
  return { figures, failure: { ...failure, message: error.message, stack: error.stack ?? '' } };
}

function processorMs(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
}

/** The most memory that this process has held. */
function peakMb(): number {
  return process.resourceUsage().maxRSS / 1024;
}
