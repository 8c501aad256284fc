/**
 * The world as a command sees it: files, stdin, stdout, stderr, signals, the clock. Commands get an `Io` and touch
 * nothing else, so a test can hand them another one.
 */
import { createHash } from 'node:crypto';
import { access, appendFile, mkdir, rm } from 'node:fs/promises';
import { crc32 } from 'node:zlib';
import { AirError } from '../errors.js';
import { writeFileAtomic } from './atomic.js';
import { isSystemError, systemFailure } from './failures.js';
import { identityOf } from './identity.js';
import { isStdin, listFolder, listFolders, readInput } from './input.js';
import { lockFile } from './lock.js';
import type { Messages } from './messages.js';
import { type Output, openOutput } from './output.js';
import { isBinary, type OutputKind, writtenAs } from './output-kinds.js';
import type { Signals } from './signals.js';

export type Io = {
  /** The bytes of a file, or of stdin for `-`; uncompressed on the fly if they are gzip. */
  readBytes(file: string): AsyncIterable<Uint8Array>;
  /** The same, whole. */
  readFile(file: string): Promise<Uint8Array>;
  /** The names of the files in a folder, sorted; undefined if it is none. */
  listFolder(folder: string): Promise<string[] | undefined>;
  /** The names of the folders in a folder, sorted; none if it is none. */
  listFolders(folder: string): Promise<string[]>;
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
  const readBytes = (file: string): AsyncIterable<Uint8Array> => {
    if (isStdin(file) && stdinIsTaken) throw new AirError('usage', `${file}: stdin can be read only once`);
    stdinIsTaken ||= isStdin(file);
    return readInput(file);
  };
  return {
    readBytes,
    async readFile(file) {
      const chunks: Uint8Array[] = [];
      for await (const chunk of readBytes(file)) chunks.push(chunk);
      return Buffer.concat(chunks);
    },
    listFolder,
    listFolders,
    async openOutput(file, kind) {
      const output = await openOutput(file, { binary: isBinary(writtenAs(file, [kind])) });
      outputs.push(output);
      return output;
    },
    async close() {
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
    async makeFolder(folder) {
      await mkdir(folder, { recursive: true }).catch((error: unknown) => {
        if (isSystemError(error) && error.code === 'EEXIST') {
          throw new AirError('cannotCreate', `${folder}: is a file, expected a folder`, undefined, { cause: error });
        }
        throw systemFailure(error, 'cannotCreate', folder);
      });
    },
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

function isMissing(error: unknown): boolean {
  return ['ENOENT', 'EACCES', 'EISDIR', 'ENOTDIR', 'EROFS', 'EPERM'].includes(
    (error as NodeJS.ErrnoException).code ?? '',
  );
}
