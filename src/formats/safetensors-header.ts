/**
 * The header of a safetensors file (safetensors.ts): its metadata, and which tensors lie where. All that it promises is checked
 * before a byte of the data is looked at.
 */
import { parseJson } from '../core/json.js';
import { AirError } from '../errors.js';

/** Element types and the arrays that hold them. BOOL is a byte, 0 or 1; F16 and BF16 are the raw 16 bits. */
export const ARRAYS = {
  F64: Float64Array,
  F32: Float32Array,
  F16: Uint16Array,
  BF16: Uint16Array,
  I64: BigInt64Array,
  I32: Int32Array,
  I16: Int16Array,
  I8: Int8Array,
  U64: BigUint64Array,
  U32: Uint32Array,
  U16: Uint16Array,
  U8: Uint8Array,
  BOOL: Uint8Array,
} as const;

export type Dtype = keyof typeof ARRAYS;

/** Where a tensor lies: bytes [begin, end) of the data. */
export type Place = { dtype: Dtype; shape: number[]; begin: number; end: number };

export type SafetensorsHeader = {
  metadata: Record<string, string>;
  /** In the order of the header. */
  places: ReadonlyMap<string, Place>;
  /** The byte of the file at which the data begin, and how many they are. */
  dataStart: number;
  dataBytes: number;
  /** The value of metadata.digest, and the byte of the file at which it stands; undefined: another program wrote this. */
  digest: { start: number; value: string } | undefined;
};

/** The length of the header stands in so many bytes before it. */
export const LENGTH_BYTES = 8;

/** No real header is longer: a thousand tensors take a tenth of a megabyte. */
const MAX_HEADER_BYTES = 1 << 24;

export function notWhole(name: string, what: string): AirError {
  return new AirError(
    'badData',
    `${name}: not a whole safetensors file: ${what}`,
    'the file was cut, changed, or is something else: make or copy it again',
  );
}

export function wasChanged(name: string): AirError {
  return new AirError(
    'badData',
    `${name}: the digest does not match: the file was changed`,
    'copy it again, or make it again',
  );
}

/** Number of elements; undefined if it is no safe integer. */
export function elementCount(shape: readonly number[]): number | undefined {
  const count = shape.reduce((product, size) => product * size, 1);
  return Number.isSafeInteger(count) ? count : undefined;
}

/**
 * The byte at which the data of a file begin, from its first bytes.
 * @throws AirError 'badData' if there are fewer than 8, or they promise more than any header has
 */
export function dataStartOf(bytes: Uint8Array, name: string): number {
  if (bytes.length < LENGTH_BYTES) throw notWhole(name, `${bytes.length} bytes, expected 8 for the header's length`);
  const length = Number(new DataView(bytes.buffer, bytes.byteOffset).getBigUint64(0, true));
  if (length > MAX_HEADER_BYTES) throw notWhole(name, `its header would take ${length} bytes`);
  return LENGTH_BYTES + length;
}

/**
 * @param bytes  of the file, from its beginning to the end of the header at least
 * @param name  of the file, for messages
 * @throws AirError 'badData' if anything is not as the format says: types, shapes, offsets without holes or overlaps
 */
export function parseHeader(bytes: Uint8Array, name: string): SafetensorsHeader {
  const fail = (what: string): never => {
    throw notWhole(name, what);
  };
  const dataStart = dataStartOf(bytes, name);
  if (dataStart > bytes.length) fail(`its header ends at byte ${dataStart}, but the file has ${bytes.length} bytes`);
  const metadata: Record<string, string> = {};
  const places = new Map<string, Place>();
  for (const [key, value] of Object.entries(parseObject(bytes.subarray(LENGTH_BYTES, dataStart), fail))) {
    if (typeof value !== 'object' || value === null) fail(`${JSON.stringify(key)} in its header is not an object`);
    if (key === '__metadata__') {
      for (const [metaKey, said] of Object.entries(value as object)) {
        if (typeof said !== 'string') fail(`metadata ${JSON.stringify(metaKey)} is not a string`);
        // Not by assignment, which would take a key "__proto__" for something else.
        Object.defineProperty(metadata, metaKey, { value: said, enumerable: true, writable: true, configurable: true });
      }
      continue;
    }
    places.set(key, parsePlace(value as Record<string, unknown>, `tensor ${JSON.stringify(key)}`, fail));
  }
  let dataBytes = 0;
  for (const [key, { begin, end }] of [...places].sort(([, a], [, b]) => a.begin - b.begin || a.end - b.end)) {
    if (begin !== dataBytes) fail(`tensor ${JSON.stringify(key)} begins at data byte ${begin}, expected ${dataBytes}`);
    dataBytes = end;
  }
  return { metadata, places, dataStart, dataBytes, digest: findDigest(bytes) };
}

/** @throws AirError 'badData' if a file of so many bytes ends before its last tensor does, or goes on after it */
export function checkLength({ places, dataStart, dataBytes }: SafetensorsHeader, bytes: number, name: string): void {
  const got = bytes - dataStart;
  for (const [key, { end }] of places) {
    if (end <= got) continue;
    throw notWhole(
      name,
      `tensor ${JSON.stringify(key)} ends at byte ${dataStart + end}, but the file has ${bytes} bytes`,
    );
  }
  if (got > dataBytes)
    throw notWhole(name, `it goes on after the last tensor, which ends at byte ${dataStart + dataBytes}`);
}

type Fail = (what: string) => never;

function parseObject(text: Uint8Array, fail: Fail): object {
  let header: unknown;
  try {
    header = parseJson(new TextDecoder('utf-8', { fatal: true }).decode(text));
  } catch {
    fail('its header is not JSON');
  }
  if (typeof header !== 'object' || header === null || Array.isArray(header))
    return fail('its header is not a JSON object');
  return header;
}

function parsePlace(
  { dtype, shape, data_offsets: offsets }: Record<string, unknown>,
  tensor: string,
  fail: Fail,
): Place {
  if (typeof dtype !== 'string' || !Object.hasOwn(ARRAYS, dtype))
    fail(`${tensor}: unknown dtype ${typeof dtype === 'string' ? dtype : typeof dtype}`);
  if (!isSizes(shape)) return fail(`${tensor}: its shape is not an array of whole numbers`);
  if (!isSizes(offsets) || offsets.length !== 2) return fail(`${tensor}: data_offsets is not a pair of whole numbers`);
  const count = elementCount(shape);
  const [begin, end] = offsets;
  if (count === undefined || end - begin !== count * ARRAYS[dtype as Dtype].BYTES_PER_ELEMENT) {
    fail(`${tensor}: ${end - begin} bytes for ${dtype} [${shape}]`);
  }
  return { dtype: dtype as Dtype, shape, begin, end };
}

function isSizes(value: unknown): value is number[] {
  return Array.isArray(value) && value.every((size) => Number.isSafeInteger(size) && size >= 0);
}

/** Where metadata.digest's characters are. Text inside a JSON string has its quotes escaped and cannot match. */
export function findDigest(bytes: Uint8Array): SafetensorsHeader['digest'] {
  if (bytes.length < LENGTH_BYTES) return undefined;
  const length = Number(new DataView(bytes.buffer, bytes.byteOffset).getBigUint64(0, true));
  const header = bytes.subarray(LENGTH_BYTES, Math.min(bytes.length, LENGTH_BYTES + length));
  const match = /"digest"\s*:\s*"([^"]*)"/.exec(new TextDecoder('latin1').decode(header));
  if (match === null) return undefined;
  return { start: LENGTH_BYTES + match.index + match[0].length - 1 - match[1].length, value: match[1] };
}

/** A copy of a file's first bytes, or of all of them, with '0' in place of the digest: what the digest is of. */
export function unsealed(bytes: Uint8Array, { start, value }: { start: number; value: string }): Uint8Array {
  return new Uint8Array(bytes).fill(0x30, start, start + value.length);
}
