/** What the name of an output stands for, told by what is there and not by how it reads: `/dev/shm/x` is a file as any other. */
import type { Stats } from 'node:fs';
import { readlink, stat } from 'node:fs/promises';
import { dirname, isAbsolute } from 'node:path';
import { AirError } from '../errors.js';
import { systemFailure } from './failures.js';

export type Target =
  /** One of our own descriptors: `-`, `/dev/stderr`, `/dev/fd/3`. */
  | { kind: 'descriptor'; fd: number }
  /** A device or a FIFO: written in place. */
  | { kind: 'stream'; isFifo: boolean }
  /** `path` is the name to give to what is written: links are followed, also to a file that is not there yet. */
  | { kind: 'file'; path: string; old: Stats | undefined };

/** @throws AirError cannotCreate: a folder, in a folder that may not be entered, too long a name, links in a circle */
export async function targetOf(file: string): Promise<Target> {
  if (file === '-') return { kind: 'descriptor', fd: 1 };
  const old = await stat(file).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'ENOENT' || file === '') throw systemFailure(error, 'cannotCreate', file);
    return undefined; // not there, or the end of a dead link
  });
  if (old?.isDirectory()) throw new AirError('cannotCreate', `${file}: is a folder, expected a file`);
  let path = file;
  for (;;) {
    const fd = ownDescriptor(path);
    if (fd !== undefined) return { kind: 'descriptor', fd };
    const link = await readlink(path).catch(() => undefined);
    if (link === undefined) break;
    path = isAbsolute(link) ? link : `${dirname(path)}/${link}`;
  }
  if (old?.isFile() === false) return { kind: 'stream', isFifo: old.isFIFO() };
  if (path.endsWith('/'))
    throw new AirError('cannotCreate', `${file}: there is no such folder, and a file has no / at its end`);
  return { kind: 'file', path, old };
}

/** A descriptor that a name stands for. */
function ownDescriptor(path: string): number | undefined {
  const standard = ['/dev/stdin', '/dev/stdout', '/dev/stderr'].indexOf(path);
  if (standard >= 0) return standard;
  const number = /^\/(?:dev|proc\/self)\/fd\/(\d{1,9})$/.exec(path)?.[1];
  return number === undefined ? undefined : Number(number);
}
