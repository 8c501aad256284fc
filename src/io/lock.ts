/**
 * One writer at a time: FILE.lock beside FILE, whatever links lead to it, naming its owner as `PID START HOST`. START is
 * the process's start time where the system tells it (Linux), so that a reused pid is not mistaken for the owner. It is
 * written under another name first, and appears with what it says. A lock whose owner is gone is taken over. Whoever gets
 * the lock removes what killed owners left half written.
 */
import { linkSync, rmSync, unlinkSync, writeFileSync } from 'node:fs';
import { lstat, readFile, realpath } from 'node:fs/promises';
import { hostname } from 'node:os';
import { AirError } from '../errors.js';
import { forget, keepTrackOf } from './atomic.js';
import { systemFailure } from './failures.js';
import { isGone, startTime } from './processes.js';
import { targetOf } from './target.js';
import { removeStaleTemporaries, temporaryFor } from './temporaries.js';

/** A lock that says nothing, ms: older versions, and where files have one name only, write it in two steps. */
const BRIEFLY_EMPTY = 10_000;

/** What the file system does not offer, by the system's codes: a second name for a file. */
const NO_LINKS = ['EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS'];

/**
 * @param link makes a second name for a file
 * @returns the release
 * @throws AirError cannotCreate: another live run holds it, or may hold it, or it cannot be created, or FILE is no file
 */
export async function lockFile(file: string, link = linkSync): Promise<() => Promise<void>> {
  const target = await targetOf(file);
  if (target.kind !== 'file') throw new AirError('cannotCreate', `${file}: is not a file`);
  const lock = `${target.path}.lock`;
  await acquire(lock, file, link);
  await removeStaleTemporaries(await realpath(target.path).catch(() => target.path), { relatives: true });
  return async () => release(lock);
}

async function acquire(lock: string, file: string, link: typeof linkSync): Promise<void> {
  while (!create(lock, file, link)) {
    const owner = await readOwner(lock, file);
    if (owner === undefined) continue; // released in the meantime: try again
    if (!isAbandoned(owner)) throw inUse(file, lock, owner);
    // Several runs may find it so: who holds the lock's own lock looks once more, and takes it away.
    const upper = `${lock}.lock`;
    await acquire(upper, file, link);
    try {
      const still = await readOwner(lock, file);
      if (still !== undefined && isAbandoned(still)) unlinkSync(lock);
    } catch (error) {
      throw systemFailure(error, 'cannotCreate', file);
    } finally {
      release(upper);
    }
  }
}

function release(lock: string): void {
  rmSync(lock, { force: true });
  forget(lock);
}

/** Returns false if the lock is there already. Without a pause, so that no signal comes in between. */
function create(lock: string, file: string, link: typeof linkSync): boolean {
  const mine = `${process.pid} ${startTime(process.pid)} ${hostname()}\n`;
  const draft = temporaryFor(lock);
  try {
    writeFileSync(draft, mine, { flag: 'wx' });
    try {
      link(draft, lock);
    } catch (error) {
      if (!NO_LINKS.includes(codeOf(error))) throw error;
      writeNew(lock, mine);
    }
  } catch (error) {
    if (codeOf(error) === 'EEXIST') return false;
    throw systemFailure(error, 'cannotCreate', file);
  } finally {
    rmSync(draft, { force: true });
  }
  keepTrackOf(lock);
  return true;
}

/** One that could not be written, on a full disk say, is removed again. */
function writeNew(lock: string, text: string): void {
  try {
    writeFileSync(lock, text, { flag: 'wx' });
  } catch (error) {
    if (codeOf(error) !== 'EEXIST') rmSync(lock, { force: true });
    throw error;
  }
}

function codeOf(error: unknown): string {
  return (error as NodeJS.ErrnoException).code ?? '';
}

type Owner = { text: string; since: number };

/** Undefined if there is no lock. @throws AirError cannotCreate: one that does not tell */
async function readOwner(lock: string, file: string): Promise<Owner | undefined> {
  try {
    const found = await lstat(lock);
    if (!found.isFile()) throw new AirError('cannotCreate', `${file}: its lock ${lock} is not a file`, wayOut(lock));
    return { text: (await readFile(lock, 'utf8')).replaceAll('\0', '').trim(), since: found.mtimeMs };
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return undefined;
    if (error instanceof AirError) throw error;
    const { message } = systemFailure(error, 'cannotCreate', lock) as Error;
    throw new AirError('cannotCreate', `${file}: another run may be writing it: ${message}`, wayOut(lock));
  }
}

function inUse(file: string, lock: string, { text }: Owner): AirError {
  const [pid, , host] = text.split(' ');
  const where = host === undefined || host === hostname() ? '' : ` on ${host}`;
  const who = pid === '' ? 'another run' : `another run (process ${pid}${where})`;
  return new AirError('cannotCreate', `${file}: ${who} is writing it`, wayOut(lock));
}

function wayOut(lock: string): string {
  return `if that run is gone, remove ${lock}`;
}

/** True if the owner was a process of this machine and runs no more, or was killed before it could say its name. */
function isAbandoned({ text, since }: Owner): boolean {
  if (text === '') return Date.now() - since > BRIEFLY_EMPTY; // a lost write after a power cut may leave zeros, too
  const [pidText, start, host] = text.split(' ');
  const pid = Number(pidText);
  return Number.isSafeInteger(pid) && pid > 0 && host === hostname() && isGone(pid, start);
}
