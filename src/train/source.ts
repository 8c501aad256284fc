/** Where training images come from: a finite stream held in memory and shuffled, or an endless one read as it comes. */
import { type ImageBatch, joinImages } from '../core/images.js';
import { Draws } from '../core/rng.js';
import { AirError } from '../errors.js';
import type { Header, Scene } from '../formats/records.js';
import type { StreamEvent } from '../formats/stream.js';

export type SceneSource = {
  /** Height and width of the images, px. */
  canvas: [number, number];
  /** How many images there are; Infinity for an endless stream. */
  count: number;
  /** Tells other data from these. */
  digest: string;
  /** The command lines that made them. */
  provenance: string[];
  /** The images of a step, counted from 1: a function of (seed, step) alone. Steps are asked for in ascending order. */
  batch(step: number, batchSize: number): Promise<ImageBatch>;
  /** From now on in the order of another seed. An endless stream has one order only, and goes on in it. */
  reseed(seed: number): void;
  /** Stops reading. */
  close(): Promise<void>;
};

export type Hash = { update(bytes: Uint8Array): unknown; digest(): string };

type Events = AsyncIterator<StreamEvent<Scene>>;

/** Whether the writer said that the stream has no end. */
export function isEndless(header: Header): boolean {
  return header.count === 'inf';
}

/**
 * Opens a source. Reads a finite stream to its end (uint8, so 60,000 scenes take 150 MB); of an endless one, the header.
 *
 * @param name for messages  @param limit keep only so many images (0: all)
 * @throws AirError 'badData' if there is no image, or the images differ in size
 */
export async function openSource(
  stream: AsyncIterable<StreamEvent<Scene>>,
  { name, seed, newHash, limit = 0 }: { name: string; seed: number; newHash: () => Hash; limit?: number },
): Promise<SceneSource> {
  const events = stream[Symbol.asyncIterator]();
  const first = await events.next();
  if (first.done || first.value.type !== 'header') {
    throw new AirError('badData', `${name}: no images`, 'make some with: air gen-data');
  }
  const { header } = first.value;
  if (isEndless(header) && limit === 0) return endless(events, header, name, newHash);
  return inMemory(events, header, { name, seed, newHash, limit });
}

async function inMemory(
  events: Events,
  header: Header,
  { name, seed: firstSeed, newHash, limit }: { name: string; seed: number; newHash: () => Hash; limit: number },
): Promise<SceneSource> {
  let seed = firstSeed;
  const hash = newHash();
  const images: Uint8Array[] = [];
  for await (const event of { [Symbol.asyncIterator]: () => events }) {
    if (event.type === 'header') checkSameSize(header, event.header, name);
    if (event.type !== 'record') continue;
    hash.update(event.record.image);
    images.push(event.record.image);
    if (images.length === limit) break;
  }
  if (images.length === 0)
    throw new AirError('badData', `${name}: no images, only a header`, 'make some: air gen-data');

  let epoch = -1;
  let order: Uint32Array = new Uint32Array(0);
  const imageAt = (position: number) => {
    const wanted = Math.floor(position / images.length);
    if (wanted !== epoch) {
      epoch = wanted;
      order = new Draws(seed, 'shuffle', epoch).permutation(images.length);
    }
    return images[order[position % images.length]];
  };
  return {
    canvas: header.canvas,
    count: images.length,
    digest: hash.digest(),
    provenance: header.provenance ?? [],
    async batch(step, batchSize) {
      const start = (step - 1) * batchSize;
      return joinImages(Array.from({ length: batchSize }, (_, b) => imageAt(start + b)));
    },
    reseed(another) {
      seed = another;
      epoch = -1;
    },
    async close() {},
  };
}

function checkSameSize(a: Header, b: Header, name: string): void {
  if (a.canvas.join() === b.canvas.join()) return;
  const [first, next] = [a, b].map(({ canvas }) => canvas.join(' x '));
  throw new AirError(
    'badData',
    `${name}: images of different sizes: ${first}, then ${next} px`,
    'train on one size at a time',
  );
}

/** Step t uses images [(t-1) B, t B) of the stream; what lies before is skipped, so a resumed run sees the same. */
function endless(events: Events, header: Header, name: string, newHash: () => Hash): SceneSource {
  const { provenance, ...identity } = header;
  const hash = newHash();
  hash.update(new TextEncoder().encode(JSON.stringify(identity)));
  let position = 0;
  const next = async (): Promise<Uint8Array> => {
    for (;;) {
      const { done, value } = await events.next();
      if (done) throw new AirError('badData', `${name}: the endless stream ended after image ${position}`);
      if (value.type !== 'record') continue;
      position++;
      return value.record.image;
    }
  };
  return {
    canvas: header.canvas,
    count: Number.POSITIVE_INFINITY,
    digest: hash.digest(),
    provenance: provenance ?? [],
    async batch(step, batchSize) {
      const start = (step - 1) * batchSize;
      while (position < start) await next();
      const images: Uint8Array[] = [];
      while (images.length < batchSize) images.push(await next());
      return joinImages(images);
    },
    reseed() {},
    async close() {
      await events.return?.();
    },
  };
}
