/**
 * Files that appear under their name complete or not at all: written to a temporary in the same folder, fsync, rename,
 * fsync of the folder. A crash between any two of these steps leaves the old file or the new one.
 *
 * The steps go through a port, so that tests can fail or stop each of them.
 */
import { close, constants, fchmodSync, fsync, openSync, rmSync, write } from 'node:fs';
import { access, open, rename, unlink } from 'node:fs/promises';
import { dirname } from 'node:path';
import { promisify } from 'node:util';
import { AirError } from '../errors.js';
import { systemFailure } from './failures.js';
import { targetOf } from './target.js';
import { removeStaleTemporaries, temporaryFor } from './temporaries.js';

const writeFd = promisify(write);
const syncFd = promisify(fsync);
const closeFd = promisify(close);

export type SaveHandle = {
  write(bytes: Uint8Array): Promise<void>;
  sync(): Promise<void>;
  close(): Promise<void>;
};

export type SavePort = {
  /** Fails if there is a file that may not be written. The rename would not ask. */
  checkWritable(file: string): Promise<void>;
  /** Creates a file that must not exist yet. */
  create(file: string, mode: number | undefined): Promise<SaveHandle>;
  rename(from: string, to: string): Promise<void>;
  syncFolder(folder: string): Promise<void>;
  remove(file: string): Promise<void>;
};

export const nodeSavePort: SavePort = {
  checkWritable: (file) => access(file, constants.W_OK),
  async create(file, mode) {
    // Without a pause: a signal finds it known as a leftover and there, or not begun.
    const fd = openSync(file, 'wx', 0o666);
    if (mode !== undefined) fchmodSync(fd, mode);
    return {
      write: (bytes) => writeAll(fd, bytes),
      sync: () => syncFd(fd),
      close: () => closeFd(fd),
    };
  },
  rename,
  async syncFolder(folder) {
    const handle = await open(folder, 'r');
    try {
      await handle.sync();
    } catch (error) {
      // Some file systems cannot sync a folder; the rename itself has happened.
      if (!['EINVAL', 'ENOTSUP', 'EPERM'].includes((error as NodeJS.ErrnoException).code ?? '')) throw error;
    } finally {
      await handle.close();
    }
  },
  remove: unlink,
};

/** Where the descriptor stands, however many calls it takes. */
export async function writeAll(fd: number, bytes: Uint8Array): Promise<void> {
  for (let at = 0; at < bytes.length; ) at += (await writeFd(fd, bytes, at, bytes.length - at, null)).bytesWritten;
}

/** Temporaries and locks that must not outlive this process. */
const leftovers = new Set<string>();
/** Targets beside which nothing of killed processes is left: looked at once, not at every save. */
const cleaned = new Set<string>();

export function keepTrackOf(file: string): void {
  leftovers.add(file);
}

export function forget(file: string): void {
  leftovers.delete(file);
}

/** Synchronous, for use on the way out of the process. */
export function removeLeftovers(): void {
  for (const file of leftovers) rmSync(file, { force: true });
  leftovers.clear();
}

export type AtomicFile = {
  write(bytes: Uint8Array): Promise<void>;
  /** fsync, rename, fsync of the folder. */
  commit(): Promise<void>;
  /** Removes the temporary; the old file, if there was one, stays. */
  abort(): Promise<void>;
};

/**
 * Start writing `file`. A symbolic link is followed, so that its target is replaced, or created; an old file's permissions
 * are kept.
 * @throws AirError cannotCreate; from write and commit: io
 */
export async function createAtomicFile(file: string, port: SavePort = nodeSavePort): Promise<AtomicFile> {
  const found = await targetOf(file);
  if (found.kind !== 'file') throw new AirError('cannotCreate', `${file}: is not a file`);
  const { path: target, old } = found;
  const folder = dirname(target);
  if (!cleaned.has(target)) {
    cleaned.add(target);
    await removeStaleTemporaries(target, { relatives: false });
  }
  const temporary = temporaryFor(target);
  keepTrackOf(temporary);
  const create = async (): Promise<SaveHandle> => {
    if (old !== undefined) await port.checkWritable(target);
    return port.create(temporary, old === undefined ? undefined : old.mode & 0o777);
  };
  const handle = await create().catch(async (error: unknown) => {
    await port.remove(temporary).catch(() => {});
    forget(temporary);
    throw systemFailure(error, 'cannotCreate', file);
  });
  let isOpen = true;

  const close = async (): Promise<void> => {
    if (isOpen) {
      isOpen = false;
      await handle.close();
    }
  };
  const abort = async (): Promise<void> => {
    await close().catch(() => {});
    await port.remove(temporary).catch(() => {});
    forget(temporary);
  };
  /** Runs one step; if it fails nothing of this write remains. */
  const attempt = async (doing: string, step: () => Promise<void>): Promise<void> => {
    try {
      await step();
    } catch (error) {
      await abort();
      throw systemFailure(error, 'io', file, doing);
    }
  };
  return {
    write: (bytes) => attempt('writing', () => handle.write(bytes)),
    async commit() {
      await attempt('writing', () => handle.sync());
      await attempt('closing', close);
      await attempt('giving it its name', () => port.rename(temporary, target));
      forget(temporary);
      await port.syncFolder(folder).catch((error: unknown) => {
        throw systemFailure(error, 'io', file, 'syncing its folder');
      });
    },
    abort,
  };
}

/** Replace a small file in one go. */
export async function writeFileAtomic(file: string, bytes: Uint8Array, port: SavePort = nodeSavePort): Promise<void> {
  const saving = await createAtomicFile(file, port);
  await saving.write(bytes);
  await saving.commit();
}
