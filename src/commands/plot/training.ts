/** Logs of training runs as curves. */
import { AirError } from '../../errors.js';
import { QUANTITY_TABLE, type Quantity } from '../../render/charts/quantities.js';
import { type TrainingRun, trainingCurves } from '../../render/charts/training-curves.js';
import { readMetricsFile, trainingPoints } from '../shared/metrics-file.js';
import type { Plot } from './plot.js';

/** Drawn unless asked for others, where there are any. */
const USUAL: readonly Quantity[] = ['elbo', 'accuracy'];

export const plotTraining: Plot = async (files, { x, y, title }, io) => {
  const runs: (TrainingRun & { file: string })[] = [];
  for (const { file, name } of files) {
    runs.push({ file, group: name, name: file, points: trainingPoints(await readMetricsFile(file, io)) });
  }
  if (x.includes('time')) {
    const timeless = runs.find(({ points }) => points.every(({ seconds }) => seconds === undefined));
    if (timeless) throw new AirError('badData', `${timeless.file}: says nothing of times`, '--x steps needs none');
  }
  const has = (quantity: Quantity) => (run: TrainingRun) =>
    run.points.some(({ values }) => values[quantity] !== undefined);
  const found = (y ?? USUAL).filter((quantity) => runs.some(has(quantity)));
  const missing = (y ?? USUAL).filter((quantity) => !found.includes(quantity));
  if (found.length === 0 || (y !== undefined && missing.length > 0)) {
    const fields = missing.map((quantity) => QUANTITY_TABLE[quantity].field).join(', ');
    const where = runs.length === 1 ? `${runs[0].file}: there is` : 'there is, in all of these logs,';
    throw new AirError('badData', `${where} no ${fields}`, 'what is held out is scored by air train --valid FILE');
  }
  for (const quantity of found) {
    const without = runs.filter((run) => !has(quantity)(run));
    if (without.length > 0) io.messages.warn(`${without[0].file}: there is no ${QUANTITY_TABLE[quantity].field} in it`);
  }
  return trainingCurves(runs, { x, y: found, title });
};
