/**
 * Names of files that are being written, `.FILE.HOST-PID-K.tmp` beside FILE, and the removal of those whose writer was
 * killed. The host is in the name because the same pid on another machine, or in another container, is another process.
 */
import { readdir, unlink } from 'node:fs/promises';
import { hostname } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { isGone } from './processes.js';

const host = hostname()
  .replace(/[^\w.-]/g, '_')
  .slice(0, 64);
let counter = 0;

/** A name nobody else uses. */
export function temporaryFor(target: string): string {
  return join(dirname(target), `.${stem(target)}.${host}-${process.pid}-${counter++}.tmp`);
}

/** The beginning of its name: there is room for 255 bytes in all, and a letter may take four of them. */
function stem(target: string): string {
  const letters = [...basename(target)];
  while (Buffer.byteLength(letters.join('')) > 150) letters.pop();
  return letters.join('');
}

/**
 * Removes what killed processes of this machine left of their writing of `target`; with `relatives` also of
 * `target.state` and the like. What cannot be removed stays.
 */
export async function removeStaleTemporaries(target: string, { relatives }: { relatives: boolean }): Promise<void> {
  const folder = dirname(target);
  const prefix = `.${stem(target)}.`;
  const ours = `${host}-`;
  const names = await readdir(folder).catch(() => []);
  for (const name of names) {
    const match = /^(\d+)-\d+\.tmp$/.exec(name.slice(name.lastIndexOf(ours) + ours.length));
    if (match === null || !name.startsWith(prefix)) continue;
    const between = name.slice(prefix.length, name.lastIndexOf(ours));
    if (between !== '' && !(relatives && between.endsWith('.'))) continue;
    if (isGone(Number(match[1]))) await unlink(join(folder, name)).catch(() => {});
  }
}
