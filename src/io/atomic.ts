/**
 * Files that appear under their name complete or not at all: written to a temporary in the same folder, fsync, rename,
 * fsync of the folder. A crash between any two of these steps leaves the old file or the new one.
 *
 * The steps go through a port, so that tests can fail or stop each of them.
 */
import { rmSync } from 'node:fs';
import { open, realpath, rename, stat, unlink } from 'node:fs/promises';
import { dirname } from 'node:path';
import { AirError } from '../errors.js';
import { systemFailure } from './failures.js';
import { removeStaleTemporaries, temporaryFor } from './temporaries.js';

export type SaveHandle = {
  write(bytes: Uint8Array): Promise<void>;
  sync(): Promise<void>;
  close(): Promise<void>;
};

export type SavePort = {
  /** Creates a file that must not exist yet. */
  create(file: string, mode: number | undefined): Promise<SaveHandle>;
  rename(from: string, to: string): Promise<void>;
  syncFolder(folder: string): Promise<void>;
  remove(file: string): Promise<void>;
};

export const nodeSavePort: SavePort = {
  async create(file, mode) {
    const handle = await open(file, 'wx', 0o666);
    if (mode !== undefined) await handle.chmod(mode);
    return {
      write: (bytes) => handle.writeFile(bytes),
      sync: () => handle.sync(),
      close: () => handle.close(),
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
 * Start writing `file`. A symbolic link is followed, so that its target is replaced; an old file's permissions are kept.
 * @throws AirError cannotCreate; from write and commit: io
 */
export async function createAtomicFile(file: string, port: SavePort = nodeSavePort): Promise<AtomicFile> {
  const target = await realpath(file).catch(() => file);
  const old = await stat(target).catch(() => undefined);
  if (old !== undefined && !old.isFile()) throw new AirError('cannotCreate', `${file}: is not a file`);
  const folder = dirname(target);
  if (!cleaned.has(target)) {
    cleaned.add(target);
    await removeStaleTemporaries(target, { relatives: false });
  }
  const temporary = temporaryFor(target);
  keepTrackOf(temporary);
  const handle = await port
    .create(temporary, old === undefined ? undefined : old.mode & 0o777)
    .catch((error: unknown) => {
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
