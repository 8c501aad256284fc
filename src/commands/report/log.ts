/** The metrics log of a model: the one that is named, or one that lies beside the model and says that it is of it. */
import { AirError } from '../../errors.js';
import type { Io } from '../../io/io.js';
import { type MetricsLine, parseMetrics } from '../shared/metrics-lines.js';

export type Log = { file: string; lines: MetricsLine[] } | { absent: string };

const lastPart = (file: string): string => file.slice(file.lastIndexOf('/') + 1);

/** @throws AirError 'badData' if the file that is named holds no such lines; 'noInput' */
export async function readLog(model: string, named: string | undefined, io: Io): Promise<Log> {
  if (named !== undefined) {
    const lines = await linesOf(named, io);
    if (lines.length > 0) return { file: named, lines };
    throw new AirError('badData', `${named}: no log of a training`, 'air train --metrics FILE.jsonl writes one');
  }
  const folder = model.includes('/') ? model.slice(0, model.lastIndexOf('/') + 1) : '';
  const name = lastPart(model).replace(/\.state$/, '');
  const stem = name.replace(/\.safetensors$/, '');
  const logs = ((await io.listFolder(folder === '' ? '.' : folder)) ?? []).filter((file) => file.endsWith('.jsonl'));
  // of several, that which is called as the model
  const rank = (file: string): number => (file === `${stem}.jsonl` ? 0 : file.startsWith(stem) ? 1 : 2);
  for (const file of logs.sort((a, b) => rank(a) - rank(b))) {
    const lines = await linesOf(folder + file, io);
    const [first] = lines;
    if (typeof first?.model === 'string' && lastPart(first.model) === name) return { file: folder + file, lines };
  }
  return {
    absent: `No log of this training lies beside ${lastPart(model)}: air train --metrics FILE.jsonl writes one, air report --metrics FILE.jsonl names one that lies elsewhere.`,
  };
}

async function linesOf(file: string, io: Io): Promise<MetricsLine[]> {
  return parseMetrics(new TextDecoder().decode(await io.readFile(file)));
}
