/**
 * Records of scenes straight into the bytes that they are on the wire (see stream.ts), for whoever makes them by the million: what
 * `encodeRecord` gives, to the byte, without a value in between, and with the image made where it will stand.
 */
import type { Box } from '../core/latent.js';
import type { SceneObject } from './records.js';

/** A key as it stands in a map: a string of less than 32 letters. */
function key(name: string): number[] {
  return [0xa0 | name.length, ...new TextEncoder().encode(name)];
}

const MAP_AND_INDEX = Uint8Array.of(0x84, ...key('i'));
const IMAGE = Uint8Array.from(key('image'));
const COUNT = Uint8Array.from(key('count'));
const OBJECTS = Uint8Array.from(key('objects'));
const MAP_AND_LABEL = Uint8Array.of(0x83, ...key('label'));
const MAP_WITHOUT_LABEL = Uint8Array.of(0x82);
const FRAME = Uint8Array.of(...key('frame'), 0x94);
const INK = Uint8Array.of(...key('ink'), 0x94);

/** More than a record takes beside its image and its objects, and than an object takes. */
const RECORD_BYTES = 64;
const OBJECT_BYTES = 128;

/** Records one after the other. Boxes are of whole pixels from 0 on: others are not for here. */
export class SceneBytes {
  private bytes: Uint8Array<ArrayBuffer>;
  private readonly pixels: number;
  private at = 0;
  /** Where the last whole record ends. */
  private whole = 0;

  /** @param pixels of an image  @param records that are expected; there may be more */
  constructor(pixels: number, records: number) {
    this.pixels = pixels;
    this.bytes = new Uint8Array(records * (pixels + RECORD_BYTES + 2 * OBJECT_BYTES));
  }

  /** Begins the record of scene i, in place of one that was begun and not ended. Gives the room for its image, to be filled. */
  begin(i: number): Uint8Array<ArrayBuffer> {
    this.at = this.whole;
    this.reserve(this.pixels + RECORD_BYTES);
    this.put(MAP_AND_INDEX);
    this.integer(i);
    this.put(IMAGE);
    const lengthBytes = this.pixels < 0x100 ? 1 : this.pixels < 0x10000 ? 2 : 4;
    this.bytes[this.at++] = 0xc4 + (lengthBytes >> 1);
    this.bigEndian(this.pixels, lengthBytes);
    const image = this.bytes.subarray(this.at, this.at + this.pixels);
    this.at += this.pixels;
    return image;
  }

  /** Ends it with its truth. */
  end(objects: readonly SceneObject[]): void {
    this.reserve(RECORD_BYTES + objects.length * OBJECT_BYTES);
    this.put(COUNT);
    this.integer(objects.length);
    this.put(OBJECTS);
    if (objects.length < 16) this.bytes[this.at++] = 0x90 | objects.length;
    else {
      this.bytes[this.at++] = 0xdc;
      this.bigEndian(objects.length, 2);
    }
    for (const { label, frame, ink } of objects) {
      this.put(label === undefined ? MAP_WITHOUT_LABEL : MAP_AND_LABEL);
      if (label !== undefined) this.integer(label);
      this.put(FRAME);
      this.box(frame);
      this.put(INK);
      this.box(ink);
    }
    this.whole = this.at;
  }

  /** All whole records. Nothing is to be added after that. */
  take(): Uint8Array<ArrayBuffer> {
    return this.bytes.subarray(0, this.whole);
  }

  private reserve(room: number): void {
    if (this.at + room <= this.bytes.length) return;
    const larger = new Uint8Array(2 * (this.at + room));
    larger.set(this.bytes.subarray(0, this.at));
    this.bytes = larger;
  }

  private put(constant: Uint8Array): void {
    for (let k = 0; k < constant.length; k++) this.bytes[this.at++] = constant[k];
  }

  private box(box: Box): void {
    for (let k = 0; k < 4; k++) this.integer(box[k]);
  }

  /** As msgpackr has it: in the shortest of the encodings without a sign, and with one beyond 32 bits. */
  private integer(value: number): void {
    if (value < 0x80) {
      this.bytes[this.at++] = value;
      return;
    }
    const lengthBytes = value < 0x100 ? 1 : value < 0x10000 ? 2 : value <= 0xffffffff ? 4 : 8;
    this.bytes[this.at++] = lengthBytes === 8 ? 0xd3 : 0xcc + (lengthBytes >> 1);
    this.bigEndian(value, lengthBytes);
  }

  private bigEndian(value: number, lengthBytes: number): void {
    let left = value;
    for (let k = lengthBytes - 1; k >= 0; k--) {
      this.bytes[this.at + k] = left % 256;
      left = Math.floor(left / 256);
    }
    this.at += lengthBytes;
  }
}
