/** What the operating system says, as errors a person can use. */
import { getSystemErrorMap } from 'node:util';
import { AirError, type ErrorKind } from '../errors.js';

/** The reader of our output went away (`| head`). Not a failure: the command stops quietly with exit code 0. */
export class OutputClosed extends Error {
  override readonly name = 'OutputClosed';
}

/** Waits for a write. False if the reader went away, which changes no answer that is to be given besides. */
export async function isRead(writing: Promise<void>): Promise<boolean> {
  try {
    await writing;
    return true;
  } catch (error) {
    if (error instanceof OutputClosed) return false;
    throw error;
  }
}

export type SystemError = Error & { code: string; errno?: number; syscall?: string; path?: string };

export function isSystemError(error: unknown): error is SystemError {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' && /^E[A-Z0-9]+$/.test(error.code);
}

/** Codes that mean "full" or "broken", whatever was being done. */
const IO_CODES = ['ENOSPC', 'EDQUOT', 'EFBIG', 'EIO'];

const HINTS: Readonly<Record<string, string>> = {
  ENOSPC: 'make room, or write elsewhere with -o',
  EDQUOT: 'make room, or write elsewhere with -o',
  EMFILE: 'this shell lets a process open few files: ulimit -n 1024',
  EFBIG: 'the limit on file sizes (ulimit -f) or the file system stops it here',
};

/**
 * `error` as an AirError of `kind` about `file`, or of kind `io` if the device is full or broken. Errors that are not the
 * operating system's come back as they are.
 */
export function systemFailure(error: unknown, kind: ErrorKind, file: string, doing?: string): unknown {
  if (!isSystemError(error)) return error;
  const known = error.errno === undefined ? undefined : getSystemErrorMap().get(error.errno);
  const what = error.code === 'EISDIR' ? 'is a folder, expected a file' : (known?.[1] ?? error.message);
  return new AirError(
    IO_CODES.includes(error.code) ? 'io' : kind,
    `${file}: ${doing === undefined ? '' : `${doing}: `}${what}`,
    HINTS[error.code],
    { cause: error },
  );
}
