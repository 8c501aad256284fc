/**
 * gzip undone as it arrives: members one after the other, as cat joins them. What follows the last is nothing, or zeros that pad it to
 * a block, as gzip itself takes them; all else is damage. zlib stops at the first zero behind a member and says nothing, so
 * that what comes then has to be looked at here.
 */
import { createGunzip, type Gunzip } from 'node:zlib';
import { AirError } from '../errors.js';

/** @param name for messages  @throws AirError 'badData'; what `chunks` throws */
export async function* gunzip(
  chunks: AsyncIterable<Uint8Array>,
  name: string,
  chunkSize: number,
): AsyncGenerator<Uint8Array> {
  const plain = createGunzip({ chunkSize });
  const feeding = feed(chunks, plain);
  feeding.catch((error: Error) => {
    if (!(error instanceof Garbage)) plain.destroy(error); // garbage is said after all that is before it
  });
  try {
    for await (const chunk of plain) yield chunk as Uint8Array;
    await feeding;
  } catch (error) {
    const isDamage = error instanceof Garbage || (error as NodeJS.ErrnoException).code?.startsWith('Z_') === true;
    if (!isDamage) throw error;
    const what = `${name}: damaged gzip data: ${(error as Error).message}`;
    throw new AirError('badData', what, undefined, { cause: error });
  }
}

class Garbage extends Error {}

/** Hands over the chunks, each when the last is used up, and looks through what zlib leaves. */
async function feed(chunks: AsyncIterable<Uint8Array>, plain: Gunzip): Promise<void> {
  let given = 0;
  let isPadding = false;
  for await (const chunk of chunks) {
    if (plain.destroyed && !plain.readableEnded) return; // whoever reads has stopped
    let rest = chunk;
    if (!isPadding) {
      given += chunk.length;
      await new Promise((taken) => plain.write(chunk, taken));
      const left = given - plain.bytesWritten;
      isPadding = left > 0;
      rest = chunk.subarray(chunk.length - left);
    }
    if (rest.some((byte) => byte !== 0)) throw new Garbage('garbage after its last member');
  }
  if (!isPadding) plain.end();
}
