/** Files with the names that they have in a table or a legend: `NAME=FILE`, or a FILE that names itself. */
import { AirError } from '../../errors.js';
import type { Io } from '../../io/io.js';

/** Files of one name belong together, as seeds of one recipe do. */
export type NamedFile = { name: string; file: string };

/** A file that is called as the operand is taken as it is, signs and all. @throws AirError 'usage' if a part is empty */
export async function parseNamedFile(operand: string, io: Io): Promise<NamedFile> {
  const at = operand.indexOf('=');
  const file = at === -1 || (await io.exists(operand)) ? operand : operand.slice(at + 1);
  const name = file === operand ? stemOf(file) : operand.slice(0, at);
  if (name === '' || file === '') throw new AirError('usage', `${operand}: expected NAME=FILE or FILE`);
  return { name, file };
}

/** `scores-1` of `runs/scores-1.json`. */
export function stemOf(file: string): string {
  return file === '-' ? 'stdin' : file.replace(/^.*\//, '').replace(/\.(jsonl?|air)$/, '');
}
