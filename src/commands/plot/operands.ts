/** Files of a plot with the names that they have in it: `NAME=FILE`, or a FILE that names itself. */
import type { Io } from '../../io/io.js';

export type NamedFile = {
  file: string;
  /** What the legend calls it. */
  name: string;
};

/** `NAME=FILE` unless there is a file of that very name, or what is before the sign is a path. */
export async function parseNamedFile(operand: string, io: Io): Promise<NamedFile> {
  const [, name, file] = /^([^=/]+)=(.+)$/s.exec(operand) ?? [];
  if (name === undefined || (await io.exists(operand))) return { file: operand, name: nameOf(operand) };
  return { file, name };
}

/** The name of a file without folders and ending. */
function nameOf(file: string): string {
  if (file === '-') return 'stdin';
  const base = file.split('/').at(-1) ?? file;
  return base.replace(/(.)\.[^.]*$/, '$1');
}
