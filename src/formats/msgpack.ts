/**
 * One msgpack value at a time (https://github.com/msgpack/msgpack/blob/master/spec.md), in the plain subset that every
 * language's reader takes: no extension types, so none of msgpackr's records. Written with the shortest encodings:
 * integers as integers, other numbers as float64, Uint8Array as bin.
 *
 * msgpackr decodes a value that is all there. In a pipe one must first know whether it is, and how long it is, without
 * trusting the lengths it names: that is ValueScanner.
 */
import { Packr, Unpackr } from 'msgpackr';

/** Limits on one value, far above any record's, so that garbage cannot make memory grow. */
export const MAX_VALUE_BYTES = 32 * 1024 * 1024;
/** Numbers, strings, keys and containers in one value. */
export const MAX_VALUE_PARTS = 65536;
export const MAX_DEPTH = 32;

const packr = new Packr({ useRecords: false, variableMapSize: true, encodeUndefinedAsNil: true });
const unpackr = new Unpackr({ useRecords: false, mapsAsObjects: true, int64AsType: 'number' });

/**
 * The bytes of a value. Keys keep the order of insertion; undefined becomes nil. The bytes stay valid.
 * @throws Unreadable if a reader would refuse it: what is written is scanned as what is read
 */
export function packValue(value: unknown): Uint8Array {
  const { buffer, byteOffset, length } = packr.pack(value);
  const bytes = new Uint8Array(buffer as ArrayBuffer, byteOffset, length);
  const scanned = new ValueScanner().scan(bytes, 0, length);
  if (scanned !== length) {
    const limits = `${MAX_VALUE_BYTES} bytes, ${MAX_VALUE_PARTS} parts and ${MAX_DEPTH} levels`;
    throw new Unreadable(`${scanned}: a value has at most ${limits}`);
  }
  return bytes;
}

/** What would be written is larger, or has more parts or levels, than a reader takes. */
export class Unreadable extends Error {}

/**
 * The value at bytes[start, end), whose length ValueScanner gave. Every bin in it is a view of `bytes`.
 * @throws Error (any) if the bytes are not one value.
 */
export function unpackValue(bytes: Uint8Array, start = 0, end = bytes.length): unknown {
  return unpackr.unpack(bytes, { start, end });
}

/** Why there is no length: more bytes are needed, or no further byte would help. */
export type NoLength = 'incomplete' | 'not msgpack' | 'too large';

/**
 * Finds where the value at an offset ends, as its bytes arrive. It goes on where it stopped, so that many small pieces
 * cost no more than one; `reset` before the next value.
 */
export class ValueScanner {
  /** Values still to come in each open container, outermost first; a map counts two for each entry. */
  private readonly toCome = new Float64Array(MAX_DEPTH + 1);
  private depth = 0;
  private parts = 0;
  /** Offset of the next part within the value. */
  private offset = 0;

  constructor() {
    this.reset();
  }

  reset(): void {
    this.toCome[0] = 1;
    this.depth = 0;
    this.parts = 0;
    this.offset = 0;
  }

  /** How many bytes does the value at bytes[start] take, of which those before `end` have arrived? */
  scan(bytes: Uint8Array, start: number, end: number): number | NoLength {
    const { toCome } = this;
    while (this.depth >= 0) {
      if (toCome[this.depth] === 0) {
        this.depth--;
        continue;
      }
      if (this.offset > MAX_VALUE_BYTES || this.parts > MAX_VALUE_PARTS) return 'too large';
      const at = start + this.offset;
      if (at >= end) return 'incomplete';
      const token = bytes[at];
      let size = 1; // bytes of this part: its token, its length field and what is not parts of its own
      let children = -1; // values inside it; -1: not a container
      if (token < 0x80 || token >= 0xe0) {
        // fixint
      } else if (token < 0x90) children = 2 * (token & 15);
      else if (token < 0xa0) children = token & 15;
      else if (token < 0xc0) size += token & 31;
      else {
        const lengthBytes = LENGTH_BYTES[token - 0xc0];
        if (lengthBytes < 0) return 'not msgpack';
        if (at + lengthBytes >= end) return 'incomplete';
        let length = FIXED_BYTES[token - 0xc0];
        for (let i = 1; i <= lengthBytes; i++) length = length * 256 + bytes[at + i];
        size += lengthBytes;
        if (token >= 0xde) children = 2 * length;
        else if (token >= 0xdc) children = length;
        else size += length;
      }
      this.offset += size;
      this.parts++;
      toCome[this.depth]--;
      if (children > 0) {
        if (this.depth === MAX_DEPTH) return 'too large';
        toCome[++this.depth] = children;
      }
    }
    if (this.offset > MAX_VALUE_BYTES) return 'too large';
    return start + this.offset <= end ? this.offset : 'incomplete';
  }
}

/** For tokens 0xc0 .. 0xdf: bytes of the length field; -1 for what does not occur here (0xc1 and extension types). */
// biome-ignore format: one row each for c0-c3, bin, ext, float and uint, int, fixext, str, array and map
const LENGTH_BYTES = [
  0, -1, 0, 0,  1, 2, 4,  -1, -1, -1,  0, 0, 0, 0, 0, 0,
  0, 0, 0, 0,  -1, -1, -1, -1, -1,  1, 2, 4,  2, 4,  2, 4,
];
/** For the same tokens: bytes of a number. */
// biome-ignore format: as above
const FIXED_BYTES = [
  0, 0, 0, 0,  0, 0, 0,  0, 0, 0,  4, 8, 1, 2, 4, 8,
  1, 2, 4, 8,  0, 0, 0, 0, 0,  0, 0, 0,  0, 0,  0, 0,
];
