/**
 * The log of a training run: one JSON object per line, each with the model it is about. After a resume it is that of a run that was
 * never stopped, but for the times, and for what is counted since the report before (`sums`, `baseline_explains`): at the first report
 * of a sitting, that is since the resume.
 */
import { usage } from '../../cli/command.js';
import type { Io } from '../../io/io.js';
import { type MetricsLine, parseMetrics } from '../shared/metrics-lines.js';

export type MetricsLog = {
  /** What stood there of this try when it was opened. */
  readonly earlier: readonly MetricsLine[];
  write(line: MetricsLine): Promise<void>;
};

/**
 * Opens a log, or goes on with the one that an earlier sitting of the same run left: lines of steps that will be done
 * again are taken out.
 *
 * Lines of a try before (see --retries) stay.
 *
 * @param done which try of the run this is, and the last step of it that is done
 * A device such as /dev/stderr is written to as it is.
 *
 * @throws AirError 'usage' if the file holds something else
 */
export async function openMetricsLog(
  { file, model }: { file: string; model: string },
  { retry, step }: { retry: number; step: number },
  io: Io,
): Promise<MetricsLog> {
  if (file === '-') throw usage('--metrics -: stdout is not for logs', 'give a file, or /dev/stderr');
  let kept: Line[] = [];
  if (!file.startsWith('/dev/') && (await io.exists(file))) {
    const old = new TextDecoder().decode(await io.readFile(file));
    const lines = old.split('\n').map(parse);
    if (old !== '' && lines[0]?.model !== model) {
      throw usage(`${file} is not the log of ${model}`, 'give another name with --metrics, or remove that file');
    }
    const isDone = (line: Line) => {
      const ofLine = Number(line.retry ?? 0);
      return ofLine < retry || (ofLine === retry && Number(line.step) <= step);
    };
    kept = lines.filter((line) => line !== undefined && isDone(line)) as Line[];
    if (step === 0 && retry === 0 && old !== '')
      io.messages.warn(`${file}: begins again, without the ${lines.length - 1} lines of an earlier run`);
    await io.writeFileAtomic(file, new TextEncoder().encode(textOf(kept)));
  }
  const tag = { model, ...(retry === 0 ? {} : { retry }) };
  const earlier =
    retry === Math.max(0, ...kept.map((line) => Number(line.retry ?? 0))) ? parseMetrics(textOf(kept)) : [];
  return { earlier, write: (line) => io.appendFile(file, `${JSON.stringify({ ...tag, ...line })}\n`) };
}

function textOf(lines: readonly Line[]): string {
  return lines.map((line) => `${JSON.stringify(line)}\n`).join('');
}

type Line = { [name: string]: unknown };

/** A line, or undefined for what a killed run left of one. */
function parse(line: string): Line | undefined {
  try {
    return JSON.parse(line);
  } catch {
    return undefined;
  }
}
