/** What a file is, from its first bytes: what a user hands over tells more than the name it has. */

export type FileKind = 'stream' | 'npy' | 'npz' | 'png' | 'idx' | 'gzip' | 'safetensors' | 'unknown';

/** The kinds as they are called in messages. */
export const KIND_NAMES: Record<FileKind, string> = {
  stream: 'a stream',
  npy: 'an .npy array',
  npz: 'a zip archive',
  png: 'a PNG image',
  idx: 'an IDX file',
  gzip: 'gzip-compressed',
  safetensors: 'a safetensors file',
  unknown: 'of no known kind',
};

/** As many first bytes as `sniff` looks at. */
export const SNIFF_BYTES = 12;

const PNG_MAGIC = [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a];
const NPY_MAGIC = [0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59];
/** Of the first member, and of the end of an archive of none. */
const ZIP_MAGICS = [
  [0x50, 0x4b, 0x03, 0x04],
  [0x50, 0x4b, 0x05, 0x06],
];
const IDX_TYPES = [0x08, 0x09, 0x0b, 0x0c, 0x0d, 0x0e];

/** The kind of file that begins with these bytes (12 or more, or all there are). */
export function sniff(bytes: Uint8Array): FileKind {
  const startsWith = (magic: readonly number[]): boolean => magic.every((byte, i) => bytes[i] === byte);
  if (bytes.length === 0) return 'unknown';
  if (startsWith(PNG_MAGIC)) return 'png';
  if (startsWith(NPY_MAGIC)) return 'npy';
  if (ZIP_MAGICS.some(startsWith)) return 'npz';
  if (startsWith([0x1f, 0x8b])) return 'gzip';
  if (bytes[0] === 0 && bytes[1] === 0 && IDX_TYPES.includes(bytes[2]) && bytes[3] >= 1 && bytes[3] <= 8) return 'idx';
  // safetensors: the header's length in 8 bytes, then JSON. No header is longer than 100 MB.
  if (bytes[8] === 0x7b && startsWith4Zeros(bytes)) return 'safetensors';
  return isMapWithStringKey(bytes) ? 'stream' : 'unknown';
}

function startsWith4Zeros(bytes: Uint8Array): boolean {
  return bytes[4] === 0 && bytes[5] === 0 && bytes[6] === 0 && bytes[7] === 0;
}

/** A msgpack map whose first key is a short string, as far as the bytes go: what every segment begins with. */
function isMapWithStringKey(bytes: Uint8Array): boolean {
  const first = bytes[0];
  const keyAt = first > 0x80 && first < 0x90 ? 1 : first === 0xde ? 3 : first === 0xdf ? 5 : -1;
  if (keyAt < 0) return false;
  const key = bytes[keyAt];
  return key === undefined || (key >= 0xa0 && key < 0xc0) || key === 0xd9;
}

/**
 * The kind of what is arriving, and all of its chunks, those that were looked at included. Whoever does not read them to the end
 * calls `return`, which closes the input.
 */
export async function sniffChunks(
  chunks: AsyncIterable<Uint8Array>,
): Promise<{ kind: FileKind; chunks: AsyncGenerator<Uint8Array, void, undefined> }> {
  const iterator = chunks[Symbol.asyncIterator]();
  const held: Uint8Array[] = [];
  const first: number[] = [];
  while (first.length < SNIFF_BYTES) {
    const { value, done } = await iterator.next();
    if (done) break;
    held.push(value);
    first.push(...value.subarray(0, SNIFF_BYTES - first.length));
  }
  const all = resume(held, iterator);
  await all.next(); // one that is not begun would not close anything
  return { kind: sniff(Uint8Array.from(first)), chunks: all };
}

async function* resume(
  held: Uint8Array[],
  iterator: AsyncIterator<Uint8Array>,
): AsyncGenerator<Uint8Array, void, undefined> {
  try {
    yield new Uint8Array(0);
    for (let chunk = held.shift(); chunk !== undefined; chunk = held.shift()) yield chunk;
    for (;;) {
      const { value, done } = await iterator.next();
      if (done) return;
      yield value;
    }
  } finally {
    await iterator.return?.();
  }
}
