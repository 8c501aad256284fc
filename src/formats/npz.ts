/**
 * NumPy's .npz (https://numpy.org/doc/stable/reference/generated/numpy.savez.html): a zip archive of .npy files. Array
 * `x` is the member `x.npy`.
 *
 * Members that were not asked for are never looked into: one may hold pickled objects, which are programs.
 */
import { zipSync } from 'fflate';
import { AirError } from '../errors.js';
import { decodeNpy, encodeNpy, type NpyArray, type NumericArray } from './npy.js';
import { readZipDirectory, readZipMember, type ZipMember } from './zip.js';

/** The member that holds the images. */
export const IMAGES_MEMBER = 'x';

/** Every member's time, so that the same arrays give the same bytes: no time zone is an hour from another year. */
const TIMESTAMP = '1980-01-01T12:00:00';
const MAX_BYTES = 0xffffffff;
/** How many names an error lists, and how long each may be. */
const [SHOWN_NAMES, SHOWN_CHARACTERS] = [8, 40];

/**
 * The bytes of an .npz of arrays by name, in the order of `arrays`, as numpy.savez or (deflated) savez_compressed write
 * them. The same arrays give the same bytes.
 * @throws AirError 'usage' if it would be 4 GiB or more
 */
export function encodeNpz(
  arrays: ReadonlyMap<string, NumericArray>,
  { isDeflated = false }: { isDeflated?: boolean } = {},
): Uint8Array {
  const files: [string, Uint8Array][] = [...arrays].map(([name, array]) => [`${name}.npy`, encodeNpy(array)]);
  const total = files.reduce((sum, [name, bytes]) => sum + bytes.length + 2 * name.length + 100, 100);
  if (total > MAX_BYTES) throw new AirError('usage', `an .npz of ${total} bytes, expected less than 4 GiB`);
  return zipSync(Object.fromEntries(files), { level: isDeflated ? 6 : 0, mtime: TIMESTAMP });
}

/**
 * The .npy file of one array in an .npz, piece by piece.
 *
 * @param bytes of the .npz, whole  @param array its name, as numpy.load calls it  @param name of the .npz, for messages
 * @throws AirError 'badData' if there is no such array, the archive is damaged, or the member is encrypted or zip64
 */
export function readNpzMember(bytes: Uint8Array, array: string, name: string): Generator<Uint8Array> {
  const members = readZipDirectory(bytes, name);
  const found = members.filter((member) => arrayName(member) === array);
  if (found.length > 1) throw new AirError('badData', `${name}: ${found.length} arrays called ${array}`);
  if (found.length === 1) return readZipMember(bytes, found[0], memberName(name, array));
  throw new AirError(
    'badData',
    `${name}: no array ${array} in it, ${members.length === 0 ? 'nothing' : `only ${listNames(members)}`}`,
    `save it so: numpy.savez(file, ${array}=images)`,
  );
}

/** One array of an .npz, whole. @throws AirError 'badData' as `readNpzMember` and `decodeNpy` */
export function decodeNpzArray(bytes: Uint8Array, array: string, name: string): NpyArray {
  const parts = [...readNpzMember(bytes, array, name)];
  const npy = new Uint8Array(parts.reduce((total, part) => total + part.length, 0));
  let at = 0;
  for (const part of parts) {
    npy.set(part, at);
    at += part.length;
  }
  return decodeNpy(npy, memberName(name, array));
}

/** What messages call an array in a file. */
export function memberName(file: string, array: string): string {
  return `${file}: ${array}`;
}

function arrayName({ name }: ZipMember): string {
  return name.replace(/\.npy$/, '');
}

/** Names as a person may see them: what would move a terminal's cursor is left out. */
function listNames(members: readonly ZipMember[]): string {
  const shown = members.slice(0, SHOWN_NAMES).map((member) => {
    const text = arrayName(member).replace(/[^\p{L}\p{N}\p{P}\p{S} ]/gu, '?');
    return text.length > SHOWN_CHARACTERS ? `${text.slice(0, SHOWN_CHARACTERS)}...` : text;
  });
  return shown.join(', ') + (members.length > shown.length ? ` and ${members.length - shown.length} more` : '');
}
