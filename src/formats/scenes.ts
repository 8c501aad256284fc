/** Images from whatever holds them, as a stream of scenes: a stream itself, or .npy, .npz, PNG or IDX without truth. */
import { AirError } from '../errors.js';
import { isImageKind, readImages } from './images.js';
import type { Header, Scene } from './records.js';
import { sniffChunks } from './sniff.js';
import { readStream, type StreamEvent } from './stream.js';

/**
 * Reads a stream of scenes or an image file, told apart by their first bytes, as events of a stream of scenes.
 *
 * @param name of the input, for messages  @param onColour called once, if images are colours that are taken as grey
 * @throws AirError 'badData' as `readStream` and `readImages`
 */
export async function* readScenes(
  chunks: AsyncIterable<Uint8Array>,
  name: string,
  onColour?: () => void,
): AsyncGenerator<StreamEvent<Scene>, void, undefined> {
  const { kind, chunks: all } = await sniffChunks(chunks);
  if (!isImageKind(kind)) {
    yield* readStream(all, { name, expect: 'scenes' });
    return;
  }
  yield* readImageFiles([{ name, open: () => all }], onColour);
}

/** A file of images, to be opened when its turn comes. */
export type ImageFile = { name: string; open(): AsyncIterable<Uint8Array> };

/**
 * The images of one or more files, in their order, as events of one segment of scenes. One file at a time is open.
 *
 * @param onColour as for `readScenes`
 * @throws AirError 'badData' as `readImages`, and at the first file whose images are not of the first one's size
 */
export async function* readImageFiles(
  files: readonly ImageFile[],
  onColour: () => void = () => {},
): AsyncGenerator<StreamEvent<Scene>, void, undefined> {
  let canvas: [number, number] | undefined;
  let [i, wasColour] = [0, false];
  for (const { name, open } of files) {
    const { height, width, isColour, images } = await readImages(open(), name);
    if (isColour && !wasColour) onColour();
    wasColour ||= isColour;
    if (canvas === undefined) {
      canvas = [height, width];
      yield { type: 'header', header: imagesHeader(canvas) };
    } else if (canvas.join() !== [height, width].join()) {
      await images.return();
      const expected = `${canvas.join(' x ')} px as in ${files[0].name}`;
      throw new AirError('badData', `${name}: ${height} x ${width} px, expected ${expected}`, 'make all of one size');
    }
    for await (const image of images) yield { type: 'record', record: { i: i++, image } };
  }
  yield { type: 'end' };
}

function imagesHeader(shape: [number, number]): Header {
  return { air: 'scenes', version: 1, canvas: shape, image: { dtype: 'uint8', shape } };
}
