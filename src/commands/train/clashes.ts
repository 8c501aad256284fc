/** The files of a run are files of their own: none that it writes may be another one that it reads or writes. */
import { usage } from '../../cli/command.js';
import type { Io } from '../../io/io.js';
import type { RunOptions } from './options.js';

type Named = Pick<RunOptions, 'input' | 'output' | 'metrics' | 'previews' | 'valid' | 'init'> & {
  config: string | undefined;
};

/** @throws AirError 'usage' if two names are of one file, also through links */
export async function checkClashes(options: Named, io: Io): Promise<void> {
  const { input, output, metrics, previews, valid, init, config } = options;
  const files: [who: string, file: string | undefined, isWritten: boolean][] = [
    ['-o', output, true],
    ['the state of -o', `${output}.state`, true],
    ['the lock of -o', `${output}.lock`, true],
    ['--metrics', metrics, true],
    ['--previews', previews, true],
    ['the page of --previews', previews && `${previews}/index.html`, true],
    ['FILE', input === '-' ? undefined : input, false],
    ['--valid', valid, false],
    ['--init', init, false],
    ['--config', config, false],
  ];
  const written = new Map<string, string>();
  for (const [who, file, isWritten] of files) {
    if (file === undefined) continue;
    const identity = await io.identityOf(file);
    const other = written.get(identity);
    if (other !== undefined) throw usage(`${other} and ${who} are one file: ${file}`, 'give each a name of its own');
    if (isWritten) written.set(identity, who);
  }
}
