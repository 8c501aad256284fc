/**
 * The world as a command sees it: files, stdin, stdout, stderr, signals, the clock. Commands get an `Io` and touch
 * nothing else, so a test can hand them another one.
 */
import { createHash } from 'node:crypto';
import { access, appendFile, constants, mkdir, rm, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { crc32 } from 'node:zlib';
import { AirError } from '../errors.js';
import { createAtomicFile, writeFileAtomic } from './atomic.js';
import { isSystemError, systemFailure } from './failures.js';
import { identityOf } from './identity.js';
import { isStdin, listFolder, listFolders, readInput } from './input.js';
import { lockFile } from './lock.js';
import type { Messages } from './messages.js';
import { type Output, openOutput } from './output.js';
import { isBinary, type OutputKind, writtenAs } from './output-kinds.js';
import type { Signals } from './signals.js';
import { targetOf } from './target.js';

/** A log of a million steps has as many; a few thousand bytes of gzip may become more than fits into memory. */
const MAX_TEXT_BYTES = 1 << 28;

export type Io = {
  /** The bytes of a file, or of stdin for `-`; uncompressed on the fly if they are gzip. */
  readBytes(file: string): AsyncIterable<Uint8Array>;
  /** The same, whole, as UTF-8: logs, scores, settings. 65 for what is longer than any of those. */
  readText(file: string): Promise<string>;
  /** The names of the files in a folder, sorted; undefined if it is none. */
  listFolder(folder: string): Promise<string[] | undefined>;
  /** The names of the folders in a folder, sorted; none if it is none. */
  listFolders(folder: string): Promise<string[]>;
  /** From now on, waiting for what comes through pipes fails with `reason`, as it does once `interrupted` is aborted. */
  stopWaiting(reason: AirError): void;
  /**
   * Refuses at once what could not be written later, and leaves nothing behind: 73. Says what it will be: a file, or a
   * stream (a device, a FIFO, one of our descriptors).
   */
  checkOutput(file: string): Promise<'file' | 'stream'>;
  /** The same for a folder that may not be there yet. */
  checkFolder(folder: string): Promise<void>;
  /**
   * stdout for `undefined` or `-`; otherwise a file that appears under its name, complete, at `finish()`. 64 if its name says that it is
   * of another kind.
   */
  openOutput(file: string | undefined, kind: OutputKind): Promise<Output>;
  /** Replaces a file at once: a crash at any moment leaves the old one or the new one. */
  writeFileAtomic(file: string, bytes: Uint8Array): Promise<void>;
  /** Adds to the end of a file, creating it if need be. For logs. */
  appendFile(file: string, text: string): Promise<void>;
  exists(file: string): Promise<boolean>;
  /** The same text for every name of a file, whether it is there or not. */
  identityOf(file: string): Promise<string>;
  /** No error if there is no such file. */
  remove(file: string): Promise<void>;
  /** Creates a folder and its parents; no error if it is there. */
  makeFolder(folder: string): Promise<void>;
  /** Claims a file for this run, by FILE.lock beside it. 73 when a live run holds it. Returns the release. */
  lock(file: string): Promise<() => Promise<void>>;
  /** In hex. */
  sha256(bytes: Uint8Array): string;
  /** As `crc32` of formats: the checksum so far, continued over bytes. */
  crc32(crc: number, bytes: Uint8Array): number;
  newHash(): Hash;
  readonly messages: Messages;
  /** Aborted by the first SIGINT, SIGTERM or SIGHUP; see `interruption`. A second signal ends the process. */
  readonly interrupted: AbortSignal;
  /** The error to throw after saving, once `interrupted` is aborted. */
  interruption(message: string, hint?: string): Error;
  /** The command line as typed, for provenance. */
  readonly commandLine: string;
  /** Milliseconds since 1970. */
  now(): number;
};

/** SHA-256 in pieces. */
export type Hash = { update(bytes: Uint8Array): void; digest(): string };

/** The real world. `close` gives up the outputs that were not finished, as after a failure. */
export function createIo(context: {
  messages: Messages;
  signals: Signals;
  commandLine: string;
}): Io & { close(): Promise<void> } {
  let stdinIsTaken = false;
  const outputs: Output[] = [];
  const waiting = new AbortController();
  const stop = AbortSignal.any([context.signals.interrupted, waiting.signal]);
  const readBytes = (file: string): AsyncIterable<Uint8Array> => {
    if (isStdin(file) && stdinIsTaken) throw new AirError('usage', `${file}: stdin can be read only once`);
    stdinIsTaken ||= isStdin(file);
    return readInput(file, stop);
  };
  return {
    readBytes,
    async readText(file) {
      const chunks: Uint8Array[] = [];
      let bytes = 0;
      for await (const chunk of readBytes(file)) {
        chunks.push(chunk);
        bytes += chunk.length;
        if (bytes > MAX_TEXT_BYTES) {
          throw new AirError(
            'badData',
            `${file}: more than ${MAX_TEXT_BYTES} bytes, expected a log, scores or settings`,
          );
        }
      }
      return new TextDecoder().decode(Buffer.concat(chunks));
    },
    listFolder,
    listFolders,
    stopWaiting: (reason) => waiting.abort(reason),
    checkOutput,
    checkFolder,
    async openOutput(file, kind) {
      const output = await openOutput(file, { binary: isBinary(writtenAs(file, [kind])) }, stop);
      outputs.push(output);
      return output;
    },
    async close() {
      waiting.abort(); // an input that was left unfinished would keep the process
      for (const output of outputs) await output.discard();
    },
    writeFileAtomic: (file, bytes) => writeFileAtomic(file, bytes),
    async appendFile(file, text) {
      await appendFile(file, text).catch((error: unknown) => {
        throw systemFailure(error, isMissing(error) ? 'cannotCreate' : 'io', file, 'writing');
      });
    },
    exists: (file) =>
      access(file).then(
        () => true,
        () => false,
      ),
    identityOf,
    async remove(file) {
      await rm(file, { force: true }).catch((error: unknown) => {
        throw systemFailure(error, 'io', file, 'removing');
      });
    },
    makeFolder,
    lock: lockFile,
    sha256: (bytes) => createHash('sha256').update(bytes).digest('hex'),
    crc32: (crc, bytes) => crc32(bytes, crc),
    newHash() {
      const hash = createHash('sha256');
      return { update: (bytes) => void hash.update(bytes), digest: () => hash.digest('hex') };
    },
    messages: context.messages,
    interrupted: context.signals.interrupted,
    interruption: context.signals.interruption,
    commandLine: context.commandLine,
    now: () => Date.now(),
  };
}

async function checkOutput(file: string): Promise<'file' | 'stream'> {
  if ((await targetOf(file)).kind !== 'file') return 'stream';
  await (await createAtomicFile(file)).abort();
  return 'file';
}

async function checkFolder(folder: string): Promise<void> {
  const found = await stat(folder).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'ENOENT') throw systemFailure(error, 'cannotCreate', folder);
    return undefined;
  });
  if (found === undefined) return checkFolder(dirname(folder));
  if (!found.isDirectory()) throw isAFile(folder);
  await access(folder, constants.W_OK | constants.X_OK).catch((error: unknown) => {
    throw systemFailure(error, 'cannotCreate', folder);
  });
}

/** Not Node's `recursive`, which tries for ever where there can be no folder (/proc/x/y). */
async function makeFolder(folder: string): Promise<void> {
  const parent = dirname(folder);
  if (parent !== folder && !(await isFolder(parent))) await makeFolder(parent);
  try {
    await mkdir(folder);
  } catch (error) {
    if (!isSystemError(error) || error.code !== 'EEXIST') throw systemFailure(error, 'cannotCreate', folder);
    if (!(await isFolder(folder))) throw isAFile(folder, error);
  }
}

function isFolder(name: string): Promise<boolean> {
  return stat(name).then(
    (found) => found.isDirectory(),
    () => false,
  );
}

function isAFile(folder: string, cause?: unknown): AirError {
  return new AirError('cannotCreate', `${folder}: is a file, expected a folder`, undefined, { cause });
}

function isMissing(error: unknown): boolean {
  return ['ENOENT', 'EACCES', 'EISDIR', 'ENOTDIR', 'EROFS', 'EPERM'].includes(
    (error as NodeJS.ErrnoException).code ?? '',
  );
}
