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
import {
  ARRAYS,
  checkLength,
  type Dtype,
  elementCount,
  findDigest,
  parseHeader,
  unsealed,
} from './safetensors-header.js';

/** A tensor: its elements in row-major order. Testing `dtype` tells the compiler which array `data` is. */
export type TensorData = { [D in Dtype]: { dtype: D; shape: number[]; data: InstanceType<(typeof ARRAYS)[D]> } }[Dtype];

/** The value of metadata.digest before `sealSafetensors`. */
export const UNSEALED_DIGEST = '0'.repeat(64);

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
  const header = parseHeader(bytes, name);
  checkLength(header, bytes.length, name);
  const tensors = new Map<string, TensorData>();
  for (const [key, { dtype, shape, begin, end }] of header.places) {
    const elements = new Uint8Array(end - begin);
    elements.set(bytes.subarray(header.dataStart + begin, header.dataStart + end));
    tensors.set(key, { dtype, shape, data: new ARRAYS[dtype](elements.buffer) } as TensorData);
  }
  return { tensors, metadata: header.metadata };
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
  return sha256(unsealed(bytes, digest)) === digest.value ? 'ok' : 'wrong';
}
