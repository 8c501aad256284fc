/** Which file a name stands for, so that two names of one file can be told. */
import { readlink, realpath } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';

/** Links that lead on from each other; Linux follows no more. */
const MOST_LINKS = 40;

/** The path of a file without links, whether it is there or not: the same for every name that it has. Never fails. */
export async function identityOf(file: string, linksLeft = MOST_LINKS): Promise<string> {
  const path = await realpath(file).catch(() => undefined);
  if (path !== undefined) return path;
  const link = linksLeft > 0 ? await readlink(file).catch(() => undefined) : undefined;
  if (link !== undefined) return identityOf(resolve(dirname(file), link), linksLeft - 1);
  const folder = await realpath(dirname(file)).catch(() => resolve(dirname(file)));
  return join(folder, basename(file));
}
