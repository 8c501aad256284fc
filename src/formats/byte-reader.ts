/** Bytes of a file that arrives in chunks of any size, taken in pieces of the reader's choice. Holds a chunk, and what is asked for. */

export class ByteReader {
  /** How many were taken. */
  total = 0;
  private readonly chunks: AsyncGenerator<Uint8Array, void, undefined>;
  private chunk: Uint8Array = new Uint8Array(0);

  constructor(chunks: AsyncIterable<Uint8Array> | Iterable<Uint8Array>) {
    this.chunks = (async function* () {
      yield* chunks;
    })();
  }

  /** The next ones that are here, one at least, `most` at most; undefined at the end. */
  async some(most = Number.POSITIVE_INFINITY): Promise<Uint8Array | undefined> {
    while (this.chunk.length === 0) {
      const { value, done } = await this.chunks.next();
      if (done) return undefined;
      this.chunk = value;
    }
    const taken = this.chunk.subarray(0, most);
    this.chunk = this.chunk.subarray(taken.length);
    this.total += taken.length;
    return taken;
  }

  /** So many, in memory of their own; fewer only at the end. */
  async take(count: number): Promise<Uint8Array<ArrayBuffer>> {
    const taken = new Uint8Array(count);
    for (let filled = 0; filled < count; ) {
      const piece = await this.some(count - filled);
      if (piece === undefined) return taken.slice(0, filled);
      taken.set(piece, filled);
      filled += piece.length;
    }
    return taken;
  }

  /** Closes what the chunks come from, read to the end or not. */
  async close(): Promise<void> {
    await this.chunks.return();
  }
}

/** One after the other. */
export function joined(first: Uint8Array, second: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(first.length + second.length);
  bytes.set(first);
  bytes.set(second, first.length);
  return bytes;
}
