/**
 * A safetensors file as it arrives: first its header, then the elements of its tensors, piece by piece. Holds the header and a piece,
 * whatever the file's length, and reads no more than the header promises.
 */
import { ByteReader, joined } from './byte-reader.js';
import type { TensorData } from './safetensors.js';
import {
  ARRAYS,
  checkLength,
  dataStartOf,
  LENGTH_BYTES,
  notWhole,
  type Place,
  parseHeader,
  type SafetensorsHeader,
  unsealed,
  wasChanged,
} from './safetensors-header.js';

/** Elements of a tensor from element `at` on: a copy. */
export type Piece = { tensor: string; at: number; elements: TensorData['data'] };

export type OpenSafetensors = {
  header: SafetensorsHeader;
  /**
   * In the order of the file, of every tensor that has elements.
   * @throws AirError 'badData', once all has come, if the file is shorter or longer than promised, or not as it was sealed
   */
  pieces: AsyncGenerator<Piece, void, undefined>;
};

type Reading = {
  /** Of the file, for messages. */
  name: string;
  /** SHA-256. */
  newHash(): { update(bytes: Uint8Array): void; digest(): string };
};

const PIECE_BYTES = 1 << 20;

/** More than this is not held in memory. */
const MOST_BYTES_HELD = 2 ** 32;

/**
 * Hands a file to `use` once its header is read, and closes it when that is done, read to the end or not.
 *
 * @throws AirError 'badData' if the header is damaged, or is none
 */
export async function readSafetensors<T>(
  chunks: AsyncIterable<Uint8Array>,
  reading: Reading,
  use: (file: OpenSafetensors) => T | Promise<T>,
): Promise<T> {
  const input = new ByteReader(chunks);
  try {
    const length = await input.take(LENGTH_BYTES);
    const head = joined(length, await input.take(dataStartOf(length, reading.name) - LENGTH_BYTES));
    const header = parseHeader(head, reading.name);
    return await use({ header, pieces: readPieces(input, { head, header }, reading) });
  } finally {
    await input.close();
  }
}

async function* readPieces(
  input: ByteReader,
  { head, header }: { head: Uint8Array; header: SafetensorsHeader },
  { name, newHash }: Reading,
): AsyncGenerator<Piece, void, undefined> {
  const { digest, places } = header;
  const hash = newHash();
  hash.update(digest ? unsealed(head, digest) : head);
  for (const [tensor, { dtype, begin, end }] of inFileOrder(places)) {
    const Elements = ARRAYS[dtype];
    for (let from = begin; from < end; from += PIECE_BYTES) {
      const piece = await input.take(Math.min(PIECE_BYTES, end - from));
      if (piece.length < Math.min(PIECE_BYTES, end - from)) checkLength(header, input.total, name);
      hash.update(piece);
      yield { tensor, at: (from - begin) / Elements.BYTES_PER_ELEMENT, elements: new Elements(piece.buffer) };
    }
  }
  await input.take(1); // one too many is enough to be seen
  checkLength(header, input.total, name);
  if (digest !== undefined && hash.digest() !== digest.value) {
    throw wasChanged(name);
  }
}

function inFileOrder(places: ReadonlyMap<string, Place>): [string, Place][] {
  return [...places].sort(([, a], [, b]) => a.begin - b.begin);
}

/** All tensors, held. @throws AirError 'badData' if that is more than fits into memory, and as `pieces` does */
export async function readTensors({ header, pieces }: OpenSafetensors, name: string): Promise<Map<string, TensorData>> {
  if (header.dataBytes > MOST_BYTES_HELD) throw notWhole(name, `its tensors would take ${header.dataBytes} bytes`);
  const tensors = new Map<string, TensorData>();
  for (const [key, { dtype, shape, begin, end }] of header.places) {
    const Elements = ARRAYS[dtype];
    const data = new Elements((end - begin) / Elements.BYTES_PER_ELEMENT);
    tensors.set(key, { dtype, shape, data } as TensorData);
  }
  for await (const { tensor, at, elements } of pieces) {
    const { data } = tensors.get(tensor) as TensorData;
    (data as Float32Array).set(elements as Float32Array, at);
  }
  return tensors;
}
