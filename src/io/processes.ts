/** Which of the processes that left a name behind, in a lock or a temporary file, still run. */
import { readFileSync } from 'node:fs';

/**
 * True if the process runs no more. `start` is what `startTime` said when it ran, so that a reused pid is not mistaken for
 * it; without it, any process of that number counts.
 */
export function isGone(pid: number, start?: string): boolean {
  try {
    process.kill(pid, 0);
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'ESRCH';
  }
  const now = startTime(pid);
  return start === undefined ? now === 'dead' : now !== start;
}

/** Clock ticks between boot and the start of a process, `-` where that is not told, `dead` for one that only awaits burial. */
export function startTime(pid: number): string {
  try {
    const line = readFileSync(`/proc/${pid}/stat`, 'utf8');
    const fields = line.slice(line.lastIndexOf(')') + 2).split(' '); // from field 3 on; the name before may hold blanks
    return fields[0] === 'Z' || fields[0] === 'X' ? 'dead' : fields[19];
  } catch {
    return '-';
  }
}
