/**
 * A safetensors file as it arrives: first its header, then the elements of its tensors, piece by piece. Holds the header and a piece,
 * whatever the file's length, and reads no more than the header promises.
 */
import { AirError } from '../errors.js';
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
  const input = new Input(chunks);
  try {
    const dataStart = dataStartOf(await input.peek(LENGTH_BYTES), reading.name);
    const header = parseHeader(await input.peek(dataStart), reading.name);
    return await use({ header, pieces: readPieces(input, header, reading) });
  } finally {
    await input.close();
  }
}

async function* readPieces(
  input: Input,
  header: SafetensorsHeader,
  { name, newHash }: Reading,
): AsyncGenerator<Piece, void, undefined> {
  const { digest, places, dataStart } = header;
  const head = await input.take(dataStart);
  const hash = newHash();
  hash.update(digest ? unsealed(head, digest) : head);
  let bytes = dataStart;
  for (const [tensor, { dtype, begin, end }] of inFileOrder(places)) {
    const Elements = ARRAYS[dtype];
    for (let from = begin; from < end; from += PIECE_BYTES) {
      const piece = await input.take(Math.min(PIECE_BYTES, end - from));
      bytes += piece.length;
      if (piece.length < Math.min(PIECE_BYTES, end - from)) checkLength(header, bytes, name);
      hash.update(piece);
      yield { tensor, at: (from - begin) / Elements.BYTES_PER_ELEMENT, elements: new Elements(piece.buffer) };
    }
  }
  checkLength(header, bytes + (await input.take(1)).length, name);
  if (digest !== undefined && hash.digest() !== digest.value) {
    throw new AirError(
      'badData',
      `${name}: the digest does not match: the file was changed`,
      'copy it again, or make it again',
    );
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

/** Bytes that arrive in chunks, taken in other pieces. */
class Input {
  private readonly chunks: AsyncIterator<Uint8Array>;
  private held: Uint8Array[] = [];
  private heldBytes = 0;

  constructor(chunks: AsyncIterable<Uint8Array>) {
    this.chunks = chunks[Symbol.asyncIterator]();
  }

  /** The next so many bytes, or all that are left; they stay. */
  async peek(count: number): Promise<Uint8Array> {
    while (this.heldBytes < count) {
      const { value, done } = await this.chunks.next();
      if (done) break;
      this.held.push(value);
      this.heldBytes += value.length;
    }
    const bytes = new Uint8Array(Math.min(count, this.heldBytes));
    let at = 0;
    for (const chunk of this.held) {
      if (at === bytes.length) break;
      const part = chunk.subarray(0, bytes.length - at);
      bytes.set(part, at);
      at += part.length;
    }
    return bytes;
  }

  /** The same, which are gone then. In memory of their own. */
  async take(count: number): Promise<Uint8Array<ArrayBuffer>> {
    const bytes = await this.peek(count);
    let left = bytes.length;
    while (left > 0) {
      const [first] = this.held;
      if (first.length > left) this.held[0] = first.subarray(left);
      else this.held.shift();
      left -= Math.min(left, first.length);
    }
    this.heldBytes -= bytes.length;
    return bytes as Uint8Array<ArrayBuffer>;
  }

  async close(): Promise<void> {
    await this.chunks.return?.();
  }
}
