/** Runs a model over a stream of images, batch by batch, for the commands that explain. */
import { type BackendName, startBackend } from '../backends/start.js';
import type { Io } from '../cli/io.js';
import { type Explained, explain } from '../core/explain.js';
import { joinImages } from '../core/images.js';
import { AirError } from '../errors.js';
import { readScenes } from '../formats/scenes.js';
import type { Header, Scene } from '../formats/stream.js';
import type { Checkpoint } from '../train/checkpoint.js';
import { loadModel } from './model-file.js';

export type ExplainSettings = {
  mode: 'mean' | 'sample';
  samples: number;
  batchSize: number;
  backend: BackendName | 'auto';
  seed: number;
};

export type ExplainEvent =
  | { type: 'header'; header: Header }
  | { type: 'batch'; batch: { scene: Scene; explained: Explained }[] }
  | { type: 'end' };

/**
 * Explains what a file holds: a header and an end for each of its segments, and the images between in batches. Holds
 * one batch. Every complete image is explained before damage in the input is reported.
 *
 * @throws AirError 'badData' if an image is not of the model's size
 */
export async function* explainStream(
  checkpoint: Checkpoint,
  file: string,
  { mode, samples, batchSize, backend, seed }: ExplainSettings,
  io: Io,
): AsyncGenerator<ExplainEvent> {
  const events = readScenes(io.readBytes(file), file);
  let waiting: Scene[] = [];
  const started = await startBackend(backend);
  io.talk.detail(`backend ${started.name}: ${started.detail}`);
  const model = await loadModel(checkpoint);

  const explainWaiting = async (): Promise<ExplainEvent[]> => {
    if (waiting.length === 0) return [];
    const scenes = waiting;
    waiting = [];
    const images = joinImages(scenes.map(({ image }) => image));
    const indices = scenes.map(({ i }) => i);
    const explained = await explain(model, images, indices, { mode, samples, seed });
    return [{ type: 'batch', batch: scenes.map((scene, b) => ({ scene, explained: explained[b] })) }];
  };
  try {
    for await (const event of events) {
      if (event.type === 'record') {
        waiting.push(event.record);
        if (waiting.length === batchSize) yield* await explainWaiting();
        continue;
      }
      yield* await explainWaiting();
      if (event.type === 'header') checkSize(event.header, checkpoint, file);
      yield event;
    }
  } catch (error) {
    yield* await explainWaiting();
    throw error;
  }
}

function checkSize({ canvas }: Header, { config }: Checkpoint, file: string): void {
  if (canvas.join() === config.canvas.join()) return;
  const [has, takes] = [canvas, config.canvas].map((size) => size.join(' x '));
  throw new AirError(
    'badData',
    `${file}: images of ${has} px, the model takes ${takes} px`,
    'make images of that size (air gen-data --canvas), or train a model on these',
  );
}
