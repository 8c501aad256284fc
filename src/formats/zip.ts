/**
 * Members of a zip archive (https://pkware.cachefly.net/webdocs/casestudies/APPNOTE.TXT), as far as NumPy writes them:
 *
 *   a member            "PK" 3 4, 26 bytes, its name, extra fields; then its bytes, stored or deflated
 *   the directory       for each member "PK" 1 2, 42 bytes, its name, extra fields, a comment
 *   the end             "PK" 5 6, 18 bytes, a comment
 *
 * The directory alone says how long a member is: who writes to a pipe does not know it when the member begins. So an
 * archive is held whole. No member's bytes are touched but those that are asked for.
 *
 * Not read: what is encrypted, other compressions, and zip64, as archives and members of 4 GiB and more are.
 */
import { Inflate } from 'fflate';
import { AirError } from '../errors.js';
import { crc32 } from './crc32.js';

export type ZipMember = {
  name: string;
  /** 0 stored, 8 deflated; others are refused when the member is read. */
  method: number;
  isEncrypted: boolean;
  /** Of the member as it was, and of its bytes in the archive. */
  size: number;
  packedSize: number;
  crc: number;
  /** Offset of its own header. */
  start: number;
  /** Where the directory begins, and every member has ended. */
  limit: number;
};

const SIGNATURE = { member: 0x04034b50, entry: 0x02014b50, end: 0x06054b50, zip64End: 0x07064b50 };
const MEMBER_BYTES = 30;
const ENTRY_BYTES = 46;
const END_BYTES = 22;
const ZIP64_LOCATOR_BYTES = 20;
const MAX_COMMENT_BYTES = 0xffff;
/** In place of a number that stands in a zip64 field. */
const [ELSEWHERE_16, ELSEWHERE_32] = [0xffff, 0xffffffff];
const STORED = 0;
const DEFLATED = 8;

/** Bytes handed to the inflater at a time: they become at most a thousand times as many. */
const PUSH_BYTES = 1 << 16;
/** No part of deflated data is longer than this before it gives bytes. */
const MAX_IDLE_PUSHES = 3;

const COPY_HINT = 'make or copy it again';
const SAVE_HINT = 'save it with numpy.savez or numpy.savez_compressed';

/** The members, as the directory lists them. @throws AirError 'badData' if there is no whole directory */
export function readZipDirectory(bytes: Uint8Array, name: string): ZipMember[] {
  const fail = (what: string): never => {
    throw new AirError('badData', `${name}: ${what}`, COPY_HINT);
  };
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const end = findEnd(view);
  if (end === undefined) return fail(`cut short after ${bytes.length} bytes: a zip archive without its end`);
  const [disk, firstDisk, here, count] = [4, 6, 8, 10].map((at) => view.getUint16(end + at, true));
  const [directoryBytes, limit] = [view.getUint32(end + 12, true), view.getUint32(end + 16, true)];
  const locator = end - ZIP64_LOCATOR_BYTES;
  const isZip64 = locator >= 0 && view.getUint32(locator, true) === SIGNATURE.zip64End;
  if (isZip64 || count === ELSEWHERE_16 || limit === ELSEWHERE_32) {
    throw new AirError('badData', `${name}: a zip64 archive, expected less than 4 GiB`, 'save fewer images in a file');
  }
  if (disk !== 0 || firstDisk !== 0 || here !== count) fail('a zip archive in several parts');
  if (limit + directoryBytes !== end) fail('a damaged zip archive: its directory is not where its end says');

  const members: ZipMember[] = [];
  let at = limit;
  while (members.length < count) {
    if (at + ENTRY_BYTES > end || view.getUint32(at, true) !== SIGNATURE.entry) {
      return fail(`a damaged zip archive: entry ${members.length + 1} of its directory`);
    }
    const [nameBytes, extraBytes, commentBytes] = [28, 30, 32].map((field) => view.getUint16(at + field, true));
    const next = at + ENTRY_BYTES + nameBytes + extraBytes + commentBytes;
    if (next > end) return fail(`a damaged zip archive: entry ${members.length + 1} of its directory`);
    members.push({
      name: new TextDecoder().decode(bytes.subarray(at + ENTRY_BYTES, at + ENTRY_BYTES + nameBytes)),
      isEncrypted: (view.getUint16(at + 8, true) & 1) !== 0,
      method: view.getUint16(at + 10, true),
      crc: view.getUint32(at + 16, true),
      packedSize: view.getUint32(at + 20, true),
      size: view.getUint32(at + 24, true),
      start: view.getUint32(at + 42, true),
      limit,
    });
    at = next;
  }
  if (at !== end) fail('a damaged zip archive: more in its directory than its end says');
  return members;
}

/** Offset of the end record: the last one whose comment reaches to the end of the file. */
function findEnd(view: DataView): number | undefined {
  const last = view.byteLength - END_BYTES;
  for (let at = last; at >= 0 && at >= last - MAX_COMMENT_BYTES; at--) {
    if (view.getUint32(at, true) === SIGNATURE.end && view.getUint16(at + 20, true) === last - at) return at;
  }
  return undefined;
}

/**
 * The bytes of a member, piece by piece; pieces may be views of `bytes`. Holds little more than a piece, and stops
 * as soon as there are more bytes than the directory says.
 *
 * @param bytes of the archive  @param name for messages
 * @throws AirError 'badData' if it cannot be read, or is not what the directory says: in length, or by its checksum
 */
export function* readZipMember(bytes: Uint8Array, member: ZipMember, name: string): Generator<Uint8Array> {
  const packed = packedBytes(bytes, member, name);
  let total = 0;
  let crc = 0;
  for (const piece of member.method === STORED ? pieces(packed) : inflate(packed, name)) {
    total += piece.length;
    if (total > member.size) break;
    crc = crc32(crc, piece);
    yield piece;
  }
  if (total !== member.size) {
    const got = total > member.size ? 'too long: more bytes' : `cut short: ${total} bytes`;
    throw new AirError('badData', `${name}: ${got}, the directory of the archive says ${member.size}`, COPY_HINT);
  }
  if (crc !== member.crc) throw new AirError('badData', `${name}: damaged: its checksum does not match`, COPY_HINT);
}

/** The bytes of a member as they are in the archive. */
function packedBytes(bytes: Uint8Array, member: ZipMember, name: string): Uint8Array {
  const { start, packedSize, size, limit, method } = member;
  const fail = (what: string, hint = COPY_HINT): never => {
    throw new AirError('badData', `${name}: ${what}`, hint);
  };
  if (member.isEncrypted) fail('encrypted', SAVE_HINT);
  if (method !== STORED && method !== DEFLATED) fail(`compressed by method ${method}, expected deflate`, SAVE_HINT);
  if ([start, packedSize, size].includes(ELSEWHERE_32)) fail('a zip64 member, expected less than 4 GiB', SAVE_HINT);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  if (start + MEMBER_BYTES > limit || view.getUint32(start, true) !== SIGNATURE.member) {
    fail('damaged: it is not where the directory of the archive says');
  }
  const dataStart = start + MEMBER_BYTES + view.getUint16(start + 26, true) + view.getUint16(start + 28, true);
  if (dataStart + packedSize > limit) fail('damaged: it reaches into the directory of the archive');
  if (method === STORED && packedSize !== size) fail('damaged: stored, but of two sizes');
  return bytes.subarray(dataStart, dataStart + packedSize);
}

function* pieces(bytes: Uint8Array): Generator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += PUSH_BYTES) yield bytes.subarray(at, at + PUSH_BYTES);
}

function* inflate(packed: Uint8Array, name: string): Generator<Uint8Array> {
  let out = new Uint8Array(0);
  let idle = 0;
  const inflater = new Inflate((piece) => {
    out = piece;
  });
  for (let at = 0; at < packed.length; at += PUSH_BYTES) {
    try {
      inflater.push(packed.subarray(at, at + PUSH_BYTES), at + PUSH_BYTES >= packed.length);
    } catch (error) {
      throw new AirError('badData', `${name}: damaged: ${reason(error)}`, COPY_HINT, { cause: error });
    }
    idle = out.length === 0 ? idle + 1 : 0;
    // what comes after the end of deflated data would only be gathered, again and again
    if (idle > MAX_IDLE_PUSHES) throw new AirError('badData', `${name}: damaged: it does not inflate`, COPY_HINT);
    if (out.length > 0) yield out;
  }
}

function reason(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
