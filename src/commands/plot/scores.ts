/** Scores as charts: the confusion matrix of counts, and how far probabilities of counts can be believed. */
import { AirError } from '../../errors.js';
import type { Io } from '../../io/io.js';
import { calibrationChart, type Reliability } from '../../render/charts/calibration.js';
import { confusionChart } from '../../render/charts/confusion.js';
import type { Scores } from '../../scores/scoreboard.js';
import type { NamedFile } from '../shared/named-file.js';
import { readScores } from '../shared/scores-file.js';
import type { Plot } from './plot.js';

export const plotConfusion: Plot = async (files, { title }, io) => {
  const scored = await readAll(files, io);
  const matrices = scored.map(({ name, scores }) => ({ name, matrix: scores.confusion }));
  return confusionChart(matrices, { title });
};

export const plotCalibration: Plot = async (files, { title }, io) => {
  const scored = await readAll(files, io);
  const curves = scored.flatMap(({ name, scores: { calibration } }) => {
    const { q, evidence } = calibration;
    const nameOf = (by: string) => (files.length === 1 ? by : `${name}, ${by}`);
    const found: Reliability[] = [];
    if (q) found.push({ name: nameOf('q(n)'), bins: q.reliability });
    if (evidence) found.push({ name: nameOf('by evidence'), bins: evidence.reliability });
    return found;
  });
  return calibrationChart(curves, { title });
};

async function readAll(files: readonly NamedFile[], io: Io): Promise<{ name: string; scores: Scores }[]> {
  const all: { name: string; scores: Scores }[] = [];
  for (const { file, name } of files) {
    const scores = await readScores(file, io);
    if (scores.confusion.length === 0) {
      throw new AirError(
        'badData',
        `${file}: there are no true counts in it`,
        'air infer passes the truth on when its input has it, as scenes of air gen-data do',
      );
    }
    all.push({ name, scores });
  }
  return all;
}
