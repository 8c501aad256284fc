/** Runs a model over a stream of images, batch by batch, for the commands that infer. */
import type { BackendName } from '../../backends/names.js';
import { startBackend } from '../../backends/start.js';
import { joinImages } from '../../core/images.js';
import { hasNumbers } from '../../core/latent.js';
import { AirError } from '../../errors.js';
import type { Header, LatentRecord, Scene } from '../../formats/records.js';
import type { StreamEvent } from '../../formats/stream.js';
import type { Io } from '../../io/io.js';
import { type Inferrer, makeInferrer } from '../../threads/inference.js';
import type { Checkpoint } from '../../train/checkpoint.js';
import { readImageInput } from './image-input.js';
import { loadModel } from './model-file.js';

export type InferSettings = {
  mode: 'mean' | 'sample';
  /** 0: no ELBO. */
  samples: number;
  /** px */
  shifts: number;
  batchSize: number;
  backend: BackendName | 'auto';
  workers: number | undefined;
  seed: number;
};

export type InferEvent =
  | { type: 'header'; header: Header }
  | { type: 'batch'; records: LatentRecord[] }
  | { type: 'end' };

/**
 * Infers what is in the images of a file: a header and an end for each of its segments, and the images between in batches. Holds
 * a batch per thread. Every complete image is passed on before damage in the input is reported.
 *
 * @throws AirError 'badData' if an image is not of the model's size, or what the model says of it is no number
 */
export async function* inferStream(
  checkpoint: Checkpoint,
  file: string,
  { backend, workers, ...settings }: InferSettings,
  io: Io,
): AsyncGenerator<InferEvent> {
  const events = readImageInput(file, io);
  const started = await startBackend(backend);
  io.messages.detail(`backend ${started.name}: ${started.detail}`);
  const inferrer = await makeInferrer(started, await loadModel(checkpoint), workers);
  try {
    yield* inferEvents(inferrer, checkpoint, { file, events }, settings);
  } finally {
    await inferrer.close();
  }
}

/** The same of images that are read or made already. `file` is what they are called in messages. */
export async function* inferEvents(
  inferrer: Inferrer,
  checkpoint: Checkpoint,
  { file, events }: { file: string; events: AsyncGenerator<StreamEvent<Scene>> },
  { mode, samples, shifts, batchSize, seed }: Omit<InferSettings, 'backend' | 'workers'>,
): AsyncGenerator<InferEvent> {
  let waiting: Scene[] = [];
  const underWay: Promise<InferEvent>[] = [];

  const send = (): void => {
    if (waiting.length === 0) return;
    const scenes = waiting;
    waiting = [];
    const images = joinImages(scenes.map(({ image }) => image));
    const indices = scenes.map(({ i }) => i);
    const done = inferrer.infer(images, indices, { mode, samples, shifts, seed }).then((latents): InferEvent => {
      const odd = latents.findIndex((latent) => !hasNumbers(latent));
      if (odd !== -1) throw notFinite(`${file}: image ${indices[odd]}`);
      return { type: 'batch', records: scenes.map((scene, b) => ({ ...scene, ...latents[b] })) };
    });
    done.catch(() => {}); // it is awaited below, in its turn
    underWay.push(done);
  };
  /** The oldest batches, until no more than `rest` are under way. */
  async function* collect(rest: number): AsyncGenerator<InferEvent> {
    while (underWay.length > rest) yield (await underWay.shift()) as InferEvent;
  }

  /** What is waiting too. */
  async function* collectAll(): AsyncGenerator<InferEvent> {
    yield* collect(inferrer.width - 1);
    send();
    yield* collect(0);
  }

  try {
    for (;;) {
      let next: IteratorResult<StreamEvent<Scene>>;
      try {
        next = await events.next();
      } catch (damage) {
        yield* collectAll();
        throw damage;
      }
      if (next.done) return;
      const event = next.value;
      if (event.type === 'record') {
        waiting.push(event.record);
        if (waiting.length < batchSize) continue;
        yield* collect(inferrer.width - 1);
        send();
        continue;
      }
      yield* collectAll();
      if (event.type === 'header') checkSize(event.header, checkpoint, file);
      yield event;
    }
  } finally {
    await events.return(undefined);
  }
}

function notFinite(image: string): AirError {
  return new AirError(
    'badData',
    `${image}: what the model says of it is no finite number`,
    'its weights, or settings such as --likelihood-sd, are too large or too small to compute with: train another one',
  );
}

/** @throws AirError 'badData' if images are not of the model's size */
export function checkSize({ canvas }: Header, { config }: Checkpoint, file: string): void {
  if (canvas.join() === config.canvas.join()) return;
  const [has, takes] = [canvas, config.canvas].map((size) => size.join(' x '));
  throw new AirError(
    'badData',
    `${file}: images of ${has} px, the model takes ${takes} px`,
    'make images of that size (air gen-data --canvas), or train a model on these',
  );
}
