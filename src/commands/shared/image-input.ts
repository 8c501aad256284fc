/** The images that an operand names, for every command that reads images: a file, stdin, or a folder of PNGs. */
import { AirError } from '../../errors.js';
import type { Scene } from '../../formats/records.js';
import { readImageFiles, readScenes } from '../../formats/scenes.js';
import type { StreamEvent } from '../../formats/stream.js';
import type { Io } from '../../io/io.js';

/**
 * Reads scenes or images, as events of a stream of scenes. Of a folder, all *.png in it in the order of their names; other
 * files and hidden ones are left aside. Says so if colours are taken as grey.
 *
 * @param bytes of a file that is being read already
 * @throws AirError 'badData' as `readScenes` and `readImageFiles`, or if a folder holds no PNG; 'noInput'
 */
export async function* readImageInput(
  operand: string,
  io: Io,
  bytes?: AsyncIterable<Uint8Array>,
): AsyncGenerator<StreamEvent<Scene>, void, undefined> {
  const onColour = (): void => io.messages.info(`${operand}: colours are taken as grey`);
  const names = bytes === undefined ? await io.listFolder(operand) : undefined;
  if (names === undefined) {
    yield* readScenes(bytes ?? io.readBytes(operand), operand, onColour);
    return;
  }
  const pictures = names.filter((name) => /^[^.].*\.png$/i.test(name));
  const others = names.length - pictures.length;
  if (pictures.length === 0) {
    const holds = others === 0 ? 'it is empty' : others === 1 ? 'only another file' : `only ${others} other files`;
    throw new AirError('badData', `${operand}: a folder without a *.png: ${holds}`, 'name a file, or a folder of PNGs');
  }
  if (others > 0) io.messages.detail(`${operand}: PNGs: ${pictures.length}, files left aside: ${others}`);
  const folder = operand.replace(/\/+$/, '');
  yield* readImageFiles(
    pictures.map((picture) => {
      const name = `${folder}/${picture}`;
      return { name, open: () => io.readBytes(name) };
    }),
    onColour,
  );
}
