/**
 * Streams of scenes and latents: plain msgpack values one after the other, which any msgpack reader takes.
 *
 *   stream  = segment, segment*                     so `cat a.air b.air` is a stream
 *   segment = header, record*, end
 *   header  = {"air": "scenes" | "latents", "version": 1, "canvas": [H, W],
 *              "image": {"dtype": "uint8", "shape": [H, W]},
 *              "window": {"dtype": "uint8", "shape": [h, w]}, "what": {"dtype": "float32", "shape": [Z]},  latents, optional
 *              "where": {"dtype": "float32", "shape": [D]},                                                latents, if D is not 3
 *              "count": "inf",                    scenes, optional: the stream has no end, readers do not wait for it
 *              "model": {...}, "seed": n, "objects": [n, ...], "generator": {...}, ..., "provenance": [command line, ...]}
 *   record  = scene or latent, as the header says
 *   scene   = {"i": index, "image": bin [H, W],
 *              "count": n, "objects": [{"label": n, "frame": box, "ink": box}]}                            truth, optional, label too
 *   latent  = {"i": index, "n": argmax q, "q": [q(n) for n = 0 .. N], "elbo": number (optional),
 *              "evidence": [log-weight of n for n = 0 .. N] (optional), "n_evidence": n (optional),
 *              "steps": [{"box": box, "p": q(n >= t), "where": bin f32 [D], "where_scale": bin f32 [D],
 *                         "what": bin f32 [Z], "what_scale": bin f32 [Z], "window": bin [h, w] (optional)}, N times],
 *              "image": bin [H, W], "reconstruction": bin [H, W] (optional), count and objects as in a scene}
 *   elbo, evidence: nats, from draws; neither is there where none was made (infer --no-elbo). The weight of n is the mean over the
 *              draws of p(x, n, z_1..n) / q(z_1..n); the softmax of the log-weights estimates p(n | x), n_evidence is their argmax
 *              where there is more than one draw
 *   where   = (s, x, y) of the canvas -> window map, or, if D is 4, (sx, x, sy, y), the window's sides in canvases and its centre
 *   box     = [x, y, w, h] in continuous pixels, top-left corner and size; pixel i covers [i, i + 1)
 *   end     = {"end": true, "records": count, "crc32": of every byte of the segment before this value}
 *
 * Written with keys in this order and the shortest encodings: integers as integers, other numbers as float64, bytes
 * row by row, float32 little-endian. Read in any order and encoding; unknown keys are ignored. No extension types; a
 * value has at most 32 MiB, 65536 parts and 32 levels, a canvas at most 2048 x 2048, an image at most 255 objects and steps.
 * Probabilities are in 0 .. 1, those of q add up to 1, scales and sides of boxes are not negative, some weight of `evidence` is
 * not -Infinity, and all other numbers are finite (fields.ts). A writer refuses what a reader would.
 *
 * A stream that stops anywhere but right after an `end` is damaged. A flipped byte in a record may show only at the
 * `end`: the records before it may have passed, the stream is still refused.
 */
import { AirError } from '../errors.js';
import { crc32 } from './crc32.js';
import { BadValue, isMap } from './fields.js';
import { packValue, Unreadable, unpackValue, ValueScanner } from './msgpack.js';
import {
  checkHeader,
  type Header,
  type LatentRecord,
  latentFromWire,
  latentToWire,
  type Scene,
  STREAM_VERSION,
  type StreamKind,
  sceneFromWire,
  sceneToWire,
} from './records.js';
import { KIND_NAMES, SNIFF_BYTES, sniff } from './sniff.js';

export type { Header, LatentRecord, Scene, SceneObject, StreamKind } from './records.js';

export type StreamEvent<R> = { type: 'header'; header: Header } | { type: 'record'; record: R } | { type: 'end' };

/** Writes one segment. Each method gives the bytes to write next; `header()` first, `end()` last. */
export class StreamWriter {
  private readonly head: Header;
  private readonly checksum: (crc: number, bytes: Uint8Array) => number;
  private records = 0;
  private crc = 0;

  /**
   * @param checksum  as `crc32`: where Node's own is at hand, which is faster
   * @throws AirError 'bug' if the header, or later a record, is not as the format says; 'usage' if it is larger than is read.
   */
  constructor(header: Header, checksum: (crc: number, bytes: Uint8Array) => number = crc32) {
    this.checksum = checksum;
    this.head = orBug('the header', () => checkHeader(header));
  }

  header(): Uint8Array {
    return this.append(
      pack('the header', () => this.head),
      0,
    );
  }

  record(record: Scene | LatentRecord): Uint8Array {
    return this.append(encodeRecord(record, this.head), 1);
  }

  /** So many records that have been made bytes of elsewhere (`encodeRecord`, scene-bytes.ts), one after the other. */
  append(bytes: Uint8Array, records: number): Uint8Array {
    this.records += records;
    this.crc = this.checksum(this.crc, bytes);
    return bytes;
  }

  end(): Uint8Array {
    return packValue({ end: true, records: this.records, crc32: this.crc });
  }
}

/** The bytes of one record under a header. @throws AirError 'bug' if it is not as the format says, 'usage' as `StreamWriter` */
export function encodeRecord(record: Scene | LatentRecord, header: Header): Uint8Array {
  return pack(`record ${record.i}`, () =>
    header.air === 'scenes' ? sceneToWire(record, header) : latentToWire(record as LatentRecord, header),
  );
}

function pack(what: string, make: () => unknown): Uint8Array {
  const value = orBug(what, make);
  try {
    return packValue(value);
  } catch (error) {
    if (!(error instanceof Unreadable)) throw error;
    const hint = 'it would not be read again; --no-provenance leaves the command lines that led here out';
    throw new AirError('usage', `cannot write ${what}: ${error.message}`, hint);
  }
}

function orBug<T>(what: string, make: () => T): T {
  try {
    return make();
  } catch (error) {
    if (error instanceof BadValue) throw new AirError('bug', `cannot write ${what}: ${error.message}`);
    throw error;
  }
}

export type ReadOptions = {
  /** What messages call the input, say '-' or a file name. */
  name: string;
  /** Refuse streams of the other kind. */
  expect?: StreamKind;
};

type Chunks = AsyncIterable<Uint8Array>;
type Events<R> = AsyncGenerator<StreamEvent<R>, void, undefined>;

/**
 * Reads a stream: for each segment its header, its records and its end, as they arrive. Arrays in a record are its own.
 * Every complete record is yielded before damage is reported. Holds one chunk and one record, whatever the length.
 * @throws AirError 'badData' if the input is empty, no stream, of the wrong kind or a newer version, or damaged.
 */
export function readStream(chunks: Chunks, options: ReadOptions & { expect: 'scenes' }): Events<Scene>;
export function readStream(chunks: Chunks, options: ReadOptions & { expect: 'latents' }): Events<LatentRecord>;
export function readStream(chunks: Chunks, options: ReadOptions): Events<Scene | LatentRecord>;
export async function* readStream(chunks: Chunks, options: ReadOptions): Events<Scene | LatentRecord> {
  const decoder = new StreamDecoder(options);
  for await (const chunk of chunks) {
    for (let start = 0; start < chunk.length; start += PIECE_BYTES) {
      decoder.append(chunk.subarray(start, start + PIECE_BYTES));
      for (let event = decoder.next(); event !== undefined; event = decoder.next()) yield event;
    }
  }
  decoder.finish();
}

/** Longer chunks are taken in pieces, so that they are not held twice. */
const PIECE_BYTES = 256 * 1024;

const DAMAGE_HINT = 'the data was cut or changed on its way: make or copy it again (the records before this are whole)';
const CUT_HINT = 'the program that wrote it was stopped, or the file was cut: make or copy it again';

const MODEL_HINT = 'if it is a model: air view shows what it is, air infer MODEL FILE explains images with it';

/** `readStream` without waiting: append bytes, take events until there is none, and `finish` after the last bytes. */
export class StreamDecoder {
  private readonly name: string;
  private readonly expect: StreamKind | undefined;
  private readonly scanner = new ValueScanner();
  /** Bytes that have not been decoded: buffer[start, end). */
  private buffer = new Uint8Array(0);
  private start = 0;
  private end = 0;
  /** The segment in progress, counted from 1; its header, once it has come, and its records so far. */
  private segment = 1;
  private header: Header | undefined;
  private records = 0;
  private crc = 0;

  constructor(options: ReadOptions) {
    this.name = options.name;
    this.expect = options.expect;
  }

  /** Takes in bytes (a copy of them). */
  append(bytes: Uint8Array): void {
    const kept = this.end - this.start;
    if (this.end + bytes.length > this.buffer.length) {
      if (kept + bytes.length <= this.buffer.length) this.buffer.copyWithin(0, this.start, this.end);
      else {
        const larger = new Uint8Array(Math.max(4096, 2 * (kept + bytes.length)));
        larger.set(this.buffer.subarray(this.start, this.end));
        this.buffer = larger;
      }
      this.start = 0;
      this.end = kept;
    }
    this.buffer.set(bytes, this.end);
    this.end += bytes.length;
  }

  /** The next event, or undefined if it takes more bytes. @throws AirError 'badData' on damage. */
  next(): StreamEvent<Scene | LatentRecord> | undefined {
    const { buffer, start, end } = this;
    if (start === end) return undefined;
    if (this.header === undefined) {
      if (end - start < SNIFF_BYTES) return undefined;
      this.checkKind();
    }
    const length = this.scanner.scan(buffer, start, end);
    if (length === 'incomplete') return undefined;
    if (typeof length === 'string') this.fail(`${this.place()} the bytes are ${length}`, DAMAGE_HINT);
    this.scanner.reset();
    this.start += length;
    // Bins are views of what is decoded: of a copy, so that a record that is kept holds its own bytes only.
    let value: unknown;
    try {
      value = unpackValue(buffer.slice(start, start + length));
    } catch {
      this.fail(`${this.place()} the bytes are not msgpack`, DAMAGE_HINT);
    }
    if (!isMap(value)) this.fail(`${this.place()} there is a value that is not a map`, DAMAGE_HINT);
    if (this.header === undefined) return this.openSegment(value, length);
    if (value.end === true) return this.closeSegment(value);
    if (value.air !== undefined) this.fail(`${this.place()} another header follows: no end marker`, CUT_HINT);
    this.crc = crc32(this.crc, buffer, start, start + length);
    const record = this.decodeRecord(value, this.header);
    this.records++;
    return { type: 'record', record };
  }

  /** Says that no more bytes will come. @throws AirError 'badData' unless that is right after an end marker. */
  finish(): void {
    if (this.header !== undefined) {
      const where = this.records === 0 ? 'before its first record' : `after record ${this.records}`;
      this.fail(`input ended inside segment ${this.segment} ${where}: no end marker`, CUT_HINT);
    }
    if (this.start < this.end) {
      this.checkKind();
      this.fail(`input ended inside the header of segment ${this.segment}`, CUT_HINT);
    }
    if (this.segment === 1) this.fail('input is empty', 'the command that should have written it may have failed');
  }

  private checkKind(): void {
    const first = this.buffer.subarray(this.start, this.end);
    const kind = sniff(first);
    if (kind === 'stream') return;
    if (this.segment > 1) {
      this.fail(`garbage after segment ${this.segment - 1}: ${hex(first)}, expected a header or the end`, DAMAGE_HINT);
    }
    const is = kind === 'unknown' ? `begins with ${hex(first)}` : `is ${KIND_NAMES[kind]}`;
    const hint = kind === 'safetensors' ? MODEL_HINT : this.howToMake(this.expect ?? 'scenes');
    this.fail(`not a stream of ${this.expect ?? 'scenes or latents'}: ${is}`, hint);
  }

  private openSegment(value: Record<string, unknown>, length: number): StreamEvent<never> {
    const where = `header of segment ${this.segment}`;
    if (typeof value.air !== 'string') this.fail(`${where}: no key "air"`, this.howToMake(this.expect ?? 'scenes'));
    if (typeof value.version === 'number' && value.version > STREAM_VERSION) {
      this.fail(
        `stream version ${value.version} is newer than version ${STREAM_VERSION}, the newest this program reads`,
        'update air, or make the stream with this version of it',
      );
    }
    let header: Header;
    try {
      header = checkHeader(value);
    } catch (error) {
      if (error instanceof BadValue) this.fail(`${where}: ${error.message}`, DAMAGE_HINT);
      throw error;
    }
    if (this.expect !== undefined && header.air !== this.expect) {
      this.fail(`expected a stream of ${this.expect}, got ${header.air}`, this.howToMake(this.expect));
    }
    this.header = header;
    this.records = 0;
    this.crc = crc32(0, this.buffer, this.start - length, this.start);
    return { type: 'header', header };
  }

  private closeSegment(value: Record<string, unknown>): StreamEvent<never> {
    const where = `segment ${this.segment}`;
    if (value.records !== this.records) {
      this.fail(`${where} is damaged: ${this.records} records, but its end says ${String(value.records)}`, DAMAGE_HINT);
    }
    if (value.crc32 !== this.crc) {
      this.fail(
        `${where} is damaged: checksum ${checksum(this.crc)}, but its end says ${checksum(value.crc32)}`,
        DAMAGE_HINT,
      );
    }
    this.header = undefined;
    this.segment++;
    return { type: 'end' };
  }

  private decodeRecord(value: unknown, header: Header): Scene | LatentRecord {
    try {
      return header.air === 'scenes' ? sceneFromWire(value, header) : latentFromWire(value, header);
    } catch (error) {
      if (!(error instanceof BadValue)) throw error;
      this.fail(`segment ${this.segment}, record ${this.records + 1}: ${error.message}`, DAMAGE_HINT);
    }
  }

  /** Where the value being looked at is. */
  private place(): string {
    if (this.header === undefined) return `header of segment ${this.segment}:`;
    return `segment ${this.segment}, after record ${this.records}:`;
  }

  private howToMake(kind: StreamKind): string {
    return kind === 'latents'
      ? '`air infer MODEL` makes latents from scenes: air infer MODEL < scenes.air'
      : '`air gen-data` makes scenes: air gen-data --count 1000 > scenes.air';
  }

  private fail(what: string, hint: string): never {
    throw new AirError('badData', `${this.name}: ${what}`, hint);
  }
}

function hex(bytes: Uint8Array): string {
  return Array.from(bytes.subarray(0, 8), (byte) => byte.toString(16).padStart(2, '0')).join(' ');
}

function checksum(value: unknown): string {
  return typeof value === 'number' ? value.toString(16).padStart(8, '0') : 'nothing';
}
