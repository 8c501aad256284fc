/**
 * One writer at a time: FILE.lock beside FILE, created only if absent, naming its owner as
 * `PID START HOST`. START is the process's start time where the system tells it (Linux), so that a reused pid is not
 * mistaken for the owner. A lock whose owner is gone is taken over.
 */
import { readFileSync } from 'node:fs';
import { readFile, rename, unlink, writeFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { AirError } from '../errors.js';
import { forget, keepTrackOf } from './atomic.js';
import { systemFailure } from './failures.js';

/**
 * @returns the release
 * @throws AirError cannotCreate: another live run holds it, or it cannot be created
 */
export async function lockFile(file: string): Promise<() => Promise<void>> {
  const lock = `${file}.lock`;
  const mine = `${process.pid} ${startTime(process.pid)} ${hostname()}\n`;
  for (;;) {
    try {
      await writeFile(lock, mine, { flag: 'wx' });
      break;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw systemFailure(error, 'cannotCreate', file);
    }
    const owner = await readFile(lock, 'utf8').catch(() => undefined); // released in the meantime: try again
    if (owner === undefined) continue;
    if (!isGone(owner)) throw inUse(file, lock, owner);
    await takeAway(lock, owner, () => inUse(file, lock, owner));
  }
  keepTrackOf(lock);
  return async () => {
    await unlink(lock).catch(() => {});
    forget(lock);
  };
}

function inUse(file: string, lock: string, owner: string): AirError {
  const [pid, , host] = owner.trim().split(' ');
  const where = host === undefined || host === hostname() ? '' : ` on ${host}`;
  const who = pid === '' ? 'another run' : `another run (process ${pid}${where})`;
  return new AirError('cannotCreate', `${file}: ${who} is writing it`, `if that run is gone, remove ${lock}`);
}

/** True if the owner was a process of this machine and runs no more. */
function isGone(owner: string): boolean {
  const [pidText, start, host] = owner.trim().split(' ');
  const pid = Number(pidText);
  if (!Number.isSafeInteger(pid) || pid <= 0 || host !== hostname()) return false;
  try {
    process.kill(pid, 0);
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'ESRCH';
  }
  return startTime(pid) !== start;
}

/** Clock ticks between boot and the start of a process, `-` where that is not told, `dead` for one that only awaits burial. */
function startTime(pid: number): string {
  try {
    const line = readFileSync(`/proc/${pid}/stat`, 'utf8');
    const fields = line.slice(line.lastIndexOf(')') + 2).split(' '); // from field 3 on; the name before may hold blanks
    return fields[0] === 'Z' || fields[0] === 'X' ? 'dead' : fields[19];
  } catch {
    return '-';
  }
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
