/** Images from whatever holds them, as a stream of scenes: a stream itself, or .npy, .npz, PNG or IDX without truth. */
import { isImageKind, readImages } from './images.js';
import type { Scene } from './records.js';
import { sniffChunks } from './sniff.js';
import { readStream, type StreamEvent } from './stream.js';

/**
 * Reads a stream of scenes or an image file, told apart by their first bytes, as events of a stream of scenes.
 *
 * @param name of the input, for messages
 * @throws AirError 'badData' as `readStream` and `readImages`
 */
export async function* readScenes(
  chunks: AsyncIterable<Uint8Array>,
  name: string,
): AsyncGenerator<StreamEvent<Scene>, void, undefined> {
  const { kind, chunks: all } = await sniffChunks(chunks);
  if (!isImageKind(kind)) {
    yield* readStream(all, { name, expect: 'scenes' });
    return;
  }
  const { height, width, images } = await readImages(all, name);
  const shape: [number, number] = [height, width];
  yield { type: 'header', header: { air: 'scenes', version: 1, canvas: shape, image: { dtype: 'uint8', shape } } };
  let i = 0;
  for await (const image of images) yield { type: 'record', record: { i: i++, image } };
  yield { type: 'end' };
}
