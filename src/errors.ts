/**
 * What can go wrong, as types. Each kind has one exit code (sysexits.h where it has a name for it), so a shell
 * script can tell "bad file" from "no such file" from "the answer is no" without reading text.
 */
export const EXIT_CODES = {
  /** Ran to the end, and the answer is no: diverged, below --min-accuracy, a file is not whole. */
  answerIsNo: 1,
  /** The command line is wrong, or asks for what this model or file cannot give. */
  usage: 64,
  /** Input is malformed, empty, truncated, or of another kind than expected. */
  badData: 65,
  /** An input file is missing or unreadable. */
  noInput: 66,
  /** The compute backend asked for does not work here. */
  backendUnavailable: 69,
  /** A bug in air. */
  bug: 70,
  /** The output cannot be created, or another run is writing it. */
  cannotCreate: 73,
  /** Reading or writing failed midway: disk full, I/O error. */
  io: 74,
  /** Stopped before the end on request; the state is saved and the same command goes on. */
  stoppedEarly: 75,
  /** Its terminal went away (SIGHUP), after saving. */
  hungUp: 129,
  /** Interrupted by SIGINT, after saving. */
  interrupted: 130,
  /** Ended by SIGTERM, after saving. */
  terminated: 143,
} as const;

export type ErrorKind = keyof typeof EXIT_CODES;

/**
 * A failure a user can understand. `message` is one line: where, what, expected and got, without the command's name (the
 * command line adds `air COMMAND: `). `hint` is one line with a way out; it is printed indented under the message.
 */
export class AirError extends Error {
  override readonly name = 'AirError';
  readonly kind: ErrorKind;
  readonly hint: string | undefined;

  constructor(kind: ErrorKind, message: string, hint?: string, options?: ErrorOptions) {
    super(message, options);
    this.kind = kind;
    this.hint = hint;
  }

  get exitCode(): number {
    return EXIT_CODES[this.kind];
  }
}

/**
 * What a JavaScript engine says when the system gives it no more memory, as a failure a user can understand. Other errors come back
 * as they are.
 */
export function memoryFailure(error: unknown): unknown {
  const isOurs = error instanceof AirError || !(error instanceof Error);
  if (isOurs || !/allocate (\w+ )?memory|out of memory|allocation failed/i.test(error.message)) return error;
  return new AirError(
    'backendUnavailable',
    `not enough memory: ${error.message}`,
    'where ulimit -v limits it: a memory of WebAssembly reserves some 10 GiB of addresses, whatever it uses of them',
    { cause: error },
  );
}
