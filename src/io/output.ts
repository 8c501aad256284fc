/** Writing to stdout, to files that appear when complete, and to what is not a file (devices, fifos). */
import { fstatSync, write } from 'node:fs';
import { open, stat } from 'node:fs/promises';
import { isatty } from 'node:tty';
import { promisify } from 'node:util';
import { AirError } from '../errors.js';
import { createAtomicFile, type SavePort } from './atomic.js';
import { OutputClosed, systemFailure } from './failures.js';

export type Output = {
  /** Text is written as UTF-8. Waits while the reader is slow. Throws `OutputClosed` once the reader went away. */
  write(bytes: Uint8Array | string): Promise<void>;
  /** Flushes, and gives a file its name. An output that is never finished never appears. */
  finish(): Promise<void>;
  /** Closes it unfinished: a file never appears; what went into a pipe has gone. Nothing happens after `finish`. */
  discard(): Promise<void>;
  /** The reader went away: stop quietly. */
  readonly closed: boolean;
};

/** Enough that handing them over, a wake-up of another thread each time, costs little beside making them. */
const STAGE_BYTES = 256 * 1024;
const writeFd = promisify(write);

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
 * @throws AirError usage: binary data for a terminal; cannotCreate
 */
export async function openOutput(
  file: string | undefined,
  { binary }: { binary: boolean },
  port?: SavePort,
): Promise<Output> {
  if (file === undefined || isStdout(file)) {
    if (binary && isatty(1)) throw terminalRefusal('stdout');
    return new StagedOutput(stdoutSink());
  }
  const old = await stat(file).catch(() => undefined);
  if (old?.isDirectory()) throw new AirError('cannotCreate', `${file}: is a folder, expected a file`);
  const isPlain = (old === undefined || old.isFile()) && !/^\/(dev|proc)\//.test(file);
  return new StagedOutput(isPlain ? await atomicSink(file, port) : await directSink(file, binary));
}

function isStdout(file: string): boolean {
  return file === '-' || file === '/dev/stdout' || file === '/dev/fd/1' || file === '/proc/self/fd/1';
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
        this.flush().catch(() => {}); // the next write or finish fails with the same error
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

  /** Sends what is staged on its way, and waits for what was sent before: one stage is written while the next is filled. */
  private flushBehind(): Promise<void> {
    const before = this.writing;
    this.flush();
    return before;
  }

  private flush(): Promise<void> {
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
}

async function atomicSink(file: string, port?: SavePort): Promise<Sink> {
  const saving = await createAtomicFile(file, port);
  return {
    write: (bytes) => saving.write(bytes),
    finish: () => saving.commit(),
    discard: () => saving.abort(),
    isLive: false,
  };
}

async function directSink(file: string, binary: boolean): Promise<Sink> {
  const handle = await open(file, 'w').catch((error: unknown) => {
    throw systemFailure(error, 'cannotCreate', file);
  });
  if (binary && isatty(handle.fd)) {
    await handle.close();
    throw terminalRefusal(file);
  }
  return {
    ...descriptorSink(handle.fd, file),
    finish: () => handle.close(),
    discard: () => handle.close(),
  };
}

function stdoutSink(): Sink {
  const kind = fstatSync(1);
  if (!kind.isFIFO() && !kind.isSocket() && !isatty(1)) return descriptorSink(1, 'stdout');
  process.stdout.on('error', () => {}); // every write gets it as well
  return {
    write: (bytes) =>
      new Promise((resolve, reject) => {
        // On to the next turn of the event loop, or a fast reader would keep signals and timers from being heard.
        process.stdout.write(bytes, (error) => (error ? reject(writeFailure(error, 'stdout')) : setImmediate(resolve)));
      }),
    finish: async () => {},
    discard: async () => {},
    isLive: true,
  };
}

function descriptorSink(fd: number, file: string): Sink {
  return {
    async write(bytes) {
      try {
        for (let at = 0; at < bytes.length; ) {
          at += (await writeFd(fd, bytes, at, bytes.length - at, null)).bytesWritten;
        }
      } catch (error) {
        throw writeFailure(error, file);
      }
    },
    finish: async () => {},
    discard: async () => {},
    isLive: true,
  };
}

function writeFailure(error: unknown, file: string): unknown {
  const { code } = error as NodeJS.ErrnoException;
  // ERR_STREAM_DESTROYED: Node has shut stdout after an earlier broken pipe.
  if (code === 'EPIPE' || code === 'ERR_STREAM_DESTROYED') return new OutputClosed();
  return systemFailure(error, 'io', file, 'writing');
}
