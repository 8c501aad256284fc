/**
 * Makes the records of a stream of scenes, on this thread or on several. Scene i depends on the seed and on i only, and
 * chunks are passed on in their order: the bytes are the same whatever the number of threads and the size of chunks.
 */
import { type SceneChunk, SceneMaker, type ScenePart, type SceneSetup } from './scene-maker.js';
import { Thread } from './thread.js';

/** A chunk has at most so many pixels: some dozen scenes, so that the first come soon and none wait for long. */
const CHUNK_PIXELS = 1 << 17;
/** Chunks of a thread that are under way or wait to be passed on. */
const CHUNKS_AHEAD = 2;

/**
 * The scenes of `part`, whose end may be Infinity, in order. Holds some chunks, and makes no more while none is taken.
 *
 * @param workers at most so many threads; 1: none but this
 * @throws AirError where a scene cannot be made, after those before it
 */
export async function* makeScenes(
  setup: SceneSetup,
  part: ScenePart,
  workers: number,
): AsyncGenerator<SceneChunk, void, undefined> {
  const maker = new SceneMaker(setup);
  const scenes = Math.max(1, Math.floor(CHUNK_PIXELS / setup.options.canvas ** 2));
  const threads = Math.min(workers, Math.ceil((part.end - part.first) / scenes));
  if (threads > 1) return yield* makeOnThreads(setup, maker, part, { threads, scenes });
  let { first } = part;
  while (first < part.end) {
    const chunk = maker.make({ first, end: Math.min(first + scenes, part.end) });
    first += chunk.counts.length;
    yield chunk;
  }
}

/** As makeScenes, in chunks of `scenes` on so many threads. `maker` says why one cannot be made. */
export async function* makeOnThreads(
  setup: SceneSetup,
  maker: SceneMaker,
  { first, end }: ScenePart,
  { threads: width, scenes }: { threads: number; scenes: number },
): AsyncGenerator<SceneChunk, void, undefined> {
  const images = new Uint8Array(new SharedArrayBuffer(setup.digits.images.length));
  images.set(setup.digits.images);
  const shared: SceneSetup = { ...setup, digits: { ...setup.digits, images } };
  const threads = Array.from(
    { length: width },
    () => new Thread<ScenePart, SceneChunk>(new URL('./scene-thread.js', import.meta.url), shared),
  );
  const ahead: { part: ScenePart; chunk: Promise<SceneChunk> }[] = [];
  const latest: Promise<unknown>[] = threads.map(() => Promise.resolve());
  let dealt = 0;
  const deal = (): void => {
    const t = dealt++ % width;
    const part = { first, end: Math.min(first + scenes, end) };
    first = part.end;
    const chunk = latest[t].then(() => threads[t].ask(part));
    chunk.catch(() => {}); // whoever takes it hears of it
    latest[t] = chunk;
    ahead.push({ part, chunk });
  };
  try {
    for (;;) {
      while (first < end && ahead.length < width * CHUNKS_AHEAD) deal();
      const next = ahead.shift();
      if (next === undefined) return;
      const chunk = await next.chunk;
      yield chunk;
      const reached = next.part.first + chunk.counts.length;
      // a scene that cannot be made ends a chunk early, without its error: it fails again here, with it
      if (reached < next.part.end) maker.make({ first: reached, end: next.part.end });
    }
  } finally {
    await Promise.all(threads.map((thread) => thread.close()));
  }
}
