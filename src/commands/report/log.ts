/** The metrics log of a model: the one that is named, or one that lies beside the model and says that it is of it. */
import { AirError } from '../../errors.js';
import { type MetricsLine, modelOfLog } from '../../formats/metrics-log.js';
import type { Io } from '../../io/io.js';
import { readMetricsFile } from '../shared/metrics-file.js';

export type Log = { file: string; lines: MetricsLine[] } | { absent: string };

const lastPart = (file: string): string => file.slice(file.lastIndexOf('/') + 1);

/** @throws AirError 'badData' if the file that is named is no such log; 'noInput' */
export async function readLog(model: string, named: string | undefined, io: Io): Promise<Log> {
  if (named !== undefined) return { file: named, lines: await readMetricsFile(named, io) };
  const folder = model.includes('/') ? model.slice(0, model.lastIndexOf('/') + 1) : '';
  const name = lastPart(model).replace(/\.state$/, '');
  const stem = name.replace(/\.safetensors$/, '');
  const logs = ((await io.listFolder(folder === '' ? '.' : folder)) ?? []).filter((file) => file.endsWith('.jsonl'));
  // of several, that which is called as the model
  const rank = (file: string): number => (file === `${stem}.jsonl` ? 0 : file.startsWith(stem) ? 1 : 2);
  for (const file of logs.sort((a, b) => rank(a) - rank(b)).map((one) => folder + one)) {
    const of = modelOfLog(await io.readText(file));
    if (of !== undefined && lastPart(of) === name) return readOwn(file, io);
  }
  return {
    absent: `No log of this training lies beside ${lastPart(model)}: air train --metrics FILE.jsonl writes one, air report --metrics FILE.jsonl names one that lies elsewhere.`,
  };
}

/** One that nobody asked for: if it is damaged, there is a report all the same. */
async function readOwn(file: string, io: Io): Promise<Log> {
  try {
    return { file, lines: await readMetricsFile(file, io) };
  } catch (error) {
    if (!(error instanceof AirError && error.kind === 'badData')) throw error;
    io.messages.warn(`${error.message}; there are no curves`);
    return { absent: `The log beside it cannot be read: ${error.message}.` };
  }
}
