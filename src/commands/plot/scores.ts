/** Scores as charts: the confusion matrix of counts, and how far probabilities of counts can be believed. */
import { AirError } from '../../errors.js';
import type { Io } from '../../io/io.js';
import { calibrationChart, type Reliability } from '../../render/charts/calibration.js';
import { confusionChart } from '../../render/charts/confusion.js';
import type { RunScores } from '../../scores/columns.js';
import type { NamedFile } from '../shared/named-file.js';
import { readScores } from '../shared/scores-file.js';
import type { Plot } from './plot.js';

export const plotConfusion: Plot = async (files, { title }, io) => {
  const matrices = await readAll(files, ({ confusion }) => (confusion?.length ? confusion : undefined), io);
  return confusionChart(
    matrices.map(({ name, found: matrix }) => ({ name, matrix })),
    { title },
  );
};

export const plotCalibration: Plot = async (files, { title }, io) => {
  const all = await readAll(files, ({ calibration }) => calibration?.q && calibration, io);
  const curves = all.flatMap(({ name, found: { q, evidence } }) => {
    const nameOf = (by: string) => (files.length === 1 ? by : `${name}, ${by}`);
    const found: Reliability[] = [];
    if (q) found.push({ name: nameOf('q(n)'), bins: q.reliability });
    if (evidence) found.push({ name: nameOf('by evidence'), bins: evidence.reliability });
    return found;
  });
  return calibrationChart(curves, { title });
};

/** What is to be drawn of each file. */
async function readAll<T>(
  files: readonly NamedFile[],
  of: (scores: RunScores) => T | null | undefined,
  io: Io,
): Promise<{ name: string; found: T }[]> {
  const all: { name: string; found: T }[] = [];
  for (const { file, name } of files) {
    const scores = await readScores(file, io);
    const found = of(scores);
    if (found == null) {
      if (scores.collapse !== undefined)
        throw new AirError('badData', `${file}: a run without scores: ${scores.collapse}`);
      throw new AirError(
        'badData',
        `${file}: there are no true counts in it`,
        'air infer passes the truth on when its input has it, as scenes of air gen-data do',
      );
    }
    all.push({ name, found });
  }
  return all;
}
