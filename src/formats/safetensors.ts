/**
 * Safetensors files (https://github.com/huggingface/safetensors), as Python's package writes and reads them:
 *
 *   8 bytes    n, the header's length, uint64 little-endian
 *   n bytes    JSON: {"__metadata__": {key: string, ...}, NAME: {"dtype", "shape", "data_offsets": [begin, end]}, ...},
 *              padded with spaces to a multiple of 8
 *   the rest   the tensors' elements, little-endian, row-major; offsets count from here, without holes or overlaps
 *
 * Written with __metadata__ first and all keys sorted; the data by falling element size, then name, so that every
 * tensor is aligned. The same tensors and metadata give the same bytes.
 *
 * The digest: metadata may have a key "digest", the sha256 (64 hex digits) of the whole file with these 64 characters
 * set to '0'.
 */
import { AirError } from '../errors.js';

/** Element types and the arrays that hold them. BOOL is a byte, 0 or 1; F16 and BF16 are the raw 16 bits. */
const ARRAYS = {
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

/** A tensor: its elements in row-major order. Testing `dtype` tells the compiler which array `data` is. */
export type TensorData = { [D in Dtype]: { dtype: D; shape: number[]; data: InstanceType<(typeof ARRAYS)[D]> } }[Dtype];

/** No real header is longer (Python's limit). */
const MAX_HEADER_BYTES = 100_000_000;
const DIGEST_LENGTH = 64;

/** The value of metadata.digest before `sealSafetensors`. */
export const UNSEALED_DIGEST = '0'.repeat(DIGEST_LENGTH);

/** Number of elements; undefined if it is no safe integer. */
function elementCount(shape: readonly number[]): number | undefined {
  const count = shape.reduce((product, size) => product * size, 1);
  return Number.isSafeInteger(count) ? count : undefined;
}

const byCodeUnit = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);

/**
 * The file's bytes.
 * @throws AirError 'bug' if a tensor's data is not what its dtype and shape say.
 */
export function encodeSafetensors(tensors: Map<string, TensorData>, metadata: Record<string, string>): Uint8Array {
  const entries = [...tensors].sort(
    ([nameA, a], [nameB, b]) => b.data.BYTES_PER_ELEMENT - a.data.BYTES_PER_ELEMENT || byCodeUnit(nameA, nameB),
  );
  const offsets = new Map<string, number>();
  let dataBytes = 0;
  for (const [name, { dtype, shape, data }] of entries) {
    if (!(data instanceof ARRAYS[dtype]) || data.length !== elementCount(shape) || name === '__metadata__') {
      throw new AirError('bug', `cannot write tensor ${name}: ${data.length} elements as ${dtype} [${shape}]`);
    }
    offsets.set(name, dataBytes);
    dataBytes += data.byteLength;
  }
  // The JSON is put together by hand, because an object would move keys that look like numbers to the front.
  const members: string[] = [];
  const pairs = Object.entries(metadata).sort(([a], [b]) => byCodeUnit(a, b));
  if (pairs.length > 0) {
    const body = pairs.map(([key, value]) => `${JSON.stringify(key)}:${JSON.stringify(value)}`).join(',');
    members.push(`"__metadata__":{${body}}`);
  }
  for (const [name, { dtype, shape, data }] of [...tensors].sort(([a], [b]) => byCodeUnit(a, b))) {
    const begin = offsets.get(name) as number;
    const entry = { dtype, shape, data_offsets: [begin, begin + data.byteLength] };
    members.push(`${JSON.stringify(name)}:${JSON.stringify(entry)}`);
  }
  const json = new TextEncoder().encode(`{${members.join(',')}}`);
  const headerBytes = Math.ceil(json.length / 8) * 8;
  const bytes = new Uint8Array(8 + headerBytes + dataBytes);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(headerBytes), true);
  bytes.fill(0x20, 8, 8 + headerBytes).set(json, 8);
  for (const [name, { data }] of entries) {
    const elements = new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
    bytes.set(elements, 8 + headerBytes + (offsets.get(name) as number));
  }
  return bytes;
}

/**
 * The tensors (copies) and metadata of a safetensors file; `name` is what messages call it.
 * @throws AirError 'badData' if anything in it, offsets and lengths above all, is not as the format says.
 */
export function decodeSafetensors(
  bytes: Uint8Array,
  name: string,
): { tensors: Map<string, TensorData>; metadata: Record<string, string> } {
  const fail = (what: string): never => {
    throw new AirError(
      'badData',
      `${name}: not a whole safetensors file: ${what}`,
      'the file was cut, changed, or is something else: make or copy it again',
    );
  };
  const { header, dataStart } = parseHeader(bytes, fail);
  const metadata: Record<string, string> = {};
  const tensors = new Map<string, TensorData>();
  const ranges: { tensor: string; begin: number; end: number }[] = [];
  const dataBytes = bytes.length - dataStart;
  for (const [key, value] of Object.entries(header)) {
    if (typeof value !== 'object' || value === null) fail(`${JSON.stringify(key)} in its header is not an object`);
    if (key === '__metadata__') {
      for (const [metaKey, text] of Object.entries(value as object)) {
        if (typeof text !== 'string') fail(`metadata ${JSON.stringify(metaKey)} is not a string`);
        // Not by assignment, which would take a key "__proto__" for something else.
        Object.defineProperty(metadata, metaKey, { value: text, enumerable: true, writable: true, configurable: true });
      }
      continue;
    }
    const tensor = `tensor ${JSON.stringify(key)}`;
    const { dtype, shape, data_offsets: offsets } = value as Record<string, unknown>;
    if (typeof dtype !== 'string' || !Object.hasOwn(ARRAYS, dtype)) fail(`${tensor}: unknown dtype ${String(dtype)}`);
    if (!isSizes(shape)) return fail(`${tensor}: its shape is not an array of whole numbers`);
    if (!isSizes(offsets) || offsets.length !== 2)
      return fail(`${tensor}: data_offsets is not a pair of whole numbers`);
    const Elements = ARRAYS[dtype as Dtype];
    const count = elementCount(shape);
    const [begin, end] = offsets;
    if (count === undefined || end - begin !== count * Elements.BYTES_PER_ELEMENT) {
      fail(`${tensor}: ${end - begin} bytes for ${dtype} [${shape}]`);
    }
    if (end > dataBytes) {
      fail(`${tensor} ends at byte ${dataStart + end}, but the file has ${bytes.length} bytes`);
    }
    ranges.push({ tensor, begin, end });
    const elements = new Uint8Array(end - begin);
    elements.set(bytes.subarray(dataStart + begin, dataStart + end));
    tensors.set(key, { dtype, shape, data: new Elements(elements.buffer) } as TensorData);
  }
  let covered = 0;
  for (const { tensor, begin, end } of ranges.sort((a, b) => a.begin - b.begin || a.end - b.end)) {
    if (begin !== covered) fail(`${tensor} begins at data byte ${begin}, expected ${covered}`);
    covered = end;
  }
  if (covered !== dataBytes) fail(`${dataBytes - covered} bytes after the last tensor`);
  return { tensors, metadata };
}

function isSizes(value: unknown): value is number[] {
  return Array.isArray(value) && value.every((size) => Number.isSafeInteger(size) && size >= 0);
}

function parseHeader(
  bytes: Uint8Array,
  fail: (what: string) => never,
): { header: Record<string, unknown>; dataStart: number } {
  if (bytes.length < 8) fail(`${bytes.length} bytes, expected 8 for the header's length`);
  const length = Number(new DataView(bytes.buffer, bytes.byteOffset).getBigUint64(0, true));
  if (length > MAX_HEADER_BYTES) fail(`its header would take ${length} bytes`);
  if (8 + length > bytes.length) fail(`its header ends at byte ${8 + length}, but the file has ${bytes.length} bytes`);
  let header: unknown;
  try {
    header = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes.subarray(8, 8 + length)));
  } catch {
    fail('its header is not JSON');
  }
  if (typeof header !== 'object' || header === null || Array.isArray(header)) fail('its header is not a JSON object');
  return { header: header as Record<string, unknown>, dataStart: 8 + length };
}

/** Where metadata.digest's characters are. Text inside a JSON string has its quotes escaped and cannot match. */
function findDigest(bytes: Uint8Array): { start: number; value: string } | undefined {
  if (bytes.length < 8) return undefined;
  const length = Number(new DataView(bytes.buffer, bytes.byteOffset).getBigUint64(0, true));
  const header = bytes.subarray(8, Math.min(bytes.length, 8 + length));
  const match = /"digest"\s*:\s*"([^"]*)"/.exec(new TextDecoder('latin1').decode(header));
  if (match === null) return undefined;
  return { start: 8 + match.index + match[0].length - 1 - match[1].length, value: match[1] };
}

/**
 * Writes the file's digest in place of the 64 '0' of metadata.digest; returns the same array.
 *
 *   sha256   lower-case hex digest of bytes
 *
 * @throws AirError 'bug' if there is no such place.
 */
export function sealSafetensors(bytes: Uint8Array, sha256: (bytes: Uint8Array) => string): Uint8Array {
  const digest = findDigest(bytes);
  if (digest?.value !== UNSEALED_DIGEST) throw new AirError('bug', 'the metadata has no digest of 64 zeros to fill in');
  bytes.set(new TextEncoder().encode(sha256(bytes)), digest.start);
  return bytes;
}

/** Is the file as it was sealed? 'missing': it has no digest, so another program wrote it. */
export function checkDigest(bytes: Uint8Array, sha256: (bytes: Uint8Array) => string): 'ok' | 'missing' | 'wrong' {
  const digest = findDigest(bytes);
  if (digest === undefined) return 'missing';
  if (digest.value.length !== DIGEST_LENGTH) return 'wrong';
  const unsealed = new Uint8Array(bytes);
  unsealed.fill(0x30, digest.start, digest.start + DIGEST_LENGTH);
  return sha256(unsealed) === digest.value ? 'ok' : 'wrong';
}
