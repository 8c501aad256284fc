/** Writing to stdout, to files that appear when complete, and to what is not a file (devices, fifos). */
import { fstatSync } from 'node:fs';
import { open } from 'node:fs/promises';
import type { Writable } from 'node:stream';
import { isatty } from 'node:tty';
import { AirError } from '../errors.js';
import { createAtomicFile, writeAll } from './atomic.js';
import { OutputClosed, systemFailure } from './failures.js';
import { openFifoOut, pipeOut } from './pipes.js';
import { targetOf } from './target.js';

export type Output = {
  /** Text is written as UTF-8. Waits while the reader is slow. Throws `OutputClosed` once the reader went away. */
  write(bytes: Uint8Array | string): Promise<void>;
  /** Waits until all that was written is out of our hands: for lines that are to be seen, or to fail, one by one. */
  flush(): Promise<void>;
  /** Flushes, and gives a file its name. An output that is never finished never appears. */
  finish(): Promise<void>;
  /** Closes it unfinished: a file never appears; what went into a pipe has gone. Nothing happens after `finish`. */
  discard(): Promise<void>;
  /** The reader went away: stop quietly. */
  readonly closed: boolean;
};

/** Enough that handing them over, a wake-up of another thread each time, costs little beside making them. */
const STAGE_BYTES = 256 * 1024;

/** Where staged bytes go. `write` resolves when they are out of our hands, which is what holds a fast producer back. */
type Sink = {
  write(bytes: Uint8Array): Promise<void>;
  finish(): Promise<void>;
  discard(): Promise<void>;
  /** Somebody may be watching: do not sit on bytes while nothing else happens. */
  isLive: boolean;
};

/**
 * stdout for `undefined` and `-`, otherwise a file.
 * @param stop ends the wait for a reader of a FIFO
 * @throws AirError usage: binary data for a terminal; cannotCreate
 */
export async function openOutput(
  file: string | undefined,
  { binary }: { binary: boolean },
  stop?: AbortSignal,
): Promise<Output> {
  const name = file ?? '-';
  const target = await targetOf(name);
  if (target.kind === 'file') return new StagedOutput(await atomicSink(name));
  if (target.kind === 'descriptor') return new StagedOutput(await descriptorSink(target.fd, name, binary));
  try {
    return new StagedOutput(
      target.isFifo ? streamSink(await openFifoOut(name, stop), name) : await deviceSink(name, binary),
    );
  } catch (error) {
    throw systemFailure(error, 'cannotCreate', name);
  }
}

function terminalRefusal(file: string): AirError {
  const hint = 'send it to a file with > FILE or -o FILE, or into another command with |';
  return new AirError('usage', `${file}: is a terminal, and this output is binary`, hint);
}

/** Collects small writes, keeps them in order, and turns a broken pipe into `closed`. */
class StagedOutput implements Output {
  closed = false;
  private readonly sink: Sink;
  private stage = Buffer.allocUnsafeSlow(STAGE_BYTES);
  private staged = 0;
  private writing: Promise<void> = Promise.resolve();
  private flushIsDue = false;
  private isOver = false;

  constructor(sink: Sink) {
    this.sink = sink;
  }

  async write(data: Uint8Array | string): Promise<void> {
    const bytes = typeof data === 'string' ? Buffer.from(data) : data;
    for (let at = 0; at < bytes.length; ) {
      const part = bytes.subarray(at, at + STAGE_BYTES - this.staged);
      this.stage.set(part, this.staged);
      this.staged += part.length;
      at += part.length;
      if (this.staged === STAGE_BYTES) await this.flushBehind();
    }
    if (this.closed) throw new OutputClosed();
    if (this.sink.isLive && this.staged > 0 && !this.flushIsDue) {
      this.flushIsDue = true;
      setImmediate(() => {
        this.flushIsDue = false;
        this.flush().catch(() => {}); // the next flush or finish fails with the same error
      });
    }
  }

  async finish(): Promise<void> {
    await this.flush();
    await this.sink.finish();
    this.isOver = true;
  }

  async discard(): Promise<void> {
    if (this.isOver) return;
    this.isOver = true;
    if (!this.sink.isLive) this.staged = 0; // what was written to a pipe before a failure still goes there
    await this.flush().catch(() => {});
    await this.sink.discard().catch(() => {});
  }

  flush(): Promise<void> {
    if (this.staged > 0) {
      const full = this.stage.subarray(0, this.staged);
      this.stage = Buffer.allocUnsafeSlow(STAGE_BYTES);
      this.staged = 0;
      this.writing = this.writing.then(() => this.sink.write(full));
      this.writing.catch((error: unknown) => {
        if (error instanceof OutputClosed) this.closed = true;
      });
    }
    return this.writing;
  }

  /** Sends what is staged on its way, and waits for what was sent before: one stage is written while the next is filled. */
  private flushBehind(): Promise<void> {
    const before = this.writing;
    this.flush();
    return before;
  }
}

async function atomicSink(file: string): Promise<Sink> {
  const saving = await createAtomicFile(file);
  return {
    write: (bytes) => saving.write(bytes),
    finish: () => saving.commit(),
    discard: () => saving.abort(),
    isLive: false,
  };
}

/** A descriptor that we were started with. It stays open, and what is in a file already stays there. */
async function descriptorSink(fd: number, name: string, binary: boolean): Promise<Sink> {
  const called = fd === 1 ? 'stdout' : name;
  if (binary && isatty(fd)) throw terminalRefusal(called);
  const standard = fd === 1 ? process.stdout : fd === 2 ? process.stderr : undefined;
  let kind: ReturnType<typeof fstatSync>;
  try {
    kind = fstatSync(fd);
  } catch (error) {
    throw systemFailure(error, 'cannotCreate', called);
  }
  const isPipe = kind.isFIFO() || kind.isSocket();
  if (isPipe || (standard !== undefined && isatty(fd))) return streamSink(standard ?? (await pipeOut(fd)), called);
  return {
    write: (bytes) => writeTo(fd, bytes, called),
    finish: async () => {},
    discard: async () => {},
    isLive: true,
  };
}

async function deviceSink(file: string, binary: boolean): Promise<Sink> {
  const handle = await open(file, 'w');
  if (binary && isatty(handle.fd)) {
    await handle.close();
    throw terminalRefusal(file);
  }
  const close = (): Promise<void> => handle.close();
  return { write: (bytes) => writeTo(handle.fd, bytes, file), finish: close, discard: close, isLive: true };
}

/** Pipes and terminals: nothing but the event loop waits for their readers. */
function streamSink(stream: Writable, name: string): Sink {
  stream.on('error', () => {}); // every write gets it as well
  const close = async (): Promise<void> => {
    if (stream !== process.stdout && stream !== process.stderr) stream.destroy(); // its reader sees the end
  };
  return {
    write: (bytes) =>
      new Promise((resolve, reject) => {
        // On to the next turn of the event loop, or a fast reader would keep signals and timers from being heard.
        stream.write(bytes, (error) => (error ? reject(writeFailure(error, name)) : setImmediate(resolve)));
      }),
    finish: close,
    discard: close,
    isLive: true,
  };
}

async function writeTo(fd: number, bytes: Uint8Array, name: string): Promise<void> {
  await writeAll(fd, bytes).catch((error: unknown) => {
    throw writeFailure(error, name);
  });
}

function writeFailure(error: unknown, file: string): unknown {
  const { code } = error as NodeJS.ErrnoException;
  // ERR_STREAM_DESTROYED: Node has shut stdout after an earlier broken pipe.
  if (code === 'EPIPE' || code === 'ERR_STREAM_DESTROYED') return new OutputClosed();
  return systemFailure(error, 'io', file, 'writing');
}
