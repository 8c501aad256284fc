/** One case: a file is made and read, and what comes of it is held against what every reader promises. */
import { AirError } from '#air/errors.js';
import { printable } from '#air/io/printable.js';
import type { Choices } from './choices.js';
import { damaged } from './damage.js';

/** The bytes of a file, and what it holds if nothing in it is a lie. */
export type Made<T> = { bytes: Uint8Array; holds?: T };

export type Reader<T> = {
  name: string;
  /** How many times as long as most a case takes: of so many fewer there are. */
  slowness?: number;
  make(c: Choices): Made<T>;
  /** What is read of it. @throws AirError 'badData' if it is refused */
  read(bytes: Uint8Array, c: Choices): T | Promise<T>;
  /** Of what was read: asserts what the format says of it, and that it is the same after it was written and read again. */
  check?(value: T, bytes: Uint8Array): void | Promise<void>;
  /** @throws if they differ */
  same(value: T, holds: T): void;
};

/** What messages call the file. */
export const NAME = 'some file';

export type Verdict = 'accepted' | 'refused';

/** The bytes of the case that was looked at last, for who wants to keep them. */
export const latest: { bytes: Uint8Array } = { bytes: new Uint8Array(0) };

/** @throws what is wrong with the reader */
export async function tryCase<T>(reader: Reader<T>, c: Choices): Promise<Verdict> {
  const { bytes, holds } = reader.make(c);
  const isDamaged = c.once(5);
  latest.bytes = isDamaged ? damaged(c, bytes) : bytes;
  const isTrue = c.lies === 0 && !isDamaged;
  let value: T;
  try {
    value = await reader.read(latest.bytes, c);
  } catch (error) {
    checkRefusal(error);
    if (isTrue) throw new Error(`refused, though nothing in it is wrong: ${error.message}`);
    return 'refused';
  }
  await reader.check?.(value, latest.bytes);
  if (isTrue && holds !== undefined) reader.same(value, holds);
  return 'accepted';
}

const LONGEST = 2010;
/** What moves a cursor, ends a line or turns the direction of writing; half a pair of surrogates. */
const UNPRINTABLE = /[\p{Cc}\p{Cs}\u2028-\u202e\u2066-\u2069]/u;

/** A refusal is shown as one clear line of what is wrong and where, and perhaps one with a way out. */
function checkRefusal(error: unknown): asserts error is AirError {
  if (!(error instanceof AirError)) throw error;
  const { kind, message, hint = '' } = error;
  if (kind !== 'badData') throw new Error(`refused as '${kind}', not 'badData': ${message}`, { cause: error });
  if (!message.startsWith(`${NAME}: `))
    throw new Error(`a message that does not begin with the file's name: ${message}`);
  for (const text of [message, hint].map(printable)) {
    if (UNPRINTABLE.test(text) || text.length > LONGEST) throw new Error(`no plain line: ${JSON.stringify(text)}`);
  }
}
