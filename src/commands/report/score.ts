/** A model's answers to the images of a report: all scores, the first pictures, and the images that it is most surely wrong about. */
import type { Started } from '../../backends/backend.js';
import type { LatentRecord } from '../../formats/records.js';
import type { Shown } from '../../render/html/picture.js';
import { Scoreboard, type Scores } from '../../scores/scoreboard.js';
import { makeInferrer } from '../../threads/inference.js';
import type { Checkpoint } from '../../train/checkpoint.js';
import { checkSize, inferEvents } from '../shared/infer-stream.js';
import { loadModel } from '../shared/model-file.js';
import type { ScoredOn } from './scenes.js';

export type ScoreSettings = {
  samples: number;
  shifts: number;
  batchSize: number;
  workers: number | undefined;
  seed: number;
};

export type Answers = {
  scores: Scores;
  reconstructions: Shown[];
  mistakes: Shown[];
  /** Images counted wrong, also those that are not shown. */
  wrong: number;
};

/** Full rows on a wide screen and on a narrow one. */
const SHOWN = 20;
const MISTAKES = 30;

/** @throws AirError 'badData' if the images are not of the model's size */
export async function scoreModel(
  checkpoint: Checkpoint,
  { name, events }: ScoredOn,
  started: Started,
  { workers, ...settings }: ScoreSettings,
): Promise<Answers> {
  const model = await loadModel(checkpoint);
  const inferrer = await makeInferrer(started, model, workers);
  const board = new Scoreboard();
  const worst = new Worst(MISTAKES);
  const reconstructions: Shown[] = [];
  for (const event of events) if (event.type === 'header') checkSize(event.header, checkpoint, name);
  const all = (async function* () {
    yield* events;
  })();
  try {
    for await (const event of inferEvents(
      inferrer,
      checkpoint,
      { file: name, events: all },
      { mode: 'mean', ...settings },
    )) {
      if (event.type !== 'batch') continue;
      for (const record of event.records) {
        board.add(record);
        worst.add(record);
        if (reconstructions.length < SHOWN) reconstructions.push(record);
      }
    }
  } finally {
    await inferrer.close();
    for (const weight of Object.values(model.params)) weight.dispose();
  }
  const { shown: mistakes, wrong } = worst;
  return { scores: board.scores, reconstructions, mistakes, wrong };
}

/** Images counted wrong, the most certain first; among equals, the earlier. Holds no more than are shown. */
export class Worst {
  private readonly most: number;
  private readonly kept: { record: LatentRecord; doubt: number }[] = [];
  wrong = 0;

  constructor(most: number) {
    this.most = most;
  }

  add(record: LatentRecord): void {
    const { count, n, q } = record;
    if (count === undefined || count === n) return;
    this.wrong++;
    // 1 - q[n] would have lost its digits
    const doubt = q.reduce((sum, p, m) => (m === n ? sum : sum + p), 0);
    const after = this.kept.findIndex((other) => other.doubt > doubt);
    this.kept.splice(after === -1 ? this.kept.length : after, 0, { record, doubt });
    this.kept.length = Math.min(this.kept.length, this.most);
  }

  get shown(): LatentRecord[] {
    return this.kept.map(({ record }) => record);
  }
}
