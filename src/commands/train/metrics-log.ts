/**
 * The log of a training run: one JSON object per line, each with the model it is about. After a resume it is that of a run that was
 * never stopped, but for the times, and for what is counted since the report before (`sums`, `baseline_explains`): at the first report
 * of a sitting, that is since the resume.
 */
import { usage } from '../../cli/command.js';
import { formatMetricsLine, type MetricsLine, modelOfLog, parseMetricsLog, tryOf } from '../../formats/metrics-log.js';
import { isRead } from '../../io/failures.js';
import type { Io } from '../../io/io.js';

export type MetricsLog = {
  /** What stood there of this try when it was opened. */
  readonly earlier: readonly MetricsLine[];
  write(line: MetricsLine): Promise<void>;
};

/**
 * Opens a log, or goes on with the one that an earlier sitting of the same run left: lines of steps that will be done
 * again are taken out.
 *
 * Lines of a try before (see --retries) stay. What is not a file, such as /dev/stderr, is written to as it is; that its
 * reader goes away does not end a training.
 *
 * @param done which try of the run this is, and the last step of it that is done
 * @throws AirError 'usage' if the file holds something else; 'badData' if it is damaged
 */
export async function openMetricsLog(
  { file, model }: { file: string; model: string },
  { retry, step }: { retry: number; step: number },
  io: Io,
): Promise<MetricsLog> {
  const tag = { model, ...(retry === 0 ? {} : { retry }) };
  if ((await io.checkOutput(file)) === 'stream') {
    const out = await io.openOutput(file, 'lines');
    const write = async (line: MetricsLine): Promise<void> => {
      await isRead(out.write(formatMetricsLine({ ...tag, ...line })).then(() => out.flush()));
    };
    return { earlier: [], write };
  }
  let kept: readonly MetricsLine[] = [];
  if (await io.exists(file)) {
    const old = await io.readText(file);
    if (old !== '' && modelOfLog(old) !== model) {
      throw usage(`${file} is not the log of ${model}`, 'give another name with --metrics, or remove that file');
    }
    const lines = parseMetricsLog(old, { name: file });
    kept = lines.filter((line) => tryOf(line) < retry || (tryOf(line) === retry && line.step <= step));
    if (step === 0 && retry === 0 && lines.length > 0)
      io.messages.warn(`${file}: begins again, without the ${lines.length} lines of an earlier run`);
    await io.writeFileAtomic(file, new TextEncoder().encode(kept.map(formatMetricsLine).join('')));
  }
  return {
    earlier: kept.filter((line) => tryOf(line) === retry),
    write: (line) => io.appendFile(file, formatMetricsLine({ ...tag, ...line })),
  };
}
