/**
 * One writer at a time: FILE.lock beside FILE, created only if absent, naming its owner as
 * `PID START HOST`. START is the process's start time where the system tells it (Linux), so that a reused pid is not
 * mistaken for the owner. A lock whose owner is gone is taken over. Whoever gets the lock removes what killed owners left
 * half written.
 */
import { open, readFile, realpath, rename, unlink } from 'node:fs/promises';
import { hostname } from 'node:os';
import { AirError } from '../errors.js';
import { forget, keepTrackOf } from './atomic.js';
import { systemFailure } from './failures.js';
import { isGone, startTime } from './processes.js';
import { removeStaleTemporaries } from './temporaries.js';

/**
 * @returns the release
 * @throws AirError cannotCreate: another live run holds it, or it cannot be created
 */
export async function lockFile(file: string): Promise<() => Promise<void>> {
  const lock = `${file}.lock`;
  const mine = `${process.pid} ${startTime(process.pid)} ${hostname()}\n`;
  while (!(await create(lock, mine, file))) {
    const owner = await readFile(lock, 'utf8').catch(() => undefined); // released in the meantime: try again
    if (owner === undefined) continue;
    if (!ownerIsGone(owner)) throw inUse(file, lock, owner);
    await takeAway(lock, owner, () => inUse(file, lock, owner));
  }
  await removeStaleTemporaries(await realpath(file).catch(() => file), { relatives: true });
  return async () => {
    await unlink(lock).catch(() => {});
    forget(lock);
  };
}

/** Returns false if the lock is there already. A lock that could not be written, on a full disk say, is removed again. */
async function create(lock: string, owner: string, file: string): Promise<boolean> {
  const handle = await open(lock, 'wx').catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'EEXIST') throw systemFailure(error, 'cannotCreate', file);
    return undefined;
  });
  if (handle === undefined) return false;
  keepTrackOf(lock);
  try {
    await handle.writeFile(owner);
    await handle.close();
  } catch (error) {
    await handle.close().catch(() => {});
    await unlink(lock).catch(() => {});
    forget(lock);
    throw systemFailure(error, 'cannotCreate', file);
  }
  return true;
}

function inUse(file: string, lock: string, owner: string): AirError {
  const [pid, , host] = owner.trim().split(' ');
  const where = host === undefined || host === hostname() ? '' : ` on ${host}`;
  const who = pid === '' ? 'another run' : `another run (process ${pid}${where})`;
  return new AirError('cannotCreate', `${file}: ${who} is writing it`, `if that run is gone, remove ${lock}`);
}

/** True if the owner was a process of this machine and runs no more. */
function ownerIsGone(owner: string): boolean {
  const [pidText, start, host] = owner.trim().split(' ');
  const pid = Number(pidText);
  return Number.isSafeInteger(pid) && pid > 0 && host === hostname() && isGone(pid, start);
}

/**
 * Removes a stale lock. Two runs may find the same one: a rename hands it to one of them, and whoever finds that it
 * took a newer lock puts it back.
 */
async function takeAway(lock: string, owner: string, error: () => AirError): Promise<void> {
  const aside = `${lock}.${process.pid}`;
  try {
    await rename(lock, aside);
  } catch {
    return;
  }
  if ((await readFile(aside, 'utf8')) !== owner) {
    await rename(aside, lock);
    throw error();
  }
  await unlink(aside);
}
