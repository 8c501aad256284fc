/** Reading files and stdin as bytes, gzip undone on the fly; and what files a folder holds. */
import { closeSync, constants, type Dirent, fstatSync, open, read } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { addAbortSignal, type Readable } from 'node:stream';
import { isatty } from 'node:tty';
import { promisify } from 'node:util';
import { AirError } from '../errors.js';
import { systemFailure } from './failures.js';
import { gunzip } from './gunzip.js';
import { pipeIn } from './pipes.js';

const CHUNK_BYTES = 256 * 1024;
const openFd = promisify(open);
const readFd = promisify(read);

export function isStdin(file: string): boolean {
  return file === '-' || file === '/dev/stdin' || file === '/dev/fd/0' || file === '/proc/self/fd/0';
}

/**
 * The bytes of a file, or of stdin, uncompressed if they start as gzip does (`air infer scenes.air.gz`).
 * @param stop ends the wait for what comes through a pipe: it fails with the signal's reason
 * @throws AirError noInput: missing, unreadable, a folder; usage: a terminal; badData: damaged gzip; io
 */
export async function* readInput(file: string, stop?: AbortSignal): AsyncGenerator<Uint8Array> {
  const chunks = isStdin(file) ? readStdin(stop) : readOpened(file, stop);
  const head: Uint8Array[] = [];
  let headBytes = 0;
  while (headBytes < 2) {
    const { value, done } = await chunks.next();
    if (done) break;
    head.push(value);
    headBytes += value.length;
  }
  const start = Buffer.concat(head, headBytes);
  const whole = (async function* () {
    if (start.length > 0) yield start;
    yield* chunks;
  })();
  yield* start[0] === 0x1f && start[1] === 0x8b ? gunzip(whole, file, CHUNK_BYTES) : whole;
}

/**
 * The names of the files in a folder, sorted by their characters' codes; undefined for stdin and whatever is no folder.
 * @throws AirError noInput: it may not be read
 */
export async function listFolder(folder: string): Promise<string[] | undefined> {
  return (await readFolder(folder))?.flatMap((entry) => (entry.isDirectory() ? [] : [entry.name])).sort();
}

/** The names of the folders in a folder, sorted likewise; none in what is no folder. @throws AirError as `listFolder` */
export async function listFolders(folder: string): Promise<string[]> {
  return ((await readFolder(folder)) ?? []).flatMap((entry) => (entry.isDirectory() ? [entry.name] : [])).sort();
}

async function readFolder(folder: string): Promise<Dirent[] | undefined> {
  if (isStdin(folder)) return undefined;
  try {
    return await readdir(folder, { withFileTypes: true });
  } catch (error) {
    if (['ENOENT', 'ENOTDIR'].includes((error as NodeJS.ErrnoException).code ?? '')) return undefined;
    throw systemFailure(error, 'noInput', folder);
  }
}

async function* readOpened(file: string, stop: AbortSignal | undefined): AsyncGenerator<Uint8Array> {
  // A plain descriptor: a reader that fails may leave this unfinished, which a FileHandle would complain about. And a FIFO is
  // not waited for here: see pipes.ts.
  const fd = await openFd(file, constants.O_RDONLY | constants.O_NONBLOCK).catch((error: unknown) => {
    throw systemFailure(error, 'noInput', file);
  });
  if (fstatSync(fd).isFIFO()) {
    yield* readPipe(await pipeIn(fd), file, stop);
    return;
  }
  try {
    checkNotTerminal(fd, file);
    yield* readDescriptor(fd, file);
  } finally {
    closeSync(fd);
  }
}

async function* readStdin(stop: AbortSignal | undefined): AsyncGenerator<Uint8Array> {
  checkNotTerminal(0, '-: stdin');
  const kind = fstatSync(0);
  yield* kind.isFIFO() || kind.isSocket() ? readPipe(process.stdin, '-', stop) : readDescriptor(0, '-');
}

function checkNotTerminal(fd: number, name: string): void {
  if (!isatty(fd)) return;
  throw new AirError('usage', `${name} is a terminal`, 'name a FILE, or pipe data in: air gen-data | air ...');
}

async function* readPipe(pipe: Readable, file: string, stop: AbortSignal | undefined): AsyncGenerator<Uint8Array> {
  pipe.on('error', () => {}); // whoever reads on gets it as well
  if (stop !== undefined) addAbortSignal(stop, pipe);
  try {
    for await (const chunk of pipe) yield chunk as Uint8Array;
  } catch (error) {
    if (stop?.aborted) throw stop.reason;
    throw systemFailure(error, 'io', file, 'reading');
  }
}

/** Every chunk is a buffer of its own: what a reader keeps stays as it is. */
async function* readDescriptor(fd: number, file: string): AsyncGenerator<Uint8Array> {
  for (;;) {
    const buffer = Buffer.allocUnsafeSlow(CHUNK_BYTES);
    const { bytesRead } = await readFd(fd, buffer, 0, CHUNK_BYTES, null).catch((error: unknown) => {
      const isFolder = (error as NodeJS.ErrnoException).code === 'EISDIR';
      throw systemFailure(error, isFolder ? 'noInput' : 'io', file, isFolder ? undefined : 'reading');
    });
    if (bytesRead === 0) return;
    yield buffer.subarray(0, bytesRead);
  }
}
