/** Resizing by a kernel (kernels/resize.ts), some times as fast as the plain one of resize.ts, to the same bytes. */
import { type Axis, type InkBounds, makeAxis, type Resizes } from './resize.js';

type Kernel = (...numbers: number[]) => void;

const PAGE_BYTES = 65536;

/** Offsets into the memory of what an image needs, for results up to a size. */
type Room = { outHeight: number; outWidth: number; source: number; a: number; b: number; resized: number; ink: number };

/** As `Resizer`; its source images are of one size, given with the compiled kernel. */
export class KernelResizer implements Resizes {
  pixels = new Uint8Array(0);
  readonly ink: InkBounds = { left: 0, top: 0, right: 0, bottom: 0 };
  private readonly memory = new WebAssembly.Memory({ initial: 1 });
  private readonly kernel: Kernel;
  private readonly height: number;
  private readonly width: number;
  /** Where the memory is free from here on. */
  private free = 16;
  private room: Room | undefined;
  private bytes = new Uint8Array(this.memory.buffer);
  private words = new Int32Array(this.memory.buffer);
  /** By the size before and after: where its starts and weights lie, and how many taps it has. */
  private readonly axes = new Map<number, { at: number; taps: number }>();

  constructor(module: WebAssembly.Module, height: number, width: number) {
    const { exports } = new WebAssembly.Instance(module, { env: { memory: this.memory } });
    this.kernel = exports.resize as Kernel;
    this.height = height;
    this.width = width;
  }

  resize(source: Uint8Array, offset: number, outHeight: number, outWidth: number): void {
    const { height, width, ink } = this;
    const across = this.axis(width, outWidth);
    const down = this.axis(height, outHeight);
    const room = this.roomFor(outHeight, outWidth);
    this.bytes.set(source.subarray(offset, offset + height * width), room.source);
    const [first, second] = [
      [across.at, across.taps, outWidth],
      [down.at, down.taps, outHeight],
    ];
    this.kernel(room.source, height, width, ...first, ...second, room.a, room.b, room.resized, room.ink);
    const box = room.ink >> 2;
    ink.left = this.words[box];
    ink.top = this.words[box + 1];
    ink.right = this.words[box + 2];
    ink.bottom = this.words[box + 3];
  }

  private roomFor(outHeight: number, outWidth: number): Room {
    const { height, width, room } = this;
    if (room !== undefined && outHeight <= room.outHeight && outWidth <= room.outWidth) return room;
    const [rows, columns] = [height, outWidth].map((n) => (n + 3) & ~3);
    const made = {
      outHeight,
      outWidth,
      source: this.allocate(height * width),
      a: this.allocate(4 * Math.max(width * rows, height * columns)),
      b: this.allocate(4 * Math.max(outWidth * rows, outHeight * columns)),
      resized: this.allocate(outHeight * outWidth),
      ink: this.allocate(16),
    };
    this.pixels = this.bytes.subarray(made.resized, made.resized + outHeight * outWidth);
    this.room = made;
    return made;
  }

  private axis(from: number, to: number): { at: number; taps: number } {
    const key = from * 0x100000 + to;
    const known = this.axes.get(key);
    if (known !== undefined) return known;
    const { starts, weights, taps }: Axis = makeAxis(from, to);
    const at = this.allocate(4 * (starts.length + weights.length));
    this.words.set(starts, at >> 2);
    this.words.set(weights, (at >> 2) + starts.length);
    const axis = { at, taps };
    this.axes.set(key, axis);
    return axis;
  }

  private allocate(size: number): number {
    const at = this.free;
    this.free = (at + size + 15) & ~15;
    const missing = Math.ceil((this.free - this.memory.buffer.byteLength) / PAGE_BYTES);
    if (missing > 0) {
      this.memory.grow(missing);
      this.bytes = new Uint8Array(this.memory.buffer);
      this.words = new Int32Array(this.memory.buffer);
      if (this.room) {
        const { resized, outHeight, outWidth } = this.room;
        this.pixels = this.bytes.subarray(resized, resized + outHeight * outWidth);
      }
    }
    return at;
  }
}
